"""What turns of hosts cost: `python -m tests.benchmarks.schedule [--postgres] [--sources N]`.

Picking 100 turns among many overdue sources, on many hosts and on one; recording polls that found
nothing, 200 in a transaction, each with a memory of 30 polls; a start with nothing new declared.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.model import Memory, Poll, PollNote, Source, Turn
from monitor.store import SqlStore
from tests.support.postgres import PostgresServer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 200
TURNS = 100
ROUNDS = 20
PAUSE = timedelta(seconds=2)
NOTE = PollNote(at=NOW, outcome="unchanged", status=304, size=200, known=20, seconds=0.25)
MEMORY = Memory(
    etag='"5f3a-61b2c4d5e6f70"',
    last_modified="Thu, 01 Jan 2026 00:00:00 GMT",
    body_hash="0" * 64,
    imported=True,
    digests=bytes(400),
    days={f"2025-12-{day:02}": day for day in range(1, 29)},
    polls=(NOTE.pack(),) * 30,
)


def sources(count: int, hosts: int) -> Sequence[Source]:
    """Return sources spread over hosts."""
    return [
        Source(
            name=f"source-{number}",
            type="feed",
            location=f"https://www.host{number % hosts}.example/feeds/{number}.xml",
        )
        for number in range(count)
    ]


def polls(turns: Sequence[Turn], now: datetime) -> Sequence[Poll]:
    """Return polls that found nothing."""
    return [
        Poll(
            source=turn.state.source.name,
            host=turn.host,
            next_poll_at=now + timedelta(minutes=15),
            host_next_at=now + PAUSE,
            memory=MEMORY,
        )
        for turn in turns
        if turn.state is not None
    ]


async def picking(store: SqlStore, hosts: int) -> None:
    """Print the time that picking takes while every source is overdue."""
    times = []
    for round_ in range(ROUNDS):
        now = NOW + round_ * PAUSE
        start = time.perf_counter()
        turns = await store.lease_turns(now, "me", TURNS, 60)
        times.append(time.perf_counter() - start)
        assert len(turns) == min(TURNS, hosts)
        await store.record_polls(polls(turns, now), "me")
    times.sort()
    print(
        f"   picking {min(TURNS, hosts):3} turns: median {times[ROUNDS // 2] * 1e3:.1f} ms,"
        f" longest {times[-1] * 1e3:.1f} ms",
        flush=True,
    )


async def recording(store: SqlStore) -> None:
    """Print what a poll costs that found nothing, and what the process grew by meanwhile."""
    count, wall, cpu, before = 0, 0.0, 0.0, 0
    for round_ in range(ROUNDS):
        now = NOW + timedelta(hours=1) + round_ * PAUSE
        batch = polls(await store.lease_turns(now, "me", BATCH, 60), now)
        started, busy = time.perf_counter(), time.process_time()
        await store.record_polls(batch, "me")
        wall += time.perf_counter() - started
        cpu += time.process_time() - busy
        count += len(batch)
        if round_ == ROUNDS // 4:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        f"   recording a poll: {wall / count * 1e3:.3f} ms, of it our CPU"
        f" {cpu / count * 1e3:.3f} ms; grown by {grown / 1024:.1f} MB",
        flush=True,
    )


async def measure(url: str, count: int, hosts: int) -> None:
    """Measure one database with so many sources on so many hosts."""
    store = SqlStore.from_url(url)
    await store.start()
    await store.migrate()
    print(f"{url.partition(':')[0]}: {count} sources on {hosts} host(s)")
    for kind in ("new", "unchanged"):
        declared = sources(count, hosts)
        start = time.perf_counter()
        await store.declare(declared, NOW - timedelta(hours=1))
        print(f"   declaring {kind} ones: {time.perf_counter() - start:.2f} s", flush=True)
    await picking(store, hosts)
    if hosts > BATCH:
        await recording(store)
    await store.stop()


async def main() -> None:
    """Measure SQLite, or PostgreSQL with our own server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--sources", type=int, default=50_000)
    options = parser.parse_args()
    spreads = (options.sources // 5, 1)
    if options.postgres:
        with PostgresServer() as server:
            for hosts in spreads:
                await measure(server.create_database(), options.sources, hosts)
        return
    with tempfile.TemporaryDirectory() as folder:
        for hosts in spreads:
            path = Path(folder) / f"{hosts}.db"
            await measure(f"sqlite+aiosqlite:///{path}", options.sources, hosts)


if __name__ == "__main__":
    asyncio.run(main())
