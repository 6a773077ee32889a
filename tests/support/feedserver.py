"""A real HTTP server of feeds, whose answers a test may script.

`python -m tests.support.feedserver --feeds 20 --rate 5 --ledger sent.jsonl` runs it alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Self
from xml.sax.saxutils import escape

from aiohttp import web

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
"""When the first article of every feed was published; each one after it is a minute later."""


@dataclass(frozen=True, slots=True)
class Item:
    """One article of a feed."""

    guid: str
    title: str
    text: str = "The council met again on Monday and put off the vote until the spring."
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One scripted answer. `body` None is the feed itself with 200, else nothing.

    `cut` closes the connection after so many bytes of a longer body; `drip` sends one byte after
    the other, each after so many seconds, until the client has enough.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut: int | None = None
    drip: float | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: which feed, and with what headers (names in lower case)."""

    feed: str
    headers: Mapping[str, str]


class FeedServer:
    """Serves `/feeds/{name}.xml`, each feed with the newest `window` articles.

    With `hosts` each feed has a loopback address of its own: a host is asked one thing at a time.
    It answers conditional requests with 304. Articles that a complete 200 has carried are
    appended to the ledger, one JSON line each, before the next answer.
    """

    def __init__(
        self, *, ledger: Path | None = None, window: int = 50, port: int = 0, hosts: bool = False
    ) -> None:
        self.asked: list[Asked] = []
        self.busiest = 0
        self.pause = 0.0
        """Seconds that every answer waits for."""
        self._under_way = 0
        self._ledger = ledger
        self._window = window
        self._port = port
        self._items: defaultdict[str, list[Item]] = defaultdict(list)
        self._scripts: defaultdict[str, deque[Answer]] = defaultdict(deque)
        self._sent: set[tuple[str, str]] = set()
        self._hosts: dict[str, int] | None = {} if hosts else None
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/feeds/{feed}.xml", self._serve)
        application.router.add_post("/feeds/{feed}.xml", self._receive)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "0.0.0.0", self._port)  # noqa: S104, all of loopback
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def root(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self._port}"

    def url(self, feed: str) -> str:
        """Return a feed's address."""
        if self._hosts is None:
            return f"{self.root}/feeds/{feed}.xml"
        number = self._hosts.setdefault(feed, len(self._hosts) + 1)
        return f"http://127.1.{number // 250}.{number % 250 + 1}:{self._port}/feeds/{feed}.xml"

    def add(self, feed: str, *items: Item) -> None:
        """Publish articles; the feed is made where there is none."""
        self._items[feed] += items

    def script(self, feed: str, *answers: Answer) -> None:
        """Answer the next requests for a feed like this, one after the other."""
        self._scripts[feed] += answers

    def sent(self) -> set[tuple[str, str]]:
        """Return feed and guid of every article that a complete 200 has carried."""
        return set(self._sent)

    def body(self, feed: str) -> bytes:
        """Return a feed as RSS, the newest article first."""
        items = "".join(self._rendered(feed, number) for number in self._shown(feed))
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"><channel>'
            f"<title>{escape(feed)}</title><language>en</language>{items}</channel></rss>"
        ).encode()

    def _shown(self, feed: str) -> list[int]:
        count = len(self._items[feed])
        return list(range(max(0, count - self._window), count))[::-1]

    def _rendered(self, feed: str, number: int) -> str:
        item = self._items[feed][number]
        link = item.link or f"{self.root}/articles/{feed}/{item.guid}"
        published = format_datetime(START + timedelta(minutes=number), usegmt=True)
        return (
            f"<item><title>{escape(item.title)}</title><link>{escape(link)}</link>"
            f'<guid isPermaLink="false">{escape(item.guid)}</guid><pubDate>{published}</pubDate>'
            f"<description>{escape(item.text)}</description></item>"
        )

    async def _receive(self, request: web.Request) -> web.Response:
        self.add(request.match_info["feed"], Item(**await request.json()))
        return web.Response(status=201)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        feed = request.match_info["feed"]
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append(Asked(feed, headers))
        self._under_way += 1
        self.busiest = max(self.busiest, self._under_way)
        try:
            return await self._answer(request, feed, headers)
        finally:
            self._under_way -= 1

    async def _answer(
        self, request: web.Request, feed: str, headers: Mapping[str, str]
    ) -> web.StreamResponse:
        await asyncio.sleep(self.pause)
        script = self._scripts[feed]
        answer = script.popleft() if script else None
        shown = self._shown(feed)
        body = self.body(feed)
        if answer is not None and (answer.body is not None or answer.status != 200):
            body = answer.body or b""
        validators = {"ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"'}
        if shown:
            changed = START + timedelta(minutes=shown[0])
            validators["Last-Modified"] = format_datetime(changed, usegmt=True)
        if answer is None:
            if _unchanged(headers, validators):
                return web.Response(status=304, headers=validators)
            answer = Answer(headers={"Content-Type": "application/rss+xml", **validators})
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_length = len(body)
        await response.prepare(request)
        if answer.drip is not None:
            return await _drip(request, response, body, answer.drip)
        await response.write(body[: answer.cut])
        if answer.cut is not None:
            # Gone without the rest: what a crashed server or a lost line looks like.
            if request.transport is not None:
                request.transport.close()
            return response
        await response.write_eof()
        if answer.status == 200 and answer.body is None:
            self._note(feed, shown)
        return response

    def _note(self, feed: str, shown: list[int]) -> None:
        items = [self._items[feed][number] for number in reversed(shown)]
        new = [item for item in items if (feed, item.guid) not in self._sent]
        self._sent.update((feed, item.guid) for item in new)
        if self._ledger is not None and new:
            lines = "".join(json.dumps({"feed": feed, **asdict(item)}) + "\n" for item in new)
            with self._ledger.open("a") as ledger:
                ledger.write(lines)


def _unchanged(headers: Mapping[str, str], validators: Mapping[str, str]) -> bool:
    """Return whether a request's conditions are met (RFC 9110: the ETag outweighs the time)."""
    if "if-none-match" in headers:
        return headers["if-none-match"] == validators["ETag"]
    return headers.get("if-modified-since", "-") == validators.get("Last-Modified")


async def _drip(
    request: web.Request, response: web.StreamResponse, body: bytes, pause: float
) -> web.StreamResponse:
    with contextlib.suppress(ConnectionError):
        for position in range(len(body)):
            if request.transport is None or request.transport.is_closing():
                break
            await response.write(body[position : position + 1])
            await asyncio.sleep(pause)
    return response


async def _run(options: argparse.Namespace) -> None:
    """Serve until killed, with `rate` new articles a second, spread over the feeds."""
    async with FeedServer(
        ledger=options.ledger, window=options.window, port=options.port
    ) as server:
        feeds = [f"feed{number}" for number in range(options.feeds)]
        for feed in feeds:
            server.add(feed)
        print(server.root, flush=True)
        number = 0
        while True:
            await asyncio.sleep(1 / options.rate if options.rate else 3_600)
            number += 1
            title = f"Council of district {number} puts off its vote on the new bridge"
            text = f"The council of district {number} met on Monday and put off the vote."
            server.add(feeds[number % len(feeds)], Item(f"item{number}", title, text))


def main() -> None:
    """Run the server alone; the first line of output is its address."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--feeds", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.0, help="new articles a second")
    parser.add_argument("--window", type=int, default=50, help="articles that a feed shows")
    parser.add_argument("--ledger", type=Path)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
