"""A real news site of ours, whose every part a test may leave out or replace.

`Site` serves what is put into it, and remembers what it was asked for; the functions below write
the parts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Self
from xml.sax.saxutils import escape

from aiohttp import web

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
"""When the newest article was published; each one before it is an hour older."""
NAME = "Harbour Gazette"
TITLES = tuple(
    f"{what} {where}"
    for what in ("Bridge is to be rebuilt at", "Ferries return to", "Voters turn away from",
                 "Floods reach", "New school opens in")
    for where in ("Northgate in the spring", "Oldport by the river", "Eastham after a year",
                  "Westing on the coast")
)  # fmt: skip
"""The headlines of its twenty articles."""
PARAGRAPH = (
    "The council met again on Monday and put off the vote on the harbour until the spring, when "
    "the last of the reports is due. Forty ships had waited outside, and two had turned back."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What an address of the site answers, as soon as `after` is set where that is given."""

    body: str | bytes = ""
    content_type: str = "text/html"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after: asyncio.Event | None = None


class Site:
    """Serves parts by path on an address of this machine; what is missing is 404."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.asked: list[str] = []
        """The paths that were asked for, in order."""
        self.parts: dict[str, Part] = {}
        self._address = address
        self._port = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/{path:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._address, 0).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def authority(self) -> str:
        """Its address and port."""
        return f"{self._address}:{self._port}"

    def url(self, path: str = "/") -> str:
        """Return the address of a path."""
        return f"http://{self.authority}{path}"

    def put(self, path: str, body: str | bytes, content_type: str = "text/html") -> None:
        """Serve a body at a path."""
        self.parts[path] = Part(body=body, content_type=content_type)

    def put_articles(self) -> None:
        """Serve the pages of all articles."""
        for number in range(len(TITLES)):
            self.put(article_path(number), article(number))

    async def _serve(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        part = self.parts.get(request.path_qs, Part(body="Not found", status=404))
        if part.after is not None:
            await part.after.wait()
        body = part.body.encode() if isinstance(part.body, str) else part.body
        headers = {"Content-Type": part.content_type, **part.headers}
        return web.Response(status=part.status, body=body, headers=headers)


def article_path(number: int) -> str:
    """Return the path of an article's page."""
    words = TITLES[number].lower().replace(" ", "-")
    return f"/2026/01/{words}"


def published(number: int) -> datetime:
    """Return when an article was published."""
    return START - timedelta(hours=number)


def home(*feeds: tuple[str, str, str], links: str = "", listed: int = 0) -> str:
    """Return a home page that names feeds (type, title and address), and lists articles."""
    named = "".join(
        f'<link rel="alternate" type="{kind}" title="{title}" href="{href}">'
        for kind, title, href in feeds
    )
    return (
        f'<!DOCTYPE html><html lang="en"><head><title>{NAME} - Home</title>'
        f'<meta property="og:site_name" content="{NAME}">{named}</head><body>'
        f'<nav><a href="/about">About us</a><a href="/contact">Contact</a></nav>'
        f"<main>{listing_of(range(listed))}</main><footer>{links}</footer></body></html>"
    )


def listing_of(numbers: Iterable[int]) -> str:
    """Return a list of articles as a page has it."""
    return "".join(
        f'<article class="teaser"><h2><a href="{article_path(number)}">{TITLES[number]}</a></h2>'
        f"<p>{PARAGRAPH[:60]}…</p></article>"
        for number in numbers
    )


def article(number: int) -> str:
    """Return the page of an article."""
    return (
        f'<!DOCTYPE html><html lang="en"><head><title>{TITLES[number]} | {NAME}</title>'
        f'<meta property="article:published_time" content="{published(number).isoformat()}">'
        f'<meta name="author" content="Ada Reed"></head><body><nav><a href="/">{NAME}</a></nav>'
        f"<article><h1>{TITLES[number]}</h1>{f'<p>{PARAGRAPH}</p>' * 5}</article>"
        "<footer>All rights reserved</footer></body></html>"
    )


def rss(root: str, count: int = 10, text: str = "", first: int = 0) -> str:
    """Return the articles as RSS; `root` is the site's address without a slash."""
    items = "".join(
        f"<item><title>{TITLES[number]}</title><link>{root}{article_path(number)}</link>"
        f"<guid>{root}{article_path(number)}</guid><description>{escape(text)}</description>"
        f"<pubDate>{format_datetime(published(number))}</pubDate></item>"
        for number in range(first, first + count)
    )
    return f'<rss version="2.0"><channel><title>{NAME}</title>{items}</channel></rss>'


def atom(root: str, count: int = 10, text: str = "") -> str:
    """Return the articles as Atom."""
    entries = "".join(
        f"<entry><id>tag:gazette,{number}</id><title>{TITLES[number]}</title>"
        f'<link href="{root}{article_path(number)}"/><content>{escape(text)}</content>'
        f"<updated>{published(number).isoformat()}</updated></entry>"
        for number in range(count)
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>{NAME}</title>{entries}</feed>'


def news_sitemap(root: str, count: int = 10) -> str:
    """Return the articles as a news sitemap."""
    entries = "".join(
        f"<url><loc>{root}{article_path(number)}</loc><news:news><news:publication><news:name>"
        f"{NAME}</news:name><news:language>en</news:language></news:publication>"
        f"<news:publication_date>{published(number).isoformat()}</news:publication_date>"
        f"<news:title>{TITLES[number]}</news:title></news:news></url>"
        for number in range(count)
    )
    return (
        '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        f'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">{entries}</urlset>'
    )


def sitemap(root: str, count: int = 10) -> str:
    """Return the articles as a plain sitemap."""
    entries = "".join(
        f"<url><loc>{root}{article_path(number)}</loc>"
        f"<lastmod>{published(number).isoformat()}</lastmod></url>"
        for number in range(count)
    )
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'


def sitemap_index(*urls: str) -> str:
    """Return an index of sitemaps, all of them changed just now."""
    entries = "".join(
        f"<sitemap><loc>{url}</loc><lastmod>{START.isoformat()}</lastmod></sitemap>" for url in urls
    )
    return f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</sitemapindex>'
