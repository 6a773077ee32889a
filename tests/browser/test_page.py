"""The pages in a real Chromium: live, filtered, and safe whatever an article says."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from monitor.clock import SystemClock
from monitor.model import AlertChannel
from tests.support.articles import an_article
from tests.support.chromium import a_browser, missing
from tests.support.news import LOG, PAGE, an_alert, fill
from tests.support.web import Site, a_site

_REASON = missing()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        _REASON is not None and os.environ.get("MONITOR_TEST_REQUIRE_ALL") != "1",
        reason=_REASON or "",
    ),
]

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    "</title><script>alert(3)</script>",
    '"><svg onload=alert(4)>',
    "' onmouseover='alert(5)",
    "{{ 7 * 7 }}{% raw %}",
    "</template><iframe srcdoc='<script>alert(6)</script>'></iframe>",
    "<math><mtext><style><img src=x onerror=alert(7)></style></mtext></math>",
    "javascript:alert(8)",
)


@dataclass
class Watched:
    """A page, with everything about it that must not happen."""

    page: Page
    requests: list[str] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)


@asynccontextmanager
async def watched(site: Site, **options: Any) -> AsyncIterator[Watched]:
    async with a_browser() as browser:
        page = await browser.new_page(base_url=site.url, **options)
        found = Watched(page)

        async def on_dialog(dialog: Any) -> None:
            found.wrongs.append(f"dialog {dialog.message}")
            await dialog.dismiss()

        page.on("dialog", on_dialog)
        page.on("request", lambda request: found.requests.append(request.url))
        page.on("pageerror", lambda error: found.wrongs.append(f"error {error}"))
        page.on(
            "console",
            lambda said: found.wrongs.append(said.text) if said.type == "error" else None,
        )
        # A blocked resource is an event of the document, whether the console shows it or not.
        await page.expose_function("violated", lambda text: found.wrongs.append(text))
        await page.add_init_script(
            "document.addEventListener('securitypolicyviolation',"
            " (event) => violated(`policy ${event.violatedDirective} ${event.blockedURI}`))"
        )
        yield found


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


async def store(site: Site, name: str, **fields: Any) -> None:
    now = SystemClock().now()
    await site.store.save_articles([an_article(id=name, fetched=now, **fields)], now)


async def live(page: Page, path: str = "/") -> None:
    await page.goto(path)
    await page.wait_for_selector('#live[data-state="on"]')


async def test_an_article_appears_the_moment_it_is_stored(site: Site) -> None:
    async with watched(site) as seen:
        page = seen.page
        await live(page)
        await expect(page.get_by_text("No articles yet")).to_be_visible()
        await store(site, "a1", title="Frigate leaves port", topics=("naval",), replayed=True)
        row = page.locator("#rows li").first
        await expect(row.get_by_role("heading")).to_have_text("Frigate leaves port")
        await expect(row.get_by_role("link", name="Naval operations")).to_be_visible()
        await expect(row.get_by_text("replayed")).to_be_visible()
        await expect(row.locator(".when")).to_have_text("just now")
        await expect(page.get_by_text("No articles yet")).to_be_hidden()
        await expect(page.locator("#announce")).to_have_text("1 new article")
    assert seen.wrongs == []


async def test_a_live_row_is_the_row_of_the_server(site: Site) -> None:
    """Both are built from the same article; apart from white space they must not differ."""
    read = (
        "() => { const row = document.querySelector('#rows li').cloneNode(true);"
        " row.classList.remove('new');"
        " const drop = row.querySelectorAll('[hidden]'); drop.forEach((one) => one.remove());"
        " return row.outerHTML.replace(/\\s+/g, ' ').replace(/> | </g, (two) => two.trim())"
        ".replace(/ data-relative=\"\"/g, ' data-relative'); }"
    )
    async with watched(site, locale="en-GB") as seen:
        await live(seen.page)
        published = SystemClock().now().replace(microsecond=0)
        fields = {"topics": ("naval", "gone"), "place": "Gdynia", "revision": 2}
        await store(site, "a b/1", title="Storm", published=published, **fields)
        await seen.page.wait_for_selector("#rows li")
        by_script = await seen.page.evaluate(read)
        await live(seen.page)
        by_server = await seen.page.evaluate(read)
        await seen.page.locator("#rows h2 a").click()
        await expect(seen.page.get_by_role("heading", level=1)).to_have_text("Storm")
    assert by_script.replace(" data-relative", "") == by_server.replace(" data-relative", "")


async def test_a_revision_changes_its_row_in_place(site: Site) -> None:
    async with watched(site) as seen:
        await live(seen.page)
        await store(site, "a1", title="First version")
        await store(site, "a2", title="Another")
        rows = seen.page.locator("#rows li h2")
        await expect(rows).to_have_text(["Another", "First version"])
        await store(site, "a1", title="Second version", revision=2)
        await expect(rows).to_have_text(["Another", "Second version"])
        await expect(seen.page.locator("#rows [data-slot=revised]").last).to_be_visible()


@pytest.mark.parametrize("channel", [PAGE, LOG], ids=["streamed", "quiet"])
async def test_an_alert_marks_its_article(channel: AlertChannel, site: Site) -> None:
    async with watched(site) as seen:
        await live(seen.page)
        await store(site, "a1")
        await seen.page.wait_for_selector("#rows li")
        now = SystemClock().now()
        alert = an_alert(an_article(id="a1"), "Desk", "naval", now)
        await site.store.raise_alerts([(alert, (channel,))], now)
        await seen.page.wait_for_selector("#rows li.alerted")
        await expect(seen.page.locator("[data-slot=rules]").first).to_have_text("Desk")
    assert seen.wrongs == []


async def test_an_article_is_marked_as_wrong_for_a_topic_and_the_mark_is_taken_back(
    site: Site,
) -> None:
    async with watched(site) as seen:
        page = seen.page
        await store(site, "a/1", title="A frigate", topics=("naval",))
        await page.goto("/articles/a%2F1")
        await expect(page.locator("h1 mark")).to_have_text("frigate")
        await page.get_by_role("button", name="Not on this topic").click()
        await expect(page.get_by_role("button", name="Marked as wrong")).to_be_visible()
        assert [mark.article_id for mark in await site.store.wrong_for("naval")] == ["a/1"]
        await page.reload()
        await page.get_by_role("button", name="Marked as wrong").click()
        await expect(page.get_by_role("button", name="Not on this topic")).to_be_visible()
        assert await site.store.wrong_for("naval") == []
    assert seen.wrongs == []


async def test_filters_hold_for_what_arrives(site: Site) -> None:
    async with watched(site) as seen:
        page = seen.page
        await store(site, "old", title="Old frigate", topics=("naval",))
        await live(page)
        await page.get_by_label("Topic", exact=True).select_option("naval")
        await page.wait_for_url("**/?topic=naval")
        await page.wait_for_selector('#live[data-state="on"]')
        await store(site, "a1", title="A tank")
        await store(site, "a2", title="A frigate", topics=("naval",))
        await expect(page.locator("#rows li h2")).to_have_text(["A frigate", "Old frigate"])


async def test_older_articles(site: Site) -> None:
    for number in range(60):
        await store(site, f"a{number}", title=f"Number {number}")
    async with watched(site) as seen:
        page = seen.page
        await live(page)
        await expect(page.locator("#rows li")).to_have_count(50)
        await page.get_by_role("link", name="Older articles").click()
        titles = page.locator("#rows li h2")
        await expect(titles).to_have_text([f"Number {number}" for number in range(9, -1, -1)])
        await expect(page.get_by_role("link", name="Older articles")).to_have_count(0)


async def test_it_says_when_the_connection_is_gone_and_catches_up(site: Site) -> None:
    async with watched(site) as seen:
        page = seen.page
        await live(page)
        site.health.draining = True  # ends the stream, and refuses the next
        await expect(page.locator("#live")).to_have_text("Reconnecting")
        await store(site, "a1", title="Meanwhile")
        site.health.draining = False
        await expect(page.locator("#live")).to_have_text("Live", timeout=10_000)
        await expect(page.locator("#rows li h2")).to_have_text(["Meanwhile"])


async def test_hostile_articles_stay_text(site: Site) -> None:
    async with watched(site) as seen:
        page = seen.page
        await live(page)
        for number, text in enumerate(HOSTILE):
            await store(
                site,
                f"h{number}",
                title=text,
                body=text,
                summary=text,
                place=text,
                source=text,
                url=f"javascript:alert('{number}')",
                authors=(text,),
                topics=(text,),
                language=text,
            )
        titles = page.locator("#rows li h2")
        await expect(titles).to_have_text([*reversed(HOSTILE)])  # built by the script
        await live(page)
        await expect(titles).to_have_text([*reversed(HOSTILE)])  # built by the server
        for number, text in enumerate(HOSTILE):
            await page.goto(f"/articles/h{number}")
            await expect(page.locator("h1")).to_have_text(text)
            await expect(page.locator(".text p")).to_have_text(text)
            assert await page.locator("a[href^='javascript']").count() == 0
            now = SystemClock().now()
            alert = an_alert(an_article(id=f"h{number}", title=text, source=text), text, text, now)
            await site.store.raise_alerts([(alert, (PAGE,))], now)
        await page.goto("/alerts")
        await expect(page.locator(".rows h2")).to_have_text([*reversed(HOSTILE)])
        await page.goto(f"/?q={HOSTILE[1]}&topic={HOSTILE[0]}&source={HOSTILE[3]}")
        await expect(page.locator("#q")).to_have_value(HOSTILE[1])
    assert seen.wrongs == []


async def test_no_page_asks_another_host(site: Site) -> None:
    await fill(site.store, SystemClock().now())
    host = urlsplit(site.url).netloc
    async with watched(site) as seen:
        for path in ("/", "/articles/wire-1", "/alerts", "/sources"):
            await seen.page.goto(path)
        await seen.page.goto("/docs")
        await seen.page.wait_for_selector(".opblock-tag")
        await seen.page.get_by_text("/api/v1/topics").first.click()
        await seen.page.get_by_role("button", name="Execute").click()
        await seen.page.wait_for_selector(".responses-table .highlight-code")
        await expect(seen.page.locator(".live-responses-table")).to_contain_text("sco-defence")
    foreign = [url for url in seen.requests if urlsplit(url).netloc not in (host, "") or "@" in url]
    assert foreign == []
    assert seen.wrongs == []


@pytest.mark.parametrize("width", [380, 1600])
async def test_nothing_sticks_out(site: Site, width: int) -> None:
    await fill(site.store, SystemClock().now())
    await store(site, "long", title="Donaudampfschifffahrt" * 12, topics=("t" * 90,))
    async with watched(site, viewport={"width": width, "height": 800}) as seen:
        for path in (
            "/",
            "/articles/wire-1",
            "/articles/long",
            "/alerts",
            "/topics",
            "/topics/naval",
            "/sources",
            "/?q=decision",
            "/none",
        ):
            await seen.page.goto(path)
            measured = await seen.page.evaluate("document.documentElement.scrollWidth")
            assert measured <= width, path
