"""Alerts in a real Chromium: those of one rule, rules by name, and the page of the API by night."""

from __future__ import annotations

from playwright.async_api import expect

from monitor.clock import SystemClock
from tests.browser.test_page import live, store, watched
from tests.browser.test_page import pytestmark as pytestmark
from tests.browser.test_page import site as site
from tests.support.articles import an_article
from tests.support.news import LOG, PAGE, an_alert
from tests.support.web import Site


async def raised(site: Site, article_id: str, rule: str, topic: str = "naval") -> None:
    now = SystemClock().now()
    alert = an_alert(an_article(id=article_id, title=article_id), rule, topic, now)
    await site.store.raise_alerts([(alert, (PAGE, LOG))], now)


async def test_a_filter_holds_for_alerts_that_arrive(site: Site) -> None:
    await raised(site, "a1", "Fleet watch")
    await raised(site, "a2", "Desk")
    async with watched(site) as seen:
        page = seen.page
        await page.goto("/alerts")
        await page.locator(".rule").get_by_role("link", name="Fleet watch").click()
        await page.wait_for_url("**/alerts?rule=fleet-watch")
        await page.wait_for_selector('#live[data-state="on"]')
        await expect(page.locator(".rows h2")).to_have_text(["a1"])
        await raised(site, "a3", "Desk")
        await raised(site, "a4", "Fleet watch")
        await page.get_by_role("button", name="Show 1 new alert").click()
        await expect(page.locator(".rows h2")).to_have_text(["a4", "a1"])
        chosen = page.get_by_label("Rule", exact=True).locator("option")
        await expect(chosen).to_have_text(["All rules", "Fleet watch", "Desk"])
        await page.get_by_label("Topic", exact=True).select_option("air-defence")
        await page.wait_for_url("**/alerts?rule=fleet-watch&topic=air-defence")
        await expect(page.get_by_role("heading", name="No alerts match")).to_be_visible()
    assert seen.wrongs == []


async def test_a_rule_that_was_met_before_is_called_by_its_name_when_its_article_comes_again(
    site: Site,
) -> None:
    await store(site, "a1", title="First")
    await raised(site, "a1", "Fleet watch")
    async with watched(site) as seen:
        page = seen.page
        await live(page, "/?topic=naval")
        await store(site, "a1", title="Second", topics=("naval",), revision=2)
        await expect(page.locator("#rows [data-slot=rules]")).to_have_text("Fleet watch")
    assert seen.wrongs == []


async def test_the_page_of_the_api_is_dark_where_all_are_and_leads_back(site: Site) -> None:
    async with watched(site, color_scheme="dark") as seen:
        page = seen.page
        await page.goto("/docs")
        await page.wait_for_selector(".opblock-tag")
        ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(map(int, ground.removeprefix("rgb(").removesuffix(")").split(","))) < 64
        await page.get_by_role("link", name="Back to News Monitor").click()
        await expect(page.get_by_role("heading", name="Articles", exact=True)).to_be_visible()
    assert seen.wrongs == []
