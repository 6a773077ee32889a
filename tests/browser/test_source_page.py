"""The pages of sources in a real Chromium: followed, paused, polled, changed and removed."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.async_api import expect

from monitor.clock import SystemClock
from monitor.model import Memory, Owner
from tests.browser.test_page import pytestmark as pytestmark
from tests.browser.test_page import site as site
from tests.browser.test_page import store, watched
from tests.support.polls import a_poll, a_source
from tests.support.web import Site


async def polled(site: Site, name: str) -> None:
    """Record a poll as the scheduler does, with one article that came of it."""
    now = SystemClock().now()
    (turn,) = await site.store.lease_sources([name], now, "me", 60)
    memory = Memory(last_polled_at=now, chosen_type="feed", chosen_why="The page names it.")
    poll = a_poll(name, host=turn.host, memory=memory, next_poll_at=now + timedelta(hours=1))
    await site.store.record_polls([poll], "me")
    await store(site, "a1", title="Its first headline", source=name)


async def added(site: Site, name: str = "mine") -> None:
    await site.store.add_source(a_source(name, title="Mine", owner=Owner.USER), SystemClock().now())


async def test_a_source_is_followed_by_its_address_alone_and_shows_what_is_found(
    site: Site,
) -> None:
    async with watched(site) as seen:
        page = seen.page
        await page.goto("/sources")
        await page.get_by_role("link", name="Follow a source").press("Enter")
        await page.get_by_label("Address").fill("feeds.example.org/world.xml")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/sources/example")
        await expect(page.get_by_text("Its first poll is on its way.")).to_be_visible()
        await page.get_by_role("button", name="Poll now").click()
        await expect(page.get_by_text("as soon as its host may be asked")).to_be_visible()
        state = await site.store.source("example")
        assert state is not None
        assert (state.source.type, state.source.location) == (
            "auto",
            "https://feeds.example.org/world.xml",
        )
        await polled(site, "example")
        await expect(page.get_by_role("link", name="Its first headline")).to_be_visible()
        await expect(page.locator("#state")).to_contain_text("The page names it.")
    assert seen.wrongs == []


async def test_what_cannot_be_followed_is_said_beside_its_field(site: Site) -> None:
    await added(site)
    async with watched(site) as seen:
        page = seen.page
        await page.goto("/sources")
        address = page.get_by_label("Address")
        state = await site.store.source("mine")
        assert state is not None
        await address.fill(state.source.location)
        await page.get_by_role("button", name="Follow it").click()
        await expect(page.locator("#new-url-wrong")).to_have_text(
            "source 'mine' follows this url already"
        )
        await expect(address).to_be_focused()
        await expect(address).to_have_accessible_description(re.compile("'mine' follows"))
        interval = page.get_by_label("Interval")
        await address.fill("https://other.example/")
        await interval.fill("5")
        await page.keyboard.press("Enter")
        await expect(page.locator("#new-interval-wrong")).to_contain_text("at least 60 s")
        await expect(page.locator("#new-url-wrong")).to_be_empty()
        await expect(interval).to_be_focused()


async def test_a_source_is_paused_resumed_changed_and_polled(site: Site) -> None:
    await added(site)
    await polled(site, "mine")
    async with watched(site) as seen:
        page = seen.page
        await page.goto("/sources/mine")
        await page.get_by_role("button", name="Pause").press("Enter")
        resume = page.get_by_role("button", name="Resume")
        await expect(resume).to_be_focused()
        await expect(page.locator("#state h2")).to_have_text("Paused")
        await expect(page.get_by_role("button", name="Poll now")).to_be_hidden()
        await resume.press("Enter")
        await expect(page.locator("#state h2")).to_have_text("Working")
        await page.get_by_label("Interval").fill("30m")
        await page.keyboard.press("Enter")
        await expect(page.locator("#state")).to_contain_text("every 30 min, as it is set")
        await page.get_by_role("button", name="Poll now").click()
        await expect(page.locator(".controls [role=status]")).to_contain_text("as soon as its host")
        state = await site.store.source("mine")
        assert state is not None
        assert state.source.enabled
        assert state.next_poll_at <= SystemClock().now()
    assert seen.wrongs == []


async def test_a_source_is_removed_only_after_a_second_step(site: Site) -> None:
    await added(site)
    async with watched(site) as seen:
        page = seen.page
        await page.goto("/sources/mine")
        ask = page.get_by_role("button", name="Remove this source")
        dialog = page.get_by_role("dialog", name="Remove the source “Mine”?")
        await ask.press("Enter")
        await expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(ask).to_be_focused()
        assert await site.store.source("mine") is not None
        await ask.click()
        await dialog.get_by_role("button", name="Remove it").click()
        await page.wait_for_url("**/sources")
        assert await site.store.source("mine") is None
    assert seen.wrongs == []
