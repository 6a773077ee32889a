"""Sitemaps that name others: what is new in these is found, though the index stays as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from monitor.model import FullText, Source, SourceState
from tests.support.clock import FakeClock
from tests.support.simulation import Scheduler, on_sqlite
from tests.support.site import Part, Site
from tests.support.stores import OpenStore

DAY = 86_400
pytestmark = on_sqlite


def index(site: Site, path: str, names: str, stamp: str = "") -> None:
    """Serve an index of these sitemaps, always the same and with an ETag."""
    when = f"<lastmod>{stamp}</lastmod>" if stamp else ""
    children = "".join(
        f"<sitemap><loc>{site.url('/' + name)}</loc>{when}</sitemap>" for name in names.split()
    )
    body = f"<sitemapindex>{children}</sitemapindex>"
    site.parts[path] = Part(body=body, content_type="application/xml", headers={"ETag": '"1"'})


def news(site: Site, path: str, *slugs: str, when: str) -> None:
    """Serve a sitemap of news."""
    entries = "".join(
        f"<url><loc>{site.url('/' + slug)}</loc><news:news><news:title>{slug}</news:title>"
        f"<news:publication_date>{when}</news:publication_date></news:news></url>"
        for slug in slugs
    )
    space = 'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
    site.put(path, f"<urlset {space}>{entries}</urlset>", "application/xml")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site("127.4.7.1") as served:
        yield served


@pytest.fixture
async def scheduler(open_store: OpenStore, clock: FakeClock) -> AsyncIterator[Scheduler]:
    scheduler = Scheduler(await open_store(), clock)
    yield scheduler
    await scheduler.close()


async def followed(scheduler: Scheduler, site: Site) -> None:
    source = Source(
        name="map", type="sitemap", location=site.url("/index"), full_text=FullText.NEVER
    )
    await scheduler.store.declare([source], scheduler.clock.now())
    await scheduler.run(60)


async def state(scheduler: Scheduler) -> SourceState:
    found = await scheduler.store.source("map")
    assert found is not None
    return found


async def titles(scheduler: Scheduler) -> set[str]:
    return {row.article.title for row in await scheduler.store.unsent(100)}


@pytest.mark.parametrize("dated", [False, True])
async def test_news_in_a_sitemap_whose_index_never_changes(
    site: Site, scheduler: Scheduler, clock: FakeClock, dated: bool
) -> None:
    when = clock.now().isoformat()
    index(site, "/index", "news", when[:10] if dated else "")
    news(site, "/news", "one", when=when)
    await followed(scheduler, site)
    news(site, "/news", "one", "two", when=when)
    await scheduler.run(DAY / 6)
    assert await titles(scheduler) == {"one", "two"}


async def test_all_sitemaps_of_an_index_are_read_in_their_turn(
    site: Site, scheduler: Scheduler, clock: FakeClock
) -> None:
    when = clock.now().isoformat()
    names = [f"s{number}" for number in range(7)]
    index(site, "/index", " ".join(names), when)
    for name in names:
        news(site, f"/{name}", f"in {name}", when=when)
    await followed(scheduler, site)
    await scheduler.run(DAY / 6)
    assert await titles(scheduler) == {f"in {name}" for name in names}
    assert [site.asked.count(f"/{name}") for name in names] == [1] * 7


async def test_a_sitemap_that_could_not_be_had_is_asked_for_again(
    site: Site, scheduler: Scheduler, clock: FakeClock
) -> None:
    when = clock.now().isoformat()
    index(site, "/index", "well ill", when)
    news(site, "/well", "one", when=when)
    site.parts["/ill"] = Part(status=500)
    await followed(scheduler, site)
    news(site, "/ill", "two", when=when)
    await scheduler.run(DAY / 6)
    assert await titles(scheduler) == {"one", "two"}


async def test_an_index_of_indexes(site: Site, scheduler: Scheduler, clock: FakeClock) -> None:
    when = clock.now().isoformat()
    index(site, "/index", "other", when)
    index(site, "/other", "index other news", when)
    news(site, "/news", "one", when=when)
    await followed(scheduler, site)
    assert await titles(scheduler) == {"one"}
    assert len(site.asked) < 6


async def test_an_index_of_which_nothing_can_be_read_fails_and_says_why(
    site: Site, scheduler: Scheduler
) -> None:
    index(site, "/index", "gone lost")
    await followed(scheduler, site)
    memory = (await state(scheduler)).memory
    assert memory.last_outcome == "failed"
    assert memory.last_error == "none of its parts can be read: 127.4.7.1 answered 404 Not Found"
    assert memory.etag == ""
