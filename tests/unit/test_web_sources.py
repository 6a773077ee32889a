"""The list of sources in parts, and pages that need no more of sources than their titles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from monitor.clock import SystemClock
from monitor.model import ArticleFilter, Memory, Owner, Topic
from monitor.store.source_tables import SOURCE
from monitor.store.sql import Database
from monitor.web.pages import SOURCES
from tests.support.articles import NOW, an_article
from tests.support.news import SOURCES as NEWS_SOURCES
from tests.support.news import fill
from tests.support.polls import a_page, a_poll, a_source
from tests.support.web import Site, a_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


async def test_a_long_list_goes_on_on_the_next_page(site: Site) -> None:
    names = [f"source-{number:04}" for number in range(SOURCES + 3)]
    await site.store.declare([a_source(name) for name in names], NOW)
    first = await site.shown("/sources")
    following = f"/sources?after={names[SOURCES - 1]}"
    assert f'rel="next" href="{following}"' in first
    assert [name for name in names if f'href="/sources/{name}"' in first] == names[:SOURCES]
    last = await site.shown(following)
    assert [name for name in names if f'href="/sources/{name}"' in last] == names[SOURCES:]
    assert 'rel="next"' not in last
    assert "Back to the first" in last
    beyond = await site.shown("/sources?after=z%3Cb%3E")
    assert "There is none after that" in beyond
    assert "After z&lt;b&gt;" in beyond


async def test_the_api_lists_sources_in_pages(site: Site) -> None:
    names = [f"s{number:03}" for number in range(53)]
    await site.store.declare([a_source(name) for name in names], NOW)
    first = await listed(site, "/api/v1/sources")
    assert [item["name"] for item in first["items"]] == names[:50]
    rest = await listed(site, f"/api/v1/sources?cursor={first['next']}")
    assert ([item["name"] for item in rest["items"]], rest["next"]) == (names[50:], None)
    assert (await listed(site, "/api/v1/sources?limit=53"))["next"] is None
    for query, status in (("limit=0", 422), ("limit=201", 422), ("after=s001", 422)):
        await site.shown(f"/api/v1/sources?{query}", status)


async def test_the_api_lists_topics_in_pages(site: Site) -> None:
    topics = [Topic(id=f"t{number}", name="Same", query="x") for number in range(3)]
    await site.store.declare_topics(topics, ())
    first = await listed(site, "/api/v1/topics?limit=2")
    rest = await listed(site, f"/api/v1/topics?limit=2&cursor={first['next']}")
    assert [item["id"] for item in (*first["items"], *rest["items"])] == ["t0", "t1", "t2"]
    assert rest["next"] is None
    await site.shown("/api/v1/topics?cursor=YmVmb3JlOjE", 400)


async def listed(site: Site, path: str) -> Any:
    async with site.client.get(path) as answer:
        assert answer.status == 200
        return await answer.json()


async def test_articles_that_wait_for_their_full_text_are_told(site: Site) -> None:
    await site.store.declare([a_source("wire"), a_source("other")], NOW)
    await site.store.lease_sources(["wire"], NOW, "me", 60)
    poll = a_poll("wire", pages=(a_page("a1"), a_page("a2")))
    await site.store.record_polls([poll], "me")
    assert "2 new articles wait for their full text" in await site.shown("/")
    shown = await site.shown("/sources")
    assert shown.count("2 new articles wait for their full text") == 1
    assert "2 new articles wait for their full text" in await site.shown("/sources/wire")
    assert "full text" not in await site.shown("/sources/other")
    page = await listed(site, "/api/v1/sources")
    waits = {item["name"]: item["awaiting_pages"] for item in page["items"]}
    assert waits == {"other": 0, "wire": 2}
    async with site.client.get("/api/v1/sources/wire") as answer:
        assert (await answer.json())["awaiting_pages"] == 2


async def test_the_page_of_articles_says_that_sources_cannot_be_read(site: Site) -> None:
    names = [f"s{number:02}" for number in range(20)]
    await site.store.declare([a_source(name) for name in names], NOW)
    assert "could not be read" not in await site.shown("/")
    for number, name in enumerate(names):
        await site.store.lease_sources([name], NOW, "me", 60)
        await site.store.record_polls([a_poll(name, memory=Memory(failures=1))], "me")
        page = await site.shown("/")
        told = f"{number + 1} of 20 sources could not be read" in page
        assert told is (number > 0), "a single one of twenty is no news"
    assert '<a href="/sources">See which, and why</a>' in page


async def test_pages_of_articles_and_alerts_read_no_source_but_its_title(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(site.store, NOW)
    database = Database(f"sqlite:///{tmp_path / 'monitor.db'}", SystemClock())
    await database.start()
    # Whoever reads it says that it cannot be read.
    broken = update(SOURCE).values(memory=b"\xc1")
    await database.write(lambda connection: connection.execute(broken))
    await database.stop()
    (row, *_) = await site.store.articles(ArticleFilter(source="baltic", topic="naval"))
    for path in ("/", f"/articles/{row.article.id}", "/alerts", "/topics/naval"):
        text = await site.shown(path)
        assert any(source.title in text for source in NEWS_SOURCES), path
    assert "cannot be read" not in caplog.text
    await site.shown("/sources")
    assert caplog.text.count("cannot be read") == 5


async def test_sources_are_listed_with_the_names_that_they_are_sorted_by(site: Site) -> None:
    await site.store.declare([a_source("a-blog", title="Zebra"), a_source("b", title="b")], NOW)
    page = await site.shown("/sources")
    assert "<code>a-blog</code>, " in page
    assert "<code>b</code>" not in page, "its title says it"
    assert page.index('href="#follow"') < page.index("<table>") < page.index('id="follow"')


async def test_only_a_source_that_somebody_added_is_changed_on_its_page(site: Site) -> None:
    await site.store.declare([a_source("declared")], NOW)
    await site.store.add_source(a_source("mine", interval=5400, owner=Owner.USER), NOW)
    page = await site.shown("/sources/declared")
    assert "declared in <code>sources.yaml</code>: paused, changed and removed there" in page
    assert ("data-poll" in page, "data-toggle" in page, "data-remove" in page) == (
        (True, False, False)
    )
    page = await site.shown("/sources/mine")
    assert 'data-remove="/api/v1/sources/mine" data-then="/sources"' in page
    assert 'value="90m"' in page
    assert "data-toggle" in page


async def test_a_source_shows_its_latest_headlines(site: Site) -> None:
    await site.store.declare([a_source("wire"), a_source("other")], NOW)
    await site.store.save_articles([an_article(source="wire", title="Storm & flood")], NOW)
    assert "Storm &amp; flood</a>" in await site.shown("/sources/wire")
    assert "None in the archive yet" in await site.shown("/sources/other")
