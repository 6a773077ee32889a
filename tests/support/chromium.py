"""A real browser: the Chromium of the machine, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def missing() -> str | None:
    """Return why there is no browser, None where there is one."""
    if _path() is None:
        return "no chromium on PATH; install Debian's chromium"
    return None


@asynccontextmanager
async def a_browser() -> AsyncIterator[Browser]:
    """Start a browser; it talks to nobody but the pages that are opened."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_path(), args=[*_ARGUMENTS])
        try:
            yield browser
        finally:
            await browser.close()


def _path() -> str | None:
    given = os.environ.get("MONITOR_TEST_CHROMIUM")
    return given or shutil.which("chromium") or shutil.which("chromium-browser")
