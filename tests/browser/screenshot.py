"""Takes the pictures of the documentation: `python -m tests.browser.screenshot [FOLDER]`.

Without a folder it writes `docs/page.png`; with one, every page in every look, to be looked at.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser

from monitor.clock import SystemClock
from monitor.model import Topic
from tests.browser.shipped import first_run
from tests.support.chromium import a_browser
from tests.support.news import fill
from tests.support.web import a_site

PICTURE = Path(__file__).parents[2] / "docs" / "page.png"
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
SIZES = ((1280, 900), (390, 900))
LOOKS = {
    "articles": "/",
    "filtered": "/?topic=naval&q=frigate",
    "best": "/?q=decision&order=best",
    "mistake": "/?q=foo+and+(bar",
    "article": "/articles/4d0b7a6e-sco",
    "alerts": "/alerts",
    "topics": "/topics",
    "topic": "/topics/cables",
    "sources": "/sources",
    "source": "/sources/harbour",
    "404": "/topics/none",
}
OWN = Topic(id="cables", name="Cables in the Baltic", query="(cable* OR =pipeline) NEAR/5 Baltic")


async def shoot(
    browser: Browser, url: str, to: Path, *, width: int, height: int, scheme: Scheme = "light"
) -> None:
    """Write one picture of a page as it is once it listens for news."""
    page = await browser.new_page(
        viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-GB"
    )
    await page.goto(url)
    if "/docs" in url:
        await page.wait_for_selector(".opblock-tag")
    elif await page.locator("body[data-position]:not([data-position=''])").count():
        await page.wait_for_selector('#live[data-state="on"]')
    await page.screenshot(path=to)
    await page.close()


async def documentation() -> None:
    """Write the picture of the documentation: what a first run shows, on the shipped topics."""
    with tempfile.TemporaryDirectory() as folder:
        async with first_run(Path(folder)) as url, a_browser() as browser:
            await shoot(browser, url, PICTURE, width=1280, height=860)


async def gallery(out: Path) -> None:
    """Write all pages in all looks."""
    with tempfile.TemporaryDirectory() as folder:
        async with a_site(Path(folder)) as site, a_browser() as browser:
            await shoot(browser, site.url, out / "empty.png", width=1280, height=700)
            await fill(site.store, SystemClock().now())
            await site.store.add_topic(OWN)
            looks = itertools.product(LOOKS.items(), SCHEMES, SIZES)
            for (name, path), scheme, (width, height) in looks:
                to = out / f"{name}-{scheme}-{width}.png"
                url = site.url + path
                await shoot(browser, url, to, width=width, height=height, scheme=scheme)
            await shoot(browser, site.url, out / "articles-1600.png", width=1600, height=900)
            await shoot(browser, f"{site.url}/docs", out / "docs.png", width=1280, height=1000)


if __name__ == "__main__":
    asyncio.run(gallery(Path(sys.argv[1])) if len(sys.argv) > 1 else documentation())
