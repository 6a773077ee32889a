"""Searches in a real Chromium: marked, ordered, and live where that has a meaning."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.test_page import HOSTILE, live, store, watched
from tests.browser.test_page import pytestmark as pytestmark
from tests.browser.test_page import site as site
from tests.support.web import Site


async def test_a_search_holds_for_what_arrives(site: Site) -> None:
    async with watched(site) as seen:
        page = seen.page
        await live(page)
        await page.get_by_label("Search").fill("frigate")
        await page.get_by_role("button", name="Filter").click()
        await page.wait_for_url("**/?q=frigate")
        await page.wait_for_selector('#live[data-state="on"]')
        await store(site, "a1", title="A tank")
        await store(site, "a2", title="A Frigate")
        rows = page.locator("#rows li")
        await expect(rows.locator("h2")).to_have_text(["A Frigate"])
        await expect(rows.locator("h2 mark")).to_have_text("Frigate")
        await expect(page.locator("#found")).to_contain_text("1 article found by “frigate”")
        await store(site, "a2", title="A frigate leaves", revision=2)
        await store(site, "a3", title=HOSTILE[0], body=f"{HOSTILE[5]} frigate {HOSTILE[3]}")
        await expect(rows.locator("h2")).to_have_text([HOSTILE[0], "A frigate leaves"])
        await expect(rows.locator(".excerpt").first).to_have_text(
            f"{HOSTILE[5]} frigate {HOSTILE[3]}"
        )
        await expect(page.locator("#found")).to_contain_text("2 articles found")
        await page.get_by_role("link", name="Best first").click()
        await page.wait_for_url("**/?q=frigate&order=best")
        await expect(page.locator("#live")).to_be_hidden()
        await page.get_by_label("Source", exact=True).select_option("")
        await page.get_by_role("button", name="Filter").click()
        await page.wait_for_url("**/?q=frigate&order=best")
    assert seen.wrongs == []


async def test_a_wrong_query_is_all_that_is_told(site: Site) -> None:
    async with watched(site) as seen:
        page = seen.page
        await page.goto("/?q=foo and (bar")
        await expect(page.get_by_role("alert")).to_be_visible()
        await expect(page.get_by_text("No articles")).to_have_count(0)
        await expect(page.locator("#live")).to_be_hidden()
        await expect(page.locator("#q")).to_have_value("foo and (bar")
    assert seen.wrongs == []
