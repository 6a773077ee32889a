"""What searching costs: `python -m tests.benchmarks.search [--postgres] [--articles N]`.

Stores articles of 400 words in batches of 500, and asks for the first page of some queries. The
index's share is what as many as 20,000 cost without it.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from unittest.mock import patch

from monitor.model import Article, ArticleFilter
from monitor.search import Order, search
from monitor.store import SqlStore, archive
from tests.benchmarks.matching.workload import Words, Workload, make
from tests.support.postgres import PostgresServer

NOW = datetime(2026, 1, 6, tzinfo=UTC)
APART = timedelta(minutes=5)
BATCH = 500
TIMES = 7
PLAIN = 20_000
SOURCES = 200
RARE = 2_000
"""One article in so many is Finnish, the others are English."""


async def stored(url: str, articles: int, *, indexed: bool) -> tuple[SqlStore, float, float]:
    """Return a store with so many articles; and for each the µs that storing it took, and of our
    CPU."""
    workload = make(1_000, 0)
    store = SqlStore.from_url(url)
    await store.start()
    await store.migrate()
    took = cpu = 0.0
    blank = patch.object(archive, "indexed_words", lambda *texts: "")
    with nullcontext() if indexed else blank:
        for start in range(0, articles, BATCH):
            batch = [an_article(workload, start + n, articles) for n in range(BATCH)]
            before, used = time.perf_counter(), time.process_time()
            await store.save_articles(batch, NOW)
            took += time.perf_counter() - before
            cpu += time.process_time() - used
    return store, took / articles * 1e6, cpu / articles * 1e6


def an_article(workload: Workload, number: int, of: int) -> Article:
    """Return one of so many articles, the last of which is new."""
    return replace(
        workload.articles[number % len(workload.articles)],
        id=f"{number}",
        source=f"s{number % SOURCES}",
        language="en" if number % RARE else "fi",
        published=NOW - APART * (of - number),
        fetched=NOW,
    )


async def asked(store: SqlStore, query: str, order: Order) -> str:
    """Return how long the first page takes, the middle of some tries."""
    times, found = [], 0
    for _ in range(TIMES):
        before = time.perf_counter()
        page = await search(store, query, ArticleFilter(limit=50), NOW, order)
        times.append(time.perf_counter() - before)
        found = len(page.rows)
    return f"{sorted(times)[TIMES // 2] * 1e3:.0f} ms, {found} rows"


async def run(urls: tuple[str, str], articles: int) -> None:
    """Measure one database product."""
    few = min(articles, PLAIN)
    plain, *without = await stored(urls[0], few, indexed=False)
    await plain.stop()
    store, *times = await stored(urls[1], articles, indexed=True)
    for name, each, less in zip(("time", "CPU of ours"), times, without, strict=True):
        print(f"store, {name}: {each:.0f} µs an article, {each - less:.0f} of it for the index")
    first = NOW - APART * articles
    text = Words(Random(7))
    common, rare = text.text(2), [text.asked() for _ in range(2)]
    for name, query in {
        "two common words": " ".join(common),
        "two rare words": " ".join(rare),
        "a phrase": f'"{" ".join(common)}"',
        "NEAR": f"{common[0]} NEAR/5 {rare[0]}",
        "a prefix": f"{rare[0][:3]}*",
        "a regular expression": "title:/^zzz/",
        "a source": "source:s7 title:/./",
        "a source's regular expression": "source:s7 title:/^zzz/",
        "a rare language": "lang:fi",
        "a common word in a rare language": f"{common[0]} lang:fi",
        "the first day": f"published:{first:%Y-%m-%d} title:/^zzz/",
        "all days": f"published:>={first:%Y-%m-%d} title:/./",
        "no day": "published:1999",
    }.items():
        newest = await asked(store, query, Order.NEWEST)
        print(f"{name}: newest {newest}; best {await asked(store, query, Order.BEST)}", flush=True)
    await store.stop()


def main() -> None:
    """Measure SQLite, or PostgreSQL with our own server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--articles", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if not options.postgres:
            files = (f"sqlite:///{Path(name) / file}.db" for file in ("plain", "indexed"))
            asyncio.run(run((next(files), next(files)), options.articles))
            return
        with PostgresServer() as server:
            urls = (server.create_database(), server.create_database())
            asyncio.run(run(urls, options.articles))


if __name__ == "__main__":
    main()
