"""Visits: what one that is over tells of itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from monitor.decide import pending
from monitor.errors import Unavailable
from monitor.model import Document, Memory, SourceState, Turn
from monitor.store import SqlStore
from monitor.visitor import Visitor
from tests.support.articles import an_article
from tests.support.clock import START, FakeClock
from tests.support.polls import a_source
from tests.support.simulation import InlineParser

URL = "https://news.example/2026/story.html"
PAGE = b"<html><body><article>" + b"<p>Ministers met in the harbour town.</p>" * 20
SIZE = 321
OLD_NEWS = (
    b"<rss version='2.0'><channel><title>News</title><item><title>Ministers met</title>"
    b"<link>https://news.example/1</link><pubDate>Mon, 03 Nov 2025 10:00:00 GMT</pubDate></item>"
    b"</channel></rss>"
)


@dataclass
class Site:
    """A site with one page and no robots.txt."""

    asked: list[str] = field(default_factory=list)
    url: str = URL
    page: bytes = PAGE
    agents: set[str] = field(default_factory=set)

    async def get(self, url: str, *, max_bytes: int = 0, user_agent: str = "") -> Document:
        self.asked.append(url)
        self.agents.add(user_agent)
        if url != self.url:
            raise Unavailable("the answer is 404", None, 404)
        return Document(url=url, body=self.page, size=SIZE, status=200, fetched=START)


@dataclass
class Feed:
    """The fetcher of a feed."""

    async def fetch(self, state: SourceState) -> Document:
        location = state.memory.chosen_location
        return Document(url=location, body=OLD_NEWS, status=200, fetched=START)

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    store = SqlStore.from_url(f"sqlite:///{tmp_path}/monitor.db")
    await store.start()
    await store.migrate()
    yield store
    await store.stop()


def visiting(site: Site, store: SqlStore) -> Visitor:
    return Visitor(
        store=store,
        fetchers={"feed": Feed()},
        web=site,
        parser=InlineParser(),
        clock=FakeClock(),
        agent="newsmonitor/1",
    )


async def test_looking_for_what_to_follow_counts_each_request(store: SqlStore) -> None:
    site = Site()
    state = SourceState(source=a_source("site", type="site", location=URL), next_poll_at=START)
    poll = await visiting(site, store).poll(Turn(host="news.example", state=state))
    assert len(site.asked) > 2
    assert poll.asked.requests == len(site.asked)


async def test_a_visit_for_a_page_counts_its_requests_and_bytes(store: SqlStore) -> None:
    site = Site()
    page = pending(an_article(url=URL), START)
    visit = await visiting(site, store).see_page(Turn(host="news.example", page=page))
    assert site.asked == ["https://news.example/robots.txt", URL]
    assert (visit.asked.requests, visit.asked.size, visit.asked.failed) == (2, SIZE, 0)


async def test_a_page_is_asked_for_as_its_source_is(store: SqlStore) -> None:
    await store.add_source(a_source("wire", user_agent="Reader/1"), START)
    for source, agents in (("wire", {"", "Reader/1"}), ("removed", {""})):
        site = Site()
        page = pending(an_article(url=URL, source=source), START)
        await visiting(site, store).see_page(Turn(host="news.example", page=page))
        assert site.agents == agents


@pytest.mark.parametrize("same", [True, False])
async def test_another_choice_of_discovery_is_a_first_import(store: SqlStore, same: bool) -> None:
    visitor = visiting(Site(page=OLD_NEWS), store)
    before = URL if same else "https://news.example/feed-that-broke"
    memory = Memory(imported=True, moved_from=before)
    source = a_source("site", type="auto", location=URL)
    state = SourceState(source=source, next_poll_at=START, memory=memory)
    poll = await visitor.poll(Turn(host="news.example", state=state))
    articles = [*poll.articles, *(page.article for page in poll.pages)]
    assert [article.backlog for article in articles] == [not same]
    assert (poll.memory.imported, poll.memory.moved_from) == (True, "" if same else before)


async def test_a_title_made_of_an_address_gives_way_to_that_of_the_page(store: SqlStore) -> None:
    url = "https://news.example/2026/ministers-met-in-the-town"
    html = b"<html><head><title>Ministers met: what they said</title></head>" + PAGE[6:]
    site = Site(url=url, page=html)
    for made in ("Ministers met in the town", url):
        page = pending(an_article(url=url, title=made), START)
        visit = await visiting(site, store).see_page(Turn(host="news.example", page=page))
        assert visit.article is not None
        assert visit.article.title == "Ministers met: what they said"
    page = pending(an_article(url=url, title="As the feed has it"), START)
    visit = await visiting(site, store).see_page(Turn(host="news.example", page=page))
    assert visit.article is not None
    assert visit.article.title == "As the feed has it"
