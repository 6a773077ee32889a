"""How long a start takes with many topics: `python -m tests.benchmarks.restart [--postgres]`.

Puts users' topics, as media monitors write them, into a database and starts `monitor run` on it,
twice: the first start parses all of them, the second is a restart. The clock runs from before the
process is there until it tags articles with all topics. Then one more topic is added by the API.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import msgspec
from sqlalchemy import func, select

from monitor.clock import SystemClock
from monitor.model import Owner, Topic
from monitor.store import SqlStore
from monitor.store.sql import Database
from monitor.store.tables import CATALOG, TOPIC
from monitor.topics.canonical import canonical
from tests.benchmarks.matching.workload import Workload, make
from tests.support.articles import NOW
from tests.support.postgres import PostgresServer
from tests.support.service import ServiceProcess

ARTICLES = 500
ONE_MORE = 9
WITHIN = 600.0
"""Seconds after which a start has failed."""


async def fill(url: str, workload: Workload) -> None:
    """Make a database with a user's topic for each query, and articles that weigh their words."""
    store = SqlStore.from_url(url)
    await store.start()
    await store.migrate()
    await store.save_articles(workload.articles, NOW)
    await store.stop()
    pack = msgspec.msgpack.encode
    rows = [
        {"id": topic.id, "revision": 1, "removed": False, "definition": pack(topic)}
        for topic in topics_of(workload)
    ]
    database = Database(url, SystemClock())
    await database.start()
    # One by one, as people make them, would take minutes.
    await database.write(lambda connection: connection.execute(TOPIC.insert(), rows))
    await database.write(lambda connection: connection.execute(CATALOG.update(), {"revision": 1}))
    await database.stop()


def topics_of(workload: Workload) -> Sequence[Topic]:
    """Return a topic for each query."""
    return [
        Topic(id=f"t{number}", name=f"t{number}", query=canonical(query), owner=Owner.USER)
        for number, query in enumerate(workload.queries)
    ]


async def started(service: ServiceProcess) -> float:
    """Start the service; return the seconds until it tags with all topics."""
    before = time.perf_counter()
    await service.start(ready=False)
    async with asyncio.timeout(WITHIN), aiohttp.ClientSession() as session:
        while True:
            assert service.process is not None
            assert service.process.returncode is None, service.log.read_text()[-3000:]
            try:
                async with session.get(service.url + "/readyz") as answer:
                    if "topics" in (await answer.json())["parts"]:
                        return time.perf_counter() - before
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


async def kept(url: str) -> None:
    """Wait until the parsed queries are in the database, which takes longer than being live."""
    missing = select(func.count()).where(TOPIC.c.tree.is_(None))
    database = Database(url, SystemClock())
    await database.start()
    async with asyncio.timeout(WITHIN):
        while await database.read(lambda connection: connection.execute(missing).scalar()):
            await asyncio.sleep(0.2)
    await database.stop()


async def added(service: ServiceProcess, number: int) -> float:
    """Add one topic by the API; return how many seconds that took."""
    given = {"id": f"more-{number}", "query": f'(one OR "two words{number}") AND NOT three'}
    before = time.perf_counter()
    async with (
        aiohttp.ClientSession() as session,
        session.post(service.url + "/api/v1/topics", json=given) as answer,
    ):
        assert answer.status == 201, await answer.text()
    return time.perf_counter() - before


async def measure(folder: Path, url: str, count: int) -> None:
    """Fill a database, and start on it twice."""
    config = folder / "config"
    config.mkdir()
    (config / "sources.yaml").write_text("sources: {}\n")
    (config / "topics.yaml").write_text("topics: {}\n")
    (config / "alerts.yaml").write_text("channels: {}\nrules: {}\n")
    await fill(url, make(ARTICLES, count))
    for name in ("first start", "restart"):
        service = ServiceProcess(config, folder / "data", environ={"MONITOR_DATABASE_URL": url})
        took = await started(service)
        cpu = service.cpu_seconds()
        print(f"{name}: {took:.1f} s until {count} topics are live, {cpu:.1f} s of CPU", flush=True)
        await kept(url)
        if name == "restart":
            first = await added(service, 0)
            more = [await added(service, number) for number in range(1, ONE_MORE + 1)]
            middle, most = statistics.median(more), max(more)
            print(f"first topic added: {first * 1e3:.0f} ms")
            print(f"one more: {middle * 1e3:.0f} ms, at most {most * 1e3:.0f}")
        await service.stop()


def main() -> None:
    """Measure SQLite, or PostgreSQL with our own server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--topics", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.postgres:
            with PostgresServer() as server:
                asyncio.run(measure(folder, server.create_database(), options.topics))
        else:
            asyncio.run(measure(folder, f"sqlite:///{folder}/monitor.db", options.topics))


if __name__ == "__main__":
    main()
