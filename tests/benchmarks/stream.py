"""Articles per second through the whole stream, and where the time goes.

    python -m tests.benchmarks.stream [--server] [--articles 20000] [--topics 100]

The articles wait in the outbox before the clock starts; it stops when each is stored and every
expected alert is raised. Embedded is one process; `--server` is a real Kafka, a real PostgreSQL
and one process per group of roles, all on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from monitor.model import Article, Topic
from monitor.store import SqlStore
from tests.support.matchers import matcher_of
from tests.support.service import ServiceProcess

SEED = 7
START = datetime(2026, 1, 1, tzinfo=UTC)
GROUPS = ("scheduler", "dedupe,tag", "store,alert,notify,api")


@dataclass(frozen=True)
class Result:
    """One run: articles per second, and CPU milliseconds per article by process."""

    articles: int
    seconds: float
    cpu: dict[str, float]
    steps: dict[str, float]

    def show(self, title: str) -> None:
        rate = self.articles / self.seconds
        print(f"{title}: {rate:.0f} articles/s ({self.articles} in {self.seconds:.1f} s)")
        for name, seconds in self.cpu.items():
            print(f"  CPU   {name:28} {seconds / self.articles * 1e3:.3f} ms/article")
        for name, seconds in self.steps.items():
            print(f"  batch {name:28} {seconds / self.articles * 1e3:.3f} ms/article (wall)")


def vocabulary() -> list[str]:
    """Return 5,000 made-up words; the first are the most frequent, as in a language."""
    chance = random.Random(SEED)
    parts = [a + b for a in "bcdfghjklmnprstvwxz" for b in "aeiou"]
    return ["".join(chance.choices(parts, k=chance.choice((2, 3, 4)))) for _ in range(5_000)]


def make_articles(count: int) -> list[Article]:
    """Return articles of some 3 KB, all different, of 40 sources."""
    chance = random.Random(SEED)
    words = vocabulary()
    weights = [1 / (rank + 5) for rank in range(len(words))]
    articles = []
    for number in range(count):
        text = chance.choices(words, weights, k=450)
        articles.append(
            Article(
                id=f"{number:032x}",
                source=f"source-{number % 40}",
                url=f"https://source-{number % 40}.example/news/{number}",
                item_id=f"https://source-{number % 40}.example/?p={number}",
                title=" ".join(text[:9]).capitalize() + f" {number}",
                summary=" ".join(text[9:40]),
                body=" ".join(text[40:]),
                language="en",
                published=START + timedelta(seconds=number),
                fetched=START + timedelta(seconds=number),
                content_hash=f"{number:064x}",
            )
        )
    return articles


def make_topics(count: int) -> list[Topic]:
    """Return topics as media monitors write them: (A OR B OR "C D") AND (E OR F) AND NOT G."""
    chance = random.Random(SEED + 1)
    words = vocabulary()[50:]
    topics = []
    for number in range(count):
        a, b, c, d, e, f, g = chance.sample(words, 7)
        query = f'({a} OR {b} OR "{c} {d}") AND ({e} OR {f}) AND NOT {g}'
        topics.append(Topic(id=f"topic-{number}", name=f"Topic {number}", query=query))
    return topics


def write_config(folder: Path, topics: Sequence[Topic]) -> None:
    """Write a configuration without sources, with a rule for all topics."""
    folder.mkdir(parents=True)
    (folder / "sources.yaml").write_text("sources: {}\n")
    lines = [f"  {topic.id}: {{name: {topic.name}, query: '{topic.query}'}}" for topic in topics]
    (folder / "topics.yaml").write_text("topics:\n" + "\n".join(lines) + "\n")
    (folder / "alerts.yaml").write_text(
        "channels:\n  page: {type: stream}\nrules:\n  all: {topics: ['*'], channels: [page]}\n"
    )


async def measure(
    folder: Path,
    count: int,
    topic_count: int,
    groups: Sequence[str],
    environ: dict[str, str],
    others: dict[str, psutil.Process],
) -> Result:
    """Run the service over a full outbox; `others` are the servers whose CPU counts too."""
    topics, articles = make_topics(topic_count), make_articles(count)
    expected = sum(bool(found) for found in matcher_of(topics).match(articles))
    write_config(folder / "config", topics)
    url = environ.get("MONITOR_DATABASE_URL", f"sqlite+aiosqlite:///{folder}/data/monitor.db")
    store = SqlStore.from_url(url)
    await store.start()
    await store.migrate()
    for at in range(0, count, 500):
        await store.record_articles(articles[at : at + 500])
    services = [
        ServiceProcess(
            folder / "config", folder / "data", roles, {"MONITOR_BATCH_SIZE": "500", **environ}
        )
        for roles in groups
    ]
    # The scheduler, which fills the stream, comes last: starting is not what is measured.
    await asyncio.gather(*(service.start() for service in services if service.roles != "scheduler"))
    used = {name: _cpu(process) for name, process in others.items()}
    before = {service.url: service.cpu_seconds() for service in services if service.process}
    started = time.perf_counter()
    await asyncio.gather(
        *(service.start(ready=False) for service in services if not service.process)
    )
    while (await store.outbox_size()).unstored or await _alerts(store) < expected:
        await asyncio.sleep(0.1)
    seconds = time.perf_counter() - started
    cpu = {
        f"{service.roles or 'all roles'}": service.cpu_seconds() - before.get(service.url, 0)
        for service in services
    }
    cpu |= {name: _cpu(process) - used[name] for name, process in others.items()}
    steps: dict[str, float] = {}
    for service in services:
        for name, value in (await service.metrics()).items():
            if name.startswith("newsmonitor_process_duration_seconds_sum"):
                steps[name.split('"')[1]] = value
    assert await _alerts(store) == expected
    for service in services:
        await service.stop()
    await store.stop()
    return Result(count, seconds, cpu, steps)


async def _alerts(store: SqlStore) -> int:
    return (await store.newest())[1]


def _cpu(process: psutil.Process) -> float:
    found = 0.0
    for item in (process, *process.children(recursive=True)):
        times = item.cpu_times()
        found += times.user + times.system
    return found + process.cpu_times().children_user + process.cpu_times().children_system


async def main() -> None:
    """Measure one mode and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", action="store_true")
    parser.add_argument("--articles", type=int, default=20_000)
    parser.add_argument("--topics", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="news-monitor-") as name:
        folder = Path(name)
        if not options.server:
            result = await measure(folder, options.articles, options.topics, ("",), {}, {})
            result.show("embedded, one process")
            return
        from tests.support.kafka import KafkaServer
        from tests.support.postgres import PostgresServer

        with KafkaServer() as kafka, PostgresServer() as postgres:
            environ = {
                "MONITOR_BROKER_URL": kafka.url,
                "MONITOR_DATABASE_URL": postgres.create_database(),
            }
            others = {"kafka": psutil.Process(kafka.pid), "postgres": psutil.Process(postgres.pid)}
            result = await measure(
                folder, options.articles, options.topics, GROUPS, environ, others
            )
            result.show("Kafka and PostgreSQL, " + " | ".join(GROUPS))


if __name__ == "__main__":
    asyncio.run(main())
