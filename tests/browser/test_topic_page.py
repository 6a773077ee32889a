"""The page of a topic in a real Chromium: nothing is removed by accident."""

from __future__ import annotations

from playwright.async_api import expect

from monitor.model import Topic
from tests.browser.test_page import pytestmark as pytestmark
from tests.browser.test_page import site as site
from tests.browser.test_page import watched
from tests.support.web import Site


async def test_a_topic_is_removed_only_after_a_second_step(site: Site) -> None:
    await site.store.add_topic(Topic(id="mine", name="Mine", query="mine"))
    async with watched(site) as seen:
        page = seen.page
        await page.goto("/topics/mine")
        ask = page.get_by_role("button", name="Remove this topic")
        dialog = page.get_by_role("dialog", name="Remove the topic “Mine”?")
        for key in ("Escape", "Enter"):  # by the keyboard, as it comes: it is kept
            await ask.press("Enter")
            await expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
            await page.keyboard.press(key)
            await expect(dialog).to_be_hidden()
            await expect(ask).to_be_focused()
        assert await site.store.topic("mine") is not None
        await ask.click()
        await dialog.get_by_role("button", name="Remove it").click()
        await page.wait_for_url("**/topics")
        assert await site.store.topic("mine") is None
    assert seen.wrongs == []


async def test_why_a_topic_cannot_be_removed_is_said(site: Site) -> None:
    await site.store.add_topic(Topic(id="mine", name="Mine", query="mine"))
    await site.store.add_topic(Topic(id="user", name="User", query="@mine"))
    async with watched(site) as seen:
        page = seen.page
        await page.goto("/topics/mine")
        await page.get_by_role("button", name="Remove this topic").click()
        await page.get_by_role("button", name="Remove it", exact=True).click()
        told = page.locator(".remove [role=status]")
        await expect(told).to_have_text("topic 'mine' is used as @mine by user: change it first")
    assert await site.store.topic("mine") is not None


async def test_what_may_surprise_in_a_query_is_told_with_what_is_wrong(site: Site) -> None:
    await site.store.add_topic(Topic(id="mine", name="Mine", query="hydrogen pipeline OR football"))
    async with watched(site) as seen:
        page = seen.page
        await page.goto("/topics/mine")
        told = page.locator("form [role=status]")
        check = page.get_by_role("button", name="Check the query")
        await check.click()
        await expect(told).to_contain_text("This query holds, and may surprise:\nOR beside parts")
        query = page.get_by_role("textbox", name="Query")
        await query.fill("hydrogen")
        await check.click()
        await expect(told).to_have_text("This query holds.")
        await query.fill("(hydrogen")
        await check.click()
        await expect(told).to_contain_text("is never closed")
    assert seen.wrongs == []
