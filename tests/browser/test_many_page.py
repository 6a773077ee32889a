"""More sources and topics than a list offers, in a real Chromium: written, suggested, named."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from monitor.model import Topic
from monitor.web.choices import OFFERED
from tests.browser.test_page import HOSTILE, live, store, watched
from tests.browser.test_page import pytestmark as pytestmark
from tests.browser.test_page import site as site
from tests.support.articles import NOW
from tests.support.polls import a_source
from tests.support.web import Site


@pytest.fixture
async def many(site: Site) -> Site:
    names = [f"s{number}" for number in range(OFFERED + 1)]
    await site.store.declare([a_source(name, title=f"Source {name}") for name in names], NOW)
    topics = [Topic(id=f"t{number}", name=HOSTILE[0], query="x") for number in range(OFFERED + 1)]
    await site.store.declare_topics(topics, ())
    await store(site, "old", title="Old", source="s1", topics=("t1",))
    return site


async def test_a_source_is_written_and_holds_for_what_arrives(many: Site) -> None:
    async with watched(many) as seen:
        page = seen.page
        await live(page)
        await page.get_by_label("Source", exact=True).fill("s7")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/?source=s7")
        await page.wait_for_selector('#live[data-state="on"]')
        await store(many, "a1", title="Of another", source="s8")
        await store(many, "a2", title="Its own", source="s7")
        await expect(page.locator("#rows li h2")).to_have_text(["Its own"])
        await expect(page.locator("#rows .source")).to_have_text(["Source s7"])
    assert seen.wrongs == []


async def test_what_no_filter_offers_has_its_name_when_it_arrives(many: Site) -> None:
    async with watched(many) as seen:
        page = seen.page
        await live(page)
        for number in range(3):
            await store(many, f"a{number}", title="New", source="s9", topics=("t9", "t1"))
        row = page.locator("#rows > li").first
        await expect(page.locator("#rows > li")).to_have_count(4)
        await expect(row.locator(".source")).to_have_text("Source s9")
        await expect(row.locator(".chip")).to_have_text([HOSTILE[0], HOSTILE[0]])
        asked = [url for url in seen.requests if "/api/v1/sources/" in url]
        assert len(asked) == 1, "a name is asked for once"
    assert seen.wrongs == []


@pytest.mark.parametrize("width", [380, 1600])
async def test_nothing_sticks_out_of_long_lists(many: Site, width: int) -> None:
    async with watched(many, viewport={"width": width, "height": 800}) as seen:
        for path in ("/", "/topics", "/sources", "/topics?from=z", "/sources?from=s5"):
            await seen.page.goto(path)
            measured = await seen.page.evaluate("document.documentElement.scrollWidth")
            assert measured <= width, path
