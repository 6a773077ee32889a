"""Markup that would run scripts, in every field that a page shows: it stays text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from monitor.clock import SystemClock
from monitor.model import Source, Topic
from tests.browser.test_page import pytestmark as pytestmark
from tests.browser.test_page import store, watched
from tests.support.articles import an_article
from tests.support.news import PAGE, an_alert
from tests.support.payloads import PAYLOADS
from tests.support.web import Site, a_site

PREPARE = "window.fired = () => { window.wasFired = true; };"
HANDLED = """() => [...document.querySelectorAll('*')].flatMap(
  (element) => [...element.attributes].filter(({ name, value }) =>
    name.startsWith('on') || /^\\s*(java\\s*script|data|vbscript):/i.test(value)
      && ['href', 'src', 'action', 'formaction', 'data', 'xlink:href'].includes(name)
  ).map(({ name, value }) => `${element.localName} ${name}=${value}`))"""
PLACES = "main script, main iframe, main object, main embed, main svg script, main base, main meta"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    topics = [
        Topic(id=f"t{number}", name=text, query="storm", description=text)
        for number, text in enumerate(PAYLOADS)
    ]
    async with a_site(tmp_path, topics=topics) as served:
        yield served


async def harmless(page: Page, path: str) -> None:
    """Open a page and look whether anything of a text has become more than text."""
    await page.goto(path)
    assert await page.evaluate("window.wasFired") is None, path
    assert await page.evaluate(HANDLED) == [], path
    assert await page.locator(PLACES).count() == 0, path


async def test_no_payload_runs_in_any_field(site: Site) -> None:
    now = SystemClock().now()
    for number, text in enumerate(PAYLOADS):
        place = f"https://x.example/{number}"
        source = Source(name=f"s{number}", type="feed", location=place, title=text)
        await site.store.add_source(source, now)
        fields = {"title": text, "summary": text, "body": text, "authors": (text,), "place": text}
        more = {"categories": (text,), "language": text, "url": text, "image": text}
        tags = {"source": f"s{number}", "topics": (f"t{number}",)}
        await store(site, f"p{number}", **fields, **more, **tags)
        about = an_article(id=f"p{number}", **fields, source=f"s{number}")
        await site.store.raise_alerts([(an_alert(about, text, text, now), (PAGE,))], now)
    async with watched(site) as seen:
        page = seen.page
        await page.add_init_script(PREPARE)
        for path in ("/", "/alerts", "/sources", "/topics"):
            await harmless(page, path)
        for number, text in enumerate(PAYLOADS):
            await harmless(page, f"/articles/p{number}")
            assert await page.locator("h1").text_content() == text
        for number in range(0, len(PAYLOADS), 8):
            await harmless(page, f"/topics/t{number}")
            await harmless(page, f"/sources/s{number}")
    assert seen.wrongs == []
