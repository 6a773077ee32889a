"""What there is to follow at an address: its feeds, else its sitemaps, else the page itself.

Every candidate is fetched and parsed before it is offered. `robots.txt` is obeyed for pages; feeds
and sitemaps are meant for programs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import urljoin, urlsplit

from monitor.errors import Rejected, Unavailable
from monitor.model import Document, Finding, SourceState, Survey
from monitor.protocols import Getter, Parser
from monitor.sources.candidates import Asking, Candidates, finding, is_busy
from monitor.sources.likeness import distinct
from monitor.sources.robots import sitemaps
from monitor.text.urls import link_url

MAX_NAMED = 5
"""Feeds named by a page that are looked at."""
MAX_GUESSES = 6
"""Well-known paths that are tried for a feed."""
MAX_SITEMAPS = 4
"""Sitemaps named by robots.txt that are looked at."""
MIN_LINKS = 3
"""Article links from which a page is a list of articles."""
AGENT = "newsmonitor"
"""Whom robots.txt is asked about."""
_FEED_PATHS = ("feed", "rss", "rss.xml", "feed.xml", "atom.xml", "index.xml", "feed.json")
_NEWS_SITEMAPS = ("/sitemap_news.xml", "/news-sitemap.xml")
_NEWS_NAMESPACE = b"schemas/sitemap-news/"
_NEWS = "a news sitemap"
_FEEDS = ("feed", "jsonfeed")
_NAMES = {"feed": "a feed", "jsonfeed": "a JSON Feed", "sitemap": "a sitemap"}
_CURE = (
    "give the address of its feed or sitemap, or set type: page and links, the CSS selector of "
    "its article links"
)


async def discover(
    url: str,
    get: Getter,
    parser: Parser,
    *,
    site: bool,
    now: datetime,
    agent: str = AGENT,
    user_agent: str = "",
    asking: Asking | None = None,
) -> tuple[Finding, ...]:
    """Return what can be followed at an address, best first, each with why.

    An address that is a feed or a sitemap is its own finding. With `site` it stands for the whole
    site; without, a page below the root comes before what the rest of its site offers. Makes at
    most 15 requests, and tells `asking` of each. Raises Unavailable where the site cannot be asked
    now, Rejected where there is nothing to follow.
    """
    candidates = Candidates(get, parser, now=now, agent=agent, user_agent=user_agent, asking=asking)
    return await _Search(candidates, site).run(url)


async def resolve(
    state: SourceState, get: Getter, parser: Parser, *, now: datetime, agent: str = AGENT
) -> Finding:
    """Return what a `site` or `auto` source is to follow; raises as `discover`."""
    source = state.source
    findings = await discover(
        source.location,
        get,
        parser,
        site=source.type == "site",
        now=now,
        agent=agent,
        user_agent=source.user_agent,
    )
    return findings[0]


class _Search:
    """One discovery, stage by stage until one finds something."""

    def __init__(self, candidates: Candidates, site: bool) -> None:
        self._candidates = candidates
        self._site = site
        self._page: Document | None = None
        self._address = ""
        self._survey = Survey()
        self._failure: Unavailable | None = None

    async def run(self, address: str) -> tuple[Finding, ...]:
        url = await self._start(_addresses(address))
        if self._page is not None and self._survey.type in _NAMES:
            return (await self._itself(self._page),)
        found = await self._named()
        if not found and not self._site and urlsplit(url).path not in ("", "/"):
            found = await self._guessed(url.rstrip("/") + "/") or await self._listing("")
        root = urljoin(url, "/")
        found = found or await self._guessed(root) or await self._mapped(root)
        if not found:
            found = await self._listing(": no feed or sitemap was found")
        elif found[-1].type != "page":
            found = (*found, *await self._listing(""))
        return found or self._nothing(url)

    async def _start(self, urls: Sequence[str]) -> str:
        """Fetch the page of the first address that answers, and return where it is.

        That of a site is a page for sure, so robots.txt is asked before it.
        """
        for url in urls:
            try:
                if self._site and not await self._candidates.may(url):
                    return url
                self._page = await self._candidates.document(url)
            except Unavailable as error:
                self._failure = error
                # A site that shows its pages to browsers only may have a feed for programs.
                if self._site and error.status and not is_busy(error):
                    return url
                if is_busy(error):
                    break
                continue
            if self._page is not None:
                self._failure, self._address = None, url
                self._survey = await self._candidates.survey(self._page)
                return self._page.url
        raise self._failure or Rejected(f"{urls[0]} redirects to where it was asked before")

    async def _itself(self, document: Document) -> Finding:
        kind = self._survey.type
        parsed = await self._candidates.read(document, kind)
        what = _NAMES[kind]
        if parsed is None:
            raise Rejected(f"{document.url} looks like {what}, but cannot be read: {_CURE}")
        location, redirect = self._asked(document)
        return finding(kind, location, parsed, f"the address is {what} itself{redirect}")

    def _asked(self, document: Document) -> tuple[str, str]:
        """Return the address of the page as it was given, and where it redirects to: a redirect is
        followed at each poll, and written down only when it has lasted."""
        if link_url(document.url) == link_url(self._address):
            return document.url, ""
        return self._address, f"; it redirects to {document.url}"

    async def _named(self) -> tuple[Finding, ...]:
        """Return the feeds that the page names, each content once."""
        found: list[Finding] = []
        for named in self._survey.feeds[:MAX_NAMED]:
            feed = await self._candidates.feed(named.location, named.why, _FEEDS)
            if feed is not None:
                title = feed.title or named.title or self._survey.title
                found.append(replace(feed, title=title))
        return distinct(found)

    async def _guessed(self, folder: str) -> tuple[Finding, ...]:
        """Return the first feed at a well-known path below a folder."""
        for path in _FEED_PATHS[:MAX_GUESSES]:
            url = urljoin(folder, path)
            why = f"a feed is where many sites have theirs: {urlsplit(url).path}"
            if feed := await self._candidates.feed(url, why, _FEEDS):
                return (replace(feed, title=feed.title or self._survey.title),)
        return ()

    async def _mapped(self, root: str) -> tuple[Finding, ...]:
        """Return the site's news sitemap, else the first sitemap that holds articles."""
        named = [urljoin(root, url) for url in sitemaps(await self._candidates.robots(root))]
        news = [url for url in named if _is_named_news(url)][:MAX_SITEMAPS]
        others = [url for url in named if not _is_named_news(url)][:MAX_SITEMAPS]
        guesses = [urljoin(root, path) for path in _NEWS_SITEMAPS]
        plain: list[Finding] = []
        for url in (*news, *guesses, *others, urljoin(root, "/sitemap.xml")):
            place = f"where many sites have theirs: {urlsplit(url).path}"
            found = await self._sitemap(url, "named in robots.txt" if url in named else place)
            if found and found.why.startswith(_NEWS):
                return (found,)
            plain += [found] if found else []
        return tuple(plain[:1])

    async def _sitemap(self, url: str, place: str) -> Finding | None:
        """Return a sitemap that holds articles; of an index the one for news, else the index."""
        document = await self._candidates.guess(url)
        parsed = await self._candidates.read(document, "sitemap")
        if document is None or parsed is None:
            return None
        if parsed.articles:
            is_news = _is_named_news(url) or _NEWS_NAMESPACE in document.body
            what = _NEWS if is_news else "a sitemap"
            site = self._survey.title
            return replace(finding("sitemap", url, parsed, f"{what}, {place}"), title=site)
        # News come first; an index that names another index is of no use here.
        for child in sorted(parsed.further, key=lambda child: not _is_named_news(child))[:1]:
            found = await self._sitemap(child, f"named by the index {url}")
            if found is None or found.why.startswith(_NEWS):
                return found
            return replace(found, location=url, why=f"an index of sitemaps, {place}")
        return None

    async def _listing(self, reason: str) -> tuple[Finding, ...]:
        """Return the page itself, where it lists articles and robots.txt allows it."""
        document = self._page
        if document is None or self._survey.type != "page" or self._survey.links < MIN_LINKS:
            return ()
        if not await self._candidates.may(document.url):
            return ()
        parsed = await self._candidates.read(document, "page")
        if parsed is None or not parsed.articles:
            return ()
        location, redirect = self._asked(document)
        why = f"the page lists {len(parsed.articles)} articles{reason}{redirect}"
        page = finding("page", location, parsed, why)
        return (replace(page, title=self._survey.title or page.title),)

    def _nothing(self, url: str) -> tuple[Finding, ...]:
        """Raise what says best why nothing was found."""
        if self._failure is not None:
            raise self._failure
        if self._candidates.forbidden:
            raise Rejected(
                f"{urlsplit(url).netloc} has neither feed nor sitemap, and its robots.txt forbids "
                "its pages: ask the publisher for a feed"
            )
        raise Rejected(f"{url} has no feed, no sitemap and no list of articles: {_CURE}")


def _is_named_news(url: str) -> bool:
    return "news" in urlsplit(url).path.lower()


def _addresses(text: str) -> tuple[str, ...]:
    """Return the addresses that a user's words may mean: a bare domain is tried both ways."""
    text = text.strip()
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        urls: tuple[str, ...] = (text,)
    else:
        urls = (f"https://{text}", f"http://{text}")
    if not link_url(urls[0]):
        raise Rejected(f"{text!r} is not an http or https address")
    return tuple(url if urlsplit(url).path else f"{url}/" for url in urls)
