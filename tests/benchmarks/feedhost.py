"""Feeds for a benchmark, served by a process of its own so that its CPU is not ours.

    python -m tests.benchmarks.feedhost PORT FEEDS

Feed N is at `address(N)`: every address of 127.0.0.0/8 is a host of its own. `GET /phase/NAME` at
127.0.0.1 turns to another phase and answers when its bodies are made.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import random
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from typing import cast

import uvloop

ITEMS = 30
EVERY = 10
"""In phase c one of so many feeds has a new item."""
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = re.findall(
    r"\w+",
    "the of and to in that is was for it with as his on be at by had not are but from or have an"
    " they which one you were all her she there would their we him been has when who will no more"
    " council minister bridge budget vote police station harbour storm election court school"
    " hospital company market price workers strike union climate river farmers border treaty"
    " president parliament summit report inquiry research energy railway housing protest festival"
    " museum champion coach player season match final said after before against between during",
)


def address(number: int) -> str:
    """Return the loopback address of a feed."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


def _words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(WORDS, k=count)).capitalize()


def _html(chance: random.Random, link: str) -> str:
    paragraphs = [
        f"<p>{_words(chance, 12)} <a href='{link}?from=feed'>{_words(chance, 3)}</a>,"
        f" <strong>{_words(chance, 4)}</strong> &amp; {_words(chance, chance.randint(10, 60))}.</p>"
        for _ in range(chance.randint(1, 4))
    ]
    return f"<img src='{link}.jpg' width='640' alt=''/>" + "".join(paragraphs)


def item(feed: int, number: int) -> str:
    """Return an item of a feed, of about 1.3 KB; feeds with an odd number are Atom."""
    chance = random.Random(feed * 1_000 + number)
    link = f"http://{address(feed)}/news/2026/{number}/{_words(chance, 5).replace(' ', '-')}"
    title, html = _words(chance, 9), _html(chance, link)
    at = FIRST + timedelta(minutes=7 * number)
    if feed % 2:
        return (
            f"<entry><id>tag:{address(feed)},2026:{number}</id><title>{title}</title>"
            f'<link rel="alternate" href="{link}"/><updated>{at:%Y-%m-%dT%H:%M:%SZ}</updated>'
            f'<author><name>{_words(chance, 2)}</name></author><category term="news"/>'
            f'<content type="html">{escape(html)}</content></entry>\n'
        )
    return (
        f"<item><title>{title}</title><link>{link}</link>"
        f'<guid isPermaLink="false">{address(feed)}-{number}</guid>'
        f"<pubDate>{at:%a, %d %b %Y %H:%M:%S} GMT</pubDate><category>news</category>"
        f"<dc:creator>{_words(chance, 2)}</dc:creator>"
        f"<description><![CDATA[{html}]]></description></item>\n"
    )


def document(feed: int, items: Sequence[str]) -> str:
    """Return a feed with these items, newest first."""
    title, body = f"Gazette {feed}", "".join(reversed(items))
    link = f"http://{address(feed)}/"
    if feed % 2:
        return (
            '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
            f"<title>{title}</title><id>{link}</id><updated>{FIRST:%Y-%m-%dT%H:%M:%SZ}</updated>"
            f'<link href="{link}"/>{body}</feed>'
        )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
        f"<title>{title}</title><link>{link}</link><description>News</description>{body}"
        "</channel></rss>"
    )


@dataclass
class Feed:
    """One feed as it is now."""

    number: int
    items: list[str] = field(default_factory=list)
    newest: int = 0
    packed: bytes = b""
    etag: str = ""

    def add(self, count: int) -> None:
        """Add items; the oldest go."""
        self.items += [item(self.number, self.newest + step) for step in range(count)]
        self.newest += count
        del self.items[:-ITEMS]
        body = document(self.number, self.items).encode()
        self.packed = gzip.compress(body, 5)
        self.etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'

    def answer(self, request: bytes, validators: bool) -> bytes:
        """Return an answer, headers included."""
        told = f"ETag: {self.etag}\r\n"
        if validators and self.etag.encode() in request:
            return f"HTTP/1.1 304 Not Modified\r\n{told}\r\n".encode()
        kind = "atom" if self.number % 2 else "rss"
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/{kind}+xml; charset=utf-8\r\n"
            f"Content-Encoding: gzip\r\nContent-Length: {len(self.packed)}\r\n"
            f"Server: benchmark\r\nVary: Accept-Encoding\r\n{told}\r\n"
        )
        return head.encode() + self.packed


class Host:
    """All feeds, in a phase: a, b: as they are; c: some with a new item; d: whole, whatever the
    request knows; e: each with a new item."""

    def __init__(self, count: int) -> None:
        self.feeds = [Feed(number) for number in range(count)]
        self.validators = True
        for feed in self.feeds:
            feed.add(ITEMS)

    def turn_to(self, phase: str) -> None:
        """Change what is served."""
        self.validators = phase != "d"
        for feed in self.feeds:
            if phase == "e" or (phase == "c" and feed.number % EVERY == 0):
                feed.add(1)

    def answer(self, request: bytes) -> bytes:
        """Return the answer to a request."""
        path = request.split(b" ", 2)[1].decode()
        if path.startswith("/phase/"):
            self.turn_to(path.removeprefix("/phase/"))
            return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        number = path.removeprefix("/feeds/")
        if not number.isdigit():
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        return self.feeds[int(number)].answer(request, self.validators)


class Connection(asyncio.Protocol):
    """Answers requests without bodies, one after the other."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._begun = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self._begun += data
        while b"\r\n\r\n" in self._begun:
            request, _, self._begun = self._begun.partition(b"\r\n\r\n")
            assert self._transport is not None
            self._transport.write(self._host.answer(request))


async def main() -> None:
    """Serve until killed; one line says that it begins."""
    port, count = int(sys.argv[1]), int(sys.argv[2])
    host = Host(count)
    hosts = ["127.0.0.1", *map(address, range(count))]
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(host), hosts, port, reuse_address=True
    )
    sizes = sorted(len(document(feed.number, feed.items)) for feed in host.feeds)
    print(f"feeds of {sizes[0] / 1e3:.0f} to {sizes[-1] / 1e3:.0f} KB", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
