"""What an unknown document is, and the feeds that a web page names; runs in a parser process."""

from __future__ import annotations

import re
import zlib
from itertools import islice
from urllib.parse import urldefrag, urljoin, urlsplit

import lxml.html
from lxml.etree import LxmlError

from monitor.errors import Rejected
from monitor.model import Document, Finding, Survey
from monitor.sources.page import links_of
from monitor.sources.repair import decoded
from monitor.text.normal import clean_line
from monitor.text.urls import MAX_URL

MAX_PAGE = 5 * 1024 * 1024
"""Bytes of a page that are looked at."""
MAX_FEEDS = 20
"""Feeds that one page may name."""
_MAX_LINKS = 5_000
_START = 65_536
"""Characters in which the root element must come."""
_GZIP = b"\x1f\x8b"

# What may stand before the root element: the declaration, instructions, comments, a doctype.
_PROLOGUE = re.compile(
    r"\s*(?:<\?.*?\?>|<!--.*?-->|<![a-z][^>\[]*(?:\[[^\]]*\]\s*)?>)", re.I | re.S
)
_ROOT = re.compile(r"\s*<(?:[\w.-]+:)?([A-Za-z][\w.-]*)")
_ROOTS = {
    "rss": "feed",
    "feed": "feed",
    "urlset": "sitemap",
    "sitemapindex": "sitemap",
    "html": "page",
}
# RDF says many things; these are the names of the vocabularies of news.
_RDF_NEWS = re.compile(r"purl\.org/(?:rss|net/rss)|(?:my\.)?netscape\.com/(?:publish|rdf)")
_JSON_FEED = re.compile(r'"version"\s*:\s*"https?:\\?/\\?/(?:www\.)?jsonfeed\.org\\?/version')
_MARKUP = re.compile(r"<(?:html|head|body|title|meta|link|main|div|p|a|ul|table)\b", re.IGNORECASE)

_FEED_TYPES = {
    "application/rss+xml": "feed",
    "application/atom+xml": "feed",
    "application/rdf+xml": "feed",
    "application/x-rss+xml": "feed",
    "text/xml": "feed",
    "application/xml": "feed",
    "application/feed+json": "jsonfeed",
    "application/json": "jsonfeed",
}
# WordPress names its API as `alternate` in JSON, too.
_VAGUE = frozenset(("application/json", "application/xml", "text/xml"))
_FEED_PATH = re.compile(
    r"(?:^|[/._-])(?:rss\d?|feeds?|atom)(?:\.(?:xml|rdf|php|aspx?|json))?/?$|/index\.(?:xml|rdf)$",
    re.IGNORECASE,
)
_FEED_QUERY = re.compile(r"(?:^|&)(?:feed|format|alt|type)=(?:rss2?|atom|feed|rdf)\b", re.I)
_COMMENTS = re.compile(
    r"\bcomment(?:s|aires?)?\b|/comments/|\bkommentare?\b|\bcomentarios?\b|\bcommenti\b"
    r"|\breacties\b|комментари",
    re.IGNORECASE,
)


def survey(document: Document) -> Survey:
    """Return what a document is: `feed`, `jsonfeed`, `sitemap` or `page`, and what a page names.

    Feeds come best first: those of the page's head, those it links to, those of comments. Raises
    Rejected where the body is compressed and broken.
    """
    text = decoded(_unpacked(document.body), document.content_type)
    kind = _kind(text, document.content_type)
    return _page(text, document) if kind == "page" else Survey(type=kind)


def _unpacked(body: bytes) -> bytes:
    """Return the start of a body, decompressed where it is the file of a sitemap."""
    if not body.startswith(_GZIP):
        return body[:MAX_PAGE]
    try:
        return zlib.decompressobj(wbits=31).decompress(body, MAX_PAGE)
    except zlib.error as error:
        raise Rejected(f"the compressed file is broken: {error}") from error


def _kind(text: str, content_type: str) -> str:
    """Return a document's type by its root element, "" where it is of no use."""
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith(("{", "[")):
        return "jsonfeed" if start.startswith("{") and _JSON_FEED.search(start) else ""
    place, end = 0, min(len(start), _START)
    while prologue := _PROLOGUE.match(start, place, end):
        place = prologue.end()
    root = _ROOT.match(start, place, end)
    name = root[1].lower() if root else ""
    if name == "rdf":
        return "feed" if _RDF_NEWS.search(start, place, end) else ""
    if name in _ROOTS:
        return _ROOTS[name]
    markup = _MARKUP.search(start, 0, end)
    return "page" if markup and (root or "html" in content_type.lower()) else ""


def _page(text: str, document: Document) -> Survey:
    try:
        # The markup is text by now: what it declares of its encoding must not count again.
        tree = lxml.html.document_fromstring(
            text.encode("utf-8", "replace"), parser=lxml.html.HTMLParser(encoding="utf-8")
        )
    except (LxmlError, ValueError, AssertionError, RecursionError) as error:
        raise Rejected(f"the page cannot be read: {error}") from error
    base = document.url
    for href in tree.xpath("(//base/@href)[1]"):
        base = _joined(document.url, href) or base
    named = _named(tree, base) + _linked(tree, base)
    # Comments are no news; a feed of them is better than none.
    named.sort(key=lambda feed: bool(_COMMENTS.search(f"{feed.title} {feed.location}")))
    feeds: dict[str, Finding] = {}
    for feed in named:
        feeds.setdefault(feed.location, feed)
    return Survey(
        type="page",
        title=_title(tree),
        feeds=tuple(feeds.values())[:MAX_FEEDS],
        links=_article_links(document),
    )


def _title(tree: lxml.html.HtmlElement) -> str:
    for path in (
        "//meta[@property='og:site_name']/@content",
        "//meta[@name='application-name']/@content",
        "//head/title/text() | //title/text()",
    ):
        for found in tree.xpath(path):
            if title := clean_line(str(found), 200):
                return title
    return ""


def _named(tree: lxml.html.HtmlElement, base: str) -> list[Finding]:
    """Return the feeds that a page names for programs (`<link rel="alternate">`)."""
    found = []
    for link in islice(tree.iter("link"), _MAX_LINKS):
        relations = link.get("rel", "").lower().split()
        if "stylesheet" in relations or not {"alternate", "feed"} & set(relations):
            continue
        media = link.get("type", "").partition(";")[0].strip().lower()
        kind = _FEED_TYPES.get(media) or ("feed" if "feed" in relations else "")
        location = _joined(base, link.get("href", ""))
        if not kind or not location or (media in _VAGUE and not _looks_like_feed(location)):
            continue
        title = clean_line(link.get("title", ""), 200)
        found.append(
            Finding(type=kind, location=location, title=title, why="the page names this feed")
        )
    return found


def _linked(tree: lxml.html.HtmlElement, base: str) -> list[Finding]:
    """Return links for readers whose address looks like that of a feed."""
    found = []
    for link in islice(tree.iter("a"), _MAX_LINKS):
        location = _joined(base, link.get("href", ""))
        if location and _looks_like_feed(location):
            kind = "jsonfeed" if location.lower().endswith(".json") else "feed"
            title = clean_line(link.text_content()[:400], 200)
            why = "the page links to this feed"
            found.append(Finding(type=kind, location=location, title=title, why=why))
    return found


def _looks_like_feed(location: str) -> bool:
    parts = urlsplit(location)
    return bool(_FEED_PATH.search(parts.path) or _FEED_QUERY.search(parts.query))


def _joined(base: str, href: str) -> str:
    """Return the address of a link as the site spells it, "" where it is none of the web.

    Not `link_url`: a parameter that it takes for tracking may be what makes this a feed.
    """
    href = re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "", href[: 2 * MAX_URL]).strip()
    href = re.sub(r"^feed:(?://)?(?=https?://)", "", href, flags=re.IGNORECASE)
    href = re.sub(r"^feed://", "https://", href, flags=re.IGNORECASE)
    if not href or href.startswith("#"):
        return ""
    try:
        url = urldefrag(urljoin(base, href)).url.replace(" ", "%20")
        parts = urlsplit(url)
    except ValueError:
        return ""
    good = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    return url if good and len(url) <= MAX_URL else ""


def _article_links(document: Document) -> int:
    """Return how many links to articles a page has."""
    try:
        return len(links_of(document))
    except Rejected:
        return 0
