"""A recording server that is many publishers: each host is an address of its own in 127.0.0.0/8.

What is asked is kept with the time of the test's clock and with its headers byte for byte.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Self

from aiohttp import web
from aiohttp.web_request import BaseRequest

from tests.support.clock import START, FakeClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request: `target` is its path with the query as it came, header names are in lower case.
    `given` are the ETag and Last-Modified that this address had sent last."""

    at: datetime
    host: str
    target: str
    headers: Mapping[str, str]
    given: tuple[str, str] = ("", "")

    @property
    def conditions(self) -> tuple[str, str]:
        """If-None-Match and If-Modified-Since, "" where they are not there."""
        return self.headers.get("if-none-match", ""), self.headers.get("if-modified-since", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer; `hangs` never comes."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    hangs: bool = False


Replies = Callable[[Request], Reply]


class Publishers:
    """Answers every address with what was set for it, else with 404."""

    def __init__(self, clock: FakeClock) -> None:
        self.requests: list[Request] = []
        self.under_way: Counter[str] = Counter()
        self.busiest = 0
        self.busiest_host = 0
        self._clock = clock
        self._replies: dict[tuple[str, str], Replies] = {}
        self._given: defaultdict[tuple[str, str], tuple[str, str]] = defaultdict(lambda: ("", ""))
        self._changed = asyncio.Condition()
        self._open = asyncio.Event()
        self._open.set()
        self._runner: web.ServerRunner | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        server = web.Server(self._serve, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "0.0.0.0", 0)  # noqa: S104  (127.x.y.z, all of them)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._open.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def url(self, host: str, path: str = "/feed") -> str:
        """Return the address of a path at a host."""
        return f"http://{host}:{self._port}{path}"

    def answer(self, host: str, replies: Replies, path: str = "/feed") -> str:
        """Answer an address like this from now on; return it."""
        self._replies[host, path] = replies
        return self.url(host, path)

    def asked(self, host: str, target: str = "/feed") -> list[Request]:
        """Return what was asked of an address."""
        return [one for one in self.requests if (one.host, one.target) == (host, target)]

    def hold(self) -> None:
        """Answer nobody until `release`."""
        self._open.clear()

    def release(self) -> None:
        """Answer all who wait, and all who come."""
        self._open.set()

    async def waits_for(self, number: int) -> None:
        """Wait until so many requests are under way."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.under_way.total() == number)

    async def _serve(self, request: BaseRequest) -> web.StreamResponse:
        host = (request.host or "").partition(":")[0]
        key = (host, request.raw_path)
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in request.raw_headers
        }
        asked = Request(
            at=self._clock.now(), host=host, target=key[1], headers=headers, given=self._given[key]
        )
        self.requests.append(asked)
        await self._count(host, 1)
        try:
            await self._open.wait()
            reply = self._replies.get(key, _missing)(asked)
            if reply.hangs:
                await asyncio.Event().wait()
            self._note(key, reply)
            return web.Response(
                status=reply.status,
                body=reply.body,
                headers={"Date": http_time(self._clock.now()), **reply.headers},
            )
        finally:
            await self._count(host, -1)

    async def _count(self, host: str, change: int) -> None:
        self.under_way[host] += change
        self.busiest = max(self.busiest, self.under_way.total())
        self.busiest_host = max(self.busiest_host, self.under_way[host])
        async with self._changed:
            self._changed.notify_all()

    def _note(self, key: tuple[str, str], reply: Reply) -> None:
        """Keep the validators of an answer; those that a 304 does not name stay (RFC 9110)."""
        etag, modified = reply.headers.get("ETag", ""), reply.headers.get("Last-Modified", "")
        if reply.status == 200:
            self._given[key] = etag, modified
        elif reply.status == 304:
            before = self._given[key]
            self._given[key] = etag or before[0], modified or before[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed that changes every `period` seconds. `{n}` in validators stands for its version.

    `ignores` validators: it always answers 200. A `terse` one names none in a 304.
    """

    period: float = 7_200.0
    etag: str = ""
    modified: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    channel: str = ""
    ignores: bool = False
    terse: bool = False

    def __call__(self, request: Request) -> Reply:
        """Answer a request: with 304 where its conditions are met to the byte."""
        version = int((request.at - START).total_seconds() // self.period)
        now = (self.etag.format(n=version), self.modified.format(n=version))
        named = {key: value for key, value in zip(_NAMES, now, strict=True) if value}
        if not self.ignores and _is_met(request.conditions, now):
            return Reply(
                status=304, headers=self.headers if self.terse else {**self.headers, **named}
            )
        headers = {"Content-Type": "application/rss+xml", **self.headers, **named}
        return Reply(
            headers=headers, body=rss(range(max(0, version - 4), version + 1), self.channel)
        )


_NAMES = ("ETag", "Last-Modified")


def rss(numbers: range, channel: str = "", link: str = "https://news.example/{n}") -> bytes:
    """Return a feed of these articles, with more elements in its channel."""
    items = "".join(
        f"<item><title>Council of district {n} meets</title><link>{link.format(n=n)}</link>"
        f"<guid>{n}</guid></item>"
        for n in reversed(numbers)
    )
    return (
        '<?xml version="1.0"?><rss version="2.0"'
        ' xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">'
        f"<channel><title>Wire</title>{channel}{items}</channel></rss>"
    ).encode()


def http_time(moment: datetime) -> str:
    """Return a time as HTTP says it."""
    return format_datetime(moment, usegmt=True)


def _is_met(conditions: tuple[str, str], now: tuple[str, str]) -> bool:
    """Return whether nothing has changed (RFC 9110: the ETag outweighs the time)."""
    if conditions[0]:
        return conditions[0] == now[0]
    return bool(conditions[1]) and conditions[1] == now[1]


def _missing(request: Request) -> Reply:
    return Reply(status=404)
