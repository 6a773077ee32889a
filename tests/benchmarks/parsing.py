"""What reading a feed costs: `python -m tests.benchmarks.parsing`, milliseconds of CPU a document.

Feeds of 30 items with HTML in summaries and bodies, 50 to 60 KB. "Pool" counts this process and
the parser processes; "in process" is the best of many runs, so other work on the machine shows
little.
"""

from __future__ import annotations

import asyncio
import io
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import fastfeedparser
import feedparser
import psutil

from monitor.model import Document, Memory, Source
from monitor.sources.feed import CAREFUL, parse
from monitor.sources.worker import ParserPool
from monitor.text.language import load_identifier

NOW = datetime(2026, 1, 6, tzinfo=UTC)
SOURCE = Source(name="wire", type="feed", location="https://news.example/feed.xml")
ITEMS = 30
RUNS = 20
POOLED = 150
_TEXT = """
the council said that harbour workers would return on monday after talks about pay ended in
agreement ministers officials region defence budget vote parliament storm rescue ferry police
court ruling market prices growth exports election campaign border army exercise navy radar
"""
_WORDS = tuple(_TEXT.split())
_RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>The Gazette</title>
<link>https://news.example/</link><language>en</language><ttl>30</ttl>
{items}</channel></rss>"""
_RSS_ITEM = """<item><title>{title}</title><link>https://news.example/2026/{number}/story</link>
<guid isPermaLink="false">news-{number}</guid><pubDate>{date:%a, %d %b %Y %H:%M:%S} +0000</pubDate>
<dc:creator><![CDATA[Ada Reed]]></dc:creator><category>World</category>
<description><![CDATA[{summary}]]></description>
<content:encoded><![CDATA[{body}]]></content:encoded></item>
"""
_ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>The Gazette</title>
<id>tag:news.example,2026:all</id><updated>2026-01-05T00:00:00Z</updated>
{items}</feed>"""
_ATOM_ITEM = """<entry><title>{title}</title>
<link rel="alternate" href="https://news.example/2026/{number}/story"/>
<id>tag:news.example,2026:{number}</id><published>{date:%Y-%m-%dT%H:%M:%SZ}</published>
<updated>{date:%Y-%m-%dT%H:%M:%SZ}</updated><author><name>Ada Reed</name></author>
<category term="World"/><summary type="html"><![CDATA[{summary}]]></summary>
<content type="html"><![CDATA[{body}]]></content></entry>
"""
_KINDS = {"rss": (_RSS, _RSS_ITEM), "atom": (_ATOM, _ATOM_ITEM)}


def a_feed(kind: str, newest: int = ITEMS, items: int = ITEMS) -> bytes:
    """Return a feed of that kind ("rss", "atom") whose newest item has the number `newest`."""
    whole, one = _KINDS[kind]
    numbers = range(newest, newest - items, -1)
    return whole.format(items="".join(_item(one, number) for number in numbers)).encode()


def _item(template: str, number: int) -> str:
    dice = random.Random(number)

    def sentence(length: int) -> str:
        return " ".join(dice.choices(_WORDS, k=length)).capitalize() + "."

    link = f'<a href="https://news.example/{number}">{sentence(3)}</a>'
    return template.format(
        number=number,
        title=sentence(9)[:-1],
        date=NOW - timedelta(days=2) + timedelta(minutes=number),
        summary=f"<p>{sentence(25)}</p>",
        body="\n".join(f"<p>{sentence(18)} {link} <b>{sentence(20)}</b></p>" for _ in range(4)),
    )


def a_document(body: bytes) -> Document:
    """Return a feed as it was fetched."""
    return Document(url=SOURCE.location, body=body, fetched=NOW)


def best(run: Callable[[], object]) -> float:
    """Return the least milliseconds of CPU that a run took."""
    times = []
    for _ in range(RUNS):
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return min(times) * 1e3


async def pooled(document: Document, memory: Memory) -> float:
    """Return the milliseconds of CPU of all processes a document, through the pool."""
    async with ParserPool(workers=2) as pool:

        async def read(times: int) -> None:
            for _ in range(times):
                await pool.parse(SOURCE, document, memory)

        await asyncio.gather(read(5), read(5))
        before = cpu()
        await asyncio.gather(read(POOLED // 2), read(POOLED // 2))
        return (cpu() - before) / POOLED * 1e3


def cpu() -> float:
    """Return the seconds of CPU of this process and of those that it started, dead or not."""
    process = psutil.Process()
    family = [process, *process.children(recursive=True)]
    times = [each.cpu_times() for each in family]
    return sum(spent.user + spent.system for spent in times)


def main() -> None:
    """Print a table."""
    load_identifier()
    print(f"{'ms of CPU a document':44}{'rss':>8}{'atom':>8}")
    for name, measure in _MEASURES.items():
        print(f"{name:44}" + "".join(f"{measure(kind):8.2f}" for kind in _KINDS), flush=True)


def _alone(kind: str, parser: Callable[[bytes], object]) -> float:
    body = a_feed(kind)
    return best(lambda: parser(body))


def _memory(kind: str) -> Memory:
    parsed = parse(a_document(a_feed(kind)), SOURCE, Memory())
    return Memory(digests=parsed.digests, reader=parsed.reader, agreed=parsed.agreed)


def _one_new(kind: str) -> Document:
    return a_document(a_feed(kind, newest=ITEMS + 1))


def _read(kind: str, memory: Memory) -> float:
    document = a_document(a_feed(kind))
    return best(lambda: parse(document, SOURCE, memory))


def _read_new(kind: str) -> float:
    document, memory = _one_new(kind), _memory(kind)
    return best(lambda: parse(document, SOURCE, memory))


_MEASURES: dict[str, Callable[[str], float]] = {
    "feedparser alone": lambda kind: _alone(
        kind, lambda body: feedparser.parse(io.BytesIO(body), sanitize_html=False)
    ),
    "fastfeedparser alone": lambda kind: _alone(kind, fastfeedparser.parse),
    "first import, in process": lambda kind: _read(kind, Memory()),
    "first import, careful parser, in process": lambda kind: _read(kind, Memory(reader=CAREFUL)),
    "one new item, in process": _read_new,
    "first import, pool": lambda kind: asyncio.run(pooled(a_document(a_feed(kind)), Memory())),
    "one new item, pool": lambda kind: asyncio.run(pooled(_one_new(kind), _memory(kind))),
}


if __name__ == "__main__":
    main()
