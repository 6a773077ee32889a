"""What lists cost: `python -m tests.benchmarks.listing [--sources N] [--topics N]`.

The pages and the API on a store with many sources, each with a memory of 30 polls, and many topics,
whose queries were parsed before. Each request is timed the first time, and the least of three more.
Then what the subscriber reads to see which sources name a hub.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from sqlalchemy import update

from monitor.api.app import create_app
from monitor.api.server import bind, serving
from monitor.clock import SystemClock
from monitor.model import Hints, SourceState, Topic
from monitor.store import SqlStore
from monitor.store.source_tables import SOURCE
from monitor.store.sql import Database
from monitor.store.states import pack
from monitor.telemetry import Health
from monitor.topics.canonical import canonical
from monitor.topics.packed import pack as pack_tree
from tests.benchmarks.matching.workload import make
from tests.benchmarks.schedule import MEMORY, NOW, sources
from tests.support.articles import an_article

ARTICLES = 2_000
TAGS = 20
ROUNDS = 3
TOPICS = "/api/v1/topics"


@dataclass(frozen=True)
class Request:
    """One row of the table."""

    path: str
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    status: int = 200


REQUESTS = (
    Request("/"),
    Request("/alerts"),
    Request("/articles/a1"),
    Request("/sources"),
    Request("/topics"),
    Request("/api/v1/sources"),
    Request("/api/v1/sources?limit=200"),
    Request(TOPICS),
    Request(f"{TOPICS}/check", "POST", {"query": '(one OR "two words") AND NOT three'}),
    Request(f"{TOPICS}/mine", "PATCH", {"query": "one @t7"}),
)


async def fill(url: str, store: SqlStore, count: int, topics: int) -> None:
    """Make sources with memories, topics with parsed queries, and articles that have both."""
    await store.declare(sources(count, count // 5), NOW)
    database = Database(url, SystemClock())
    await database.start()
    await database.write(lambda connection: connection.execute(_REMEMBER))
    await database.write(lambda connection: connection.execute(_NAME_HUBS))
    await database.stop()
    queries = make(1, topics).queries
    declared = [
        Topic(id=f"t{number}", name=f"Topic {number}", query=canonical(query))
        for number, query in enumerate(queries)
    ]
    await store.declare_topics(declared, ())
    trees = {f"t{number}": pack_tree(query) for number, query in enumerate(queries)}
    await store.keep_trees(trees, await store.catalog_revision())
    await store.add_topic(Topic(id="mine", name="Mine", query="one"))
    chance = Random(7)
    ids = [topic.id for topic in declared]
    articles = [
        replace(
            an_article(id=f"a{number}", topics=tuple(chance.sample(ids, TAGS))),
            source=f"source-{chance.randrange(count)}",
        )
        for number in range(ARTICLES)
    ]
    await store.save_articles(articles, NOW)


_REMEMBER = update(SOURCE).values(memory=pack(MEMORY))
_HUB = Hints(hub="https://hub.example/")
_NAME_HUBS = (
    update(SOURCE)
    .where(SOURCE.c.name.like("%00"))
    .values(memory=pack(replace(MEMORY, hints=_HUB)), has_hub=True)
)


async def ask(client: aiohttp.ClientSession, request: Request) -> None:
    """Print the time of a first request, and the least time and CPU of some more, the client's
    included."""
    wall, cpu, size = [], [], 0
    headers = {"Content-Type": "application/json"}
    for _ in range(1 + ROUNDS):
        started, busy = time.perf_counter(), time.process_time()
        asked = client.request(request.method, request.path, json=request.body, headers=headers)
        async with asked as answer:
            assert answer.status == request.status, await answer.text()
            size = len(await answer.read())
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - busy)
    row = (wall[0] * 1e3, min(wall[1:]) * 1e3, min(cpu[1:]) * 1e3)
    figures = " | ".join(f"{each:.0f}" for each in row)
    verb = "" if request.method == "GET" else f"{request.method} "
    print(f"| `{verb}{request.path}` | {figures} | {size / 1e3:.0f} |", flush=True)


async def read(what: str, reading: Callable[[], Awaitable[Sequence[SourceState]]]) -> None:
    """Print the least time and CPU of reading sources."""
    wall, cpu, count = [], [], 0
    for _ in range(ROUNDS):
        started, busy = time.perf_counter(), time.process_time()
        count = len(await reading())
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - busy)
    print(f"{what}, {count}: {min(wall) * 1e3:.0f} ms, CPU {min(cpu) * 1e3:.0f} ms", flush=True)


async def main() -> None:
    """Measure SQLite."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=int, default=50_000)
    parser.add_argument("--topics", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'monitor.db'}"
        store = SqlStore.from_url(url)
        await store.start()
        await store.migrate()
        await fill(url, store, options.sources, options.topics)
        load = os.getloadavg()[0]
        print(f"{options.sources} sources, {options.topics} topics, load {load:.1f}")
        timeout = aiohttp.ClientTimeout(total=600)
        print("| | first, ms | ms | CPU, ms | kB |\n|---|---|---|---|---|")
        for request in REQUESTS:
            # Each with a new application, so that every first request is one.
            web = create_app(store, Health(), clock=SystemClock())
            listener = bind("127.0.0.1", 0)
            base = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with (
                serving(web, listener),
                aiohttp.ClientSession(base, timeout=timeout) as client,
            ):
                async with client.get("/livez"):
                    pass
                await ask(client, request)
        await read("sources that name a hub", store.hubbed_sources)
        await read("all sources", store.sources)
        await store.stop()


if __name__ == "__main__":
    asyncio.run(main())
