"""What a record costs on each broker: `python -m tests.benchmarks.bus [--kafka] [--records N]`.

A hop is what a consumer does with a batch: receive, decode, encode, send on, commit.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import random
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from monitor.brokers.kafka import KafkaBroker
from monitor.brokers.sqlite import SqliteBroker
from monitor.channels import Channel
from monitor.events import Event, NewRecord, decode, encode
from monitor.protocols import Broker
from tests.support.kafka import KafkaServer

BATCH = 200
VALUE = 3_000
HOPS = 3


def records(count: int) -> Sequence[NewRecord]:
    """Return records whose values compress like text of 8,000 words does, about by half."""
    chance = random.Random(7)
    letters = "etaoinshrdlucmfwypvbgk"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 10))) for _ in range(8_000)]
    return [
        encode(
            Event(
                id=f"{index:032x}",
                type="news.article.fetched",
                source="benchmark",
                time=datetime(2026, 1, 1, tzinfo=UTC),
                key=f"https://example.org/{index}",
                data=" ".join(chance.choices(words, k=VALUE // 6)).encode()[:VALUE],
            )
        )
        for index in range(count)
    ]


async def hop(broker: Broker, source: Channel, target: Channel, count: int) -> None:
    """Take `count` records from one channel to the next."""
    async with broker.subscribe(source, "benchmark") as subscription:
        done = 0
        while done < count:
            batch = await subscription.receive(BATCH, wait=10)
            await broker.send(target, [encode(decode(record)) for record in batch])
            await subscription.commit(batch)
            done += len(batch)


async def measure(name: str, broker: Broker, items: Sequence[NewRecord]) -> None:
    """Print microseconds per record for sending and for a hop."""
    channels = [Channel(f"benchmark.{number}") for number in range(HOPS + 1)]
    await broker.ensure(channels)
    start, busy = time.perf_counter(), time.process_time()
    for at in range(0, len(items), BATCH):
        await broker.send(channels[0], items[at : at + BATCH])
    sent = time.perf_counter() - start
    start, busy = time.perf_counter(), time.process_time()
    for source, target in itertools.pairwise(channels):
        await hop(broker, source, target, len(items))
    hopped, busy = time.perf_counter() - start, time.process_time() - busy
    each = 1e6 / len(items)
    print(
        f"{name:16} send {sent * each:6.1f} µs   hop {hopped * each / HOPS:6.1f} µs"
        f"   of it our CPU {busy * each / HOPS:6.1f} µs",
        flush=True,
    )


@asynccontextmanager
async def running(broker: Broker) -> AsyncIterator[Broker]:
    """Start and stop a broker."""
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


async def run(count: int, kafka: str | None) -> None:
    """Measure every broker on the same records."""
    items = records(count)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        async with running(SqliteBroker(Path(folder) / "stream.db")) as broker:
            await measure("SQLite, a file", broker, items)
    async with running(SqliteBroker(None)) as broker:
        await measure("SQLite, memory", broker, items)
    if kafka is not None:
        async with running(KafkaBroker.from_url(kafka)) as broker:
            await measure("Kafka", broker, items)


def main() -> None:
    """Parse the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kafka", action="store_true", help="start a Kafka and measure it too")
    parser.add_argument("--records", type=int, default=20_000)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(KafkaServer()).url if options.kafka else None
        asyncio.run(run(options.records, url))


if __name__ == "__main__":
    main()
