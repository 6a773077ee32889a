"""What is found to follow at an address, on a real site."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from importlib import import_module
from ipaddress import ip_network

import pytest

from monitor.errors import MonitorError, Rejected, Unavailable, Unreachable
from monitor.model import (
    Document,
    Finding,
    Memory,
    PageText,
    Parsed,
    Source,
    SourceState,
    Survey,
)
from monitor.outbound.client import Outbound
from monitor.sources.candidates import MAX_REQUESTS
from monitor.sources.discover import discover, resolve
from monitor.sources.http import HttpFetcher
from monitor.sources.survey import survey
from tests.support.clock import FakeClock
from tests.support.ports import free_port
from tests.support.site import (
    NAME,
    START,
    TITLES,
    Part,
    Site,
    atom,
    home,
    news_sitemap,
    rss,
    sitemap,
    sitemap_index,
)

RSS, ATOM = "application/rss+xml", "application/atom+xml"


class DirectParser:
    """Parses in this process: these documents are our own."""

    async def parse(self, source: Source, document: Document, memory: Memory) -> Parsed:
        module = import_module(f"monitor.sources.{source.type}")
        parsed: Parsed = module.parse(document, source, memory)
        return parsed

    async def extract(self, document: Document) -> PageText:
        raise AssertionError(f"discovery fetches no article, but {document.url}")

    async def survey(self, document: Document) -> Survey:
        return survey(document)

    async def close(self) -> None:
        """Nothing is kept open."""


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as site:
        yield site


@pytest.fixture
async def get() -> AsyncIterator[HttpFetcher]:
    clock = FakeClock(START)
    door = Outbound("newsmonitor/1", clock, private=[ip_network("127.0.0.0/8")], gap=0.0)
    fetcher = HttpFetcher(door, clock)
    yield fetcher
    await fetcher.close()


async def found_at(url: str, get: HttpFetcher, *, whole: bool = True) -> tuple[Finding, ...]:
    return await discover(url, get, DirectParser(), site=whole, now=START)


async def test_each_request_is_told_before_it_is_made(site: Site, get: HttpFetcher) -> None:
    site.put("/", home((RSS, "News", "/news.xml")))
    site.put("/news.xml", rss(root_of(site)), RSS)
    told: list[tuple[str, int, int]] = []
    await discover(
        site.url(),
        get,
        DirectParser(),
        site=True,
        now=START,
        asking=lambda url, number: told.append((url, number, len(site.asked))),
    )
    paths = ("/robots.txt", "/", "/news.xml")
    assert told == [(site.url(path), at + 1, at) for at, path in enumerate(paths)]


def root_of(site: Site) -> str:
    return site.url("")


async def test_a_feed_that_the_page_names(site: Site, get: HttpFetcher) -> None:
    site.put("/", home((RSS, "News", "/news.xml"), (RSS, "Comments", "/comments.xml")))
    site.put("/news.xml", rss(root_of(site)), RSS)
    site.put("/comments.xml", rss(root_of(site), first=10, count=3), RSS)
    first, second = await found_at(site.url(), get)
    assert (first.type, first.location, first.title) == ("feed", site.url("/news.xml"), NAME)
    assert first.why == "the page names this feed"
    assert [article.title for article in first.articles] == list(TITLES[:10])
    assert second.location == site.url("/comments.xml")
    assert site.asked == ["/robots.txt", "/", "/news.xml", "/comments.xml"]


async def test_of_feeds_that_say_the_same_the_fullest_wins(site: Site, get: HttpFetcher) -> None:
    site.put("/", home((RSS, "RSS", "/rss.xml"), (ATOM, "Atom", "/atom.xml")))
    site.put("/rss.xml", rss(root_of(site), text="Short."), RSS)
    site.put("/atom.xml", atom(root_of(site), count=15, text="A much longer text."), ATOM)
    (finding,) = await found_at(site.url(), get)
    assert finding.location == site.url("/atom.xml")
    assert finding.why.endswith(f"the same articles with more text than in {site.url('/rss.xml')}")


async def test_feeds_that_are_empty_gone_or_none_are_passed_over(
    site: Site, get: HttpFetcher
) -> None:
    named = [(RSS, "", "/empty"), (RSS, "", "/gone"), (RSS, "", "/page"), (RSS, "", "/good")]
    site.put("/", home(*named))
    site.put("/empty", rss(root_of(site), count=0), RSS)
    site.put("/page", home())
    site.put("/good", rss(root_of(site)), "text/plain")
    (finding,) = await found_at(site.url(), get)
    assert finding.location == site.url("/good")


async def test_a_link_for_readers_leads_to_the_feed(site: Site, get: HttpFetcher) -> None:
    site.put("/", home(links='<a href="/news/rss">RSS</a>'))
    site.put("/news/rss", rss(root_of(site)), RSS)
    (finding,) = await found_at(site.url(), get)
    assert finding.why == "the page links to this feed"


@pytest.mark.parametrize("status", [301, 302])
async def test_an_address_that_redirects_is_followed_as_it_was_given(
    site: Site, get: HttpFetcher, status: int
) -> None:
    for path in ("/feed", "/list"):
        headers = {"Location": site.url(f"{path}/now")}
        site.parts[path] = Part(status=status, headers=headers)
    site.put("/feed/now", rss(root_of(site)), RSS)
    links = "".join(f'<h2><a href="/a/the-story-{n}">{TITLES[n]}</a></h2>' for n in range(12))
    site.put("/list/now", f"<html><body>{links}</body></html>")
    for path, what in (("/feed", "the address is a feed itself"), ("/list", "the page lists 12")):
        (found,) = await found_at(site.url(path), get, whole=False)
        assert found.location == site.url(path)
        assert found.why.startswith(what)
        assert found.why.endswith(f"; it redirects to {site.url(path)}/now")


async def test_well_known_paths_are_tried_until_one_is_a_feed(site: Site, get: HttpFetcher) -> None:
    site.put("/", home())
    site.put("/rss.xml", rss(root_of(site)), RSS)
    (finding,) = await found_at(site.url(), get)
    assert finding.why == "a feed is where many sites have theirs: /rss.xml"
    assert site.asked[2:] == ["/feed", "/rss", "/rss.xml"]


async def test_the_news_sitemap_that_robots_names(site: Site, get: HttpFetcher) -> None:
    site.put("/", home())
    lines = [f"Sitemap: {site.url(path)}" for path in ("/all.xml", "/news.xml")]
    site.put("/robots.txt", "\n".join(lines), "text/plain")
    site.put("/all.xml", sitemap(root_of(site)), "text/xml")
    site.put("/news.xml", news_sitemap(root_of(site)), "text/xml")
    (finding,) = await found_at(site.url(), get)
    assert (finding.type, finding.location) == ("sitemap", site.url("/news.xml"))
    assert finding.why == "a news sitemap, named in robots.txt"
    assert finding.articles[0].title == TITLES[0]
    assert "/all.xml" not in site.asked


async def test_news_are_known_by_their_content(site: Site, get: HttpFetcher) -> None:
    site.put("/", home())
    lines = [f"Sitemap: {site.url(path)}" for path in ("/one.xml", "/two.xml")]
    site.put("/robots.txt", "\n".join(lines), "text/plain")
    site.put("/one.xml", sitemap(root_of(site)), "text/xml")
    site.put("/two.xml", news_sitemap(root_of(site)), "text/xml")
    (finding,) = await found_at(site.url(), get)
    assert finding.location == site.url("/two.xml")


@pytest.mark.parametrize(
    ("children", "location", "why"),
    [
        (("/pages.xml", "/news-1.xml"), "/news-1.xml", "a news sitemap, named by the index"),
        (("/pages.xml",), "/sitemap.xml", "an index of sitemaps, where many sites have theirs"),
    ],
)
async def test_an_index_of_sitemaps(
    site: Site, get: HttpFetcher, children: tuple[str, ...], location: str, why: str
) -> None:
    site.put("/", home())
    site.put("/sitemap.xml", sitemap_index(*map(site.url, children)), "text/xml")
    site.put("/pages.xml", sitemap(root_of(site)), "text/xml")
    site.put("/news-1.xml", news_sitemap(root_of(site)), "text/xml")
    (finding,) = await found_at(site.url(), get)
    assert finding.location == site.url(location)
    assert finding.why.startswith(why)


async def test_an_index_that_names_itself_ends(site: Site, get: HttpFetcher) -> None:
    site.put("/", home())
    site.put("/sitemap.xml", sitemap_index(site.url("/sitemap.xml"), site.url("/b.xml")))
    site.put("/b.xml", sitemap_index(site.url("/sitemap.xml")))
    with pytest.raises(Rejected, match="no feed, no sitemap and no list of articles"):
        await found_at(site.url(), get)
    assert len(site.asked) == len(set(site.asked)) <= MAX_REQUESTS


async def test_the_page_itself_comes_last(site: Site, get: HttpFetcher) -> None:
    site.put("/", home(listed=20))
    (finding,) = await found_at(site.url(), get)
    assert (finding.type, finding.location, finding.title) == ("page", site.url(), NAME)
    assert finding.why == "the page lists 20 articles: no feed or sitemap was found"
    assert len(finding.articles) == 10
    assert len(site.asked) <= MAX_REQUESTS


async def test_a_page_below_the_root_comes_before_the_rest_of_its_site(
    site: Site, get: HttpFetcher
) -> None:
    site.put("/economy", home(listed=5))
    site.put("/feed", rss(root_of(site)), RSS)
    (finding,) = await found_at(site.url("/economy"), get, whole=False)
    assert (finding.type, finding.why) == ("page", "the page lists 5 articles")
    first, second = await found_at(site.url("/economy"), get)
    assert (first.type, second.type) == ("feed", "page")


async def test_a_feed_below_the_page(site: Site, get: HttpFetcher) -> None:
    site.put("/blog/", home())
    site.put("/blog/feed", rss(root_of(site)), RSS)
    (finding,) = await found_at(site.url("/blog/"), get, whole=False)
    assert finding.location == site.url("/blog/feed")


@pytest.mark.parametrize(
    ("write", "kind", "why"),
    [
        (rss, "feed", "the address is a feed itself"),
        (atom, "feed", "the address is a feed itself"),
        (news_sitemap, "sitemap", "the address is a sitemap itself"),
    ],
)
async def test_an_address_that_is_a_source_itself(
    site: Site, get: HttpFetcher, write: Callable[[str], str], kind: str, why: str
) -> None:
    site.put("/x", write(root_of(site)), "text/plain")
    (finding,) = await found_at(site.url("/x"), get, whole=False)
    assert (finding.type, finding.location, finding.why) == (kind, site.url("/x"), why)
    assert site.asked == ["/x"]


async def test_robots_keep_a_page_from_being_read(site: Site, get: HttpFetcher) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /", "text/plain")
    site.put("/", home(listed=20))
    with pytest.raises(Rejected, match="forbids its pages"):
        await found_at(site.url(), get)
    assert "/" not in site.asked
    site.put("/feed", rss(root_of(site)), RSS)
    (finding,) = await found_at(site.url(), get)
    assert finding.location == site.url("/feed")


async def test_a_long_robots_txt_is_read_as_far_as_pages_are_asked_by_it(
    site: Site, get: HttpFetcher
) -> None:
    site.put("/robots.txt", "User-agent: *\nAllow: /\n" + "# nothing\n" * 60_000, "text/plain")
    site.put("/", home(listed=20))
    (finding,) = await found_at(site.url(), get)
    assert finding.type == "page"


async def test_a_site_that_shows_its_pages_to_browsers_only(site: Site, get: HttpFetcher) -> None:
    site.parts["/"] = Part(status=403)
    with pytest.raises(Unavailable) as caught:
        await found_at(site.url(), get)
    assert caught.value.status == 403
    site.put("/feed", rss(root_of(site)), RSS)
    (finding,) = await found_at(site.url(), get)
    assert finding.location == site.url("/feed")


async def test_a_busy_site_is_left_alone_at_once(site: Site, get: HttpFetcher) -> None:
    site.put("/", home())
    site.parts["/feed"] = Part(status=429, headers={"Retry-After": "60"})
    with pytest.raises(Unavailable) as caught:
        await found_at(site.url(), get)
    assert (caught.value.status, caught.value.retry_after) == (429, 60.0)
    assert site.asked[-1] == "/feed"


@pytest.mark.parametrize("path", ["/robots.txt", "/"])
async def test_a_site_that_is_busy_from_the_start_is_asked_nothing_more(
    site: Site, get: HttpFetcher, path: str
) -> None:
    site.put("/", home())
    site.parts[path] = Part(status=503)
    with pytest.raises(Unavailable) as caught:
        await found_at(site.url(), get)
    assert caught.value.status == 503
    assert site.asked[-1] == path


async def test_requests_are_limited(site: Site, get: HttpFetcher) -> None:
    site.put("/", home(*[(RSS, "", f"/{number}") for number in range(30)]))
    lines = [f"Sitemap: {site.url(f'/news{number}.xml')}" for number in range(30)]
    site.put("/robots.txt", "\n".join(lines), "text/plain")
    with pytest.raises(Rejected, match="no feed, no sitemap"):
        await found_at(site.url(), get)
    assert len(site.asked) == MAX_REQUESTS
    assert site.asked[-1].startswith("/news")


@pytest.mark.parametrize("whole", [True, False])
async def test_a_bare_name_is_tried_with_and_without_tls(
    site: Site, get: HttpFetcher, whole: bool
) -> None:
    site.put("/", home((RSS, "News", "/news.xml")))
    site.put("/news.xml", rss(root_of(site)), RSS)
    (finding,) = await found_at(site.authority, get, whole=whole)
    assert finding.location == site.url("/news.xml")


@pytest.mark.parametrize("whole", [True, False])
async def test_where_nobody_answers(get: HttpFetcher, whole: bool) -> None:
    with pytest.raises(Unreachable):
        await found_at(f"127.0.0.1:{free_port()}", get, whole=whole)


@pytest.mark.parametrize("text", ["", "ftp://x.example/", "mailto:a@b.example", "no words"])
async def test_what_is_no_address(get: HttpFetcher, text: str) -> None:
    with pytest.raises(Rejected, match="is not an http or https address"):
        await found_at(text, get)


async def test_a_source_is_resolved_to_the_best_finding(site: Site, get: HttpFetcher) -> None:
    site.put("/", home((RSS, "News", "/news.xml")))
    site.put("/news.xml", rss(root_of(site)), RSS)
    source = Source(name="gazette", type="site", location=site.url())
    state = SourceState(source=source, next_poll_at=START)
    finding = await resolve(state, get, DirectParser(), now=START)
    assert finding.location == site.url("/news.xml")
    gone = SourceState(
        source=Source(name="gone", type="auto", location=site.url("/gone")), next_poll_at=START
    )
    with pytest.raises(MonitorError, match="404"):
        await resolve(gone, get, DirectParser(), now=START)
