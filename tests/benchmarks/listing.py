"""What lists of sources cost: `python -m tests.benchmarks.listing [--sources N]`.

The pages and the API on a store with many sources, each with a memory of 30 polls.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

import aiohttp
from sqlalchemy import update

from monitor.api.app import create_app
from monitor.api.server import bind, serving
from monitor.clock import SystemClock
from monitor.store import SqlStore
from monitor.store.source_tables import SOURCE
from monitor.store.sql import Database
from monitor.store.states import pack
from monitor.telemetry import Health
from tests.benchmarks.schedule import MEMORY, NOW, sources

PATHS = ("/", "/alerts", "/sources", "/api/v1/sources?limit=200", "/api/v1/sources")
ROUNDS = 3


async def remember(url: str) -> None:
    """Give every source the memory of 30 polls."""
    database = Database(url, SystemClock())
    await database.start()
    await database.write(lambda connection: connection.execute(_REMEMBER))
    await database.stop()


_REMEMBER = update(SOURCE).values(memory=pack(MEMORY))


async def ask(client: aiohttp.ClientSession, path: str) -> None:
    """Print the least time and CPU of some requests, the client's included."""
    wall, cpu, size = [], [], 0
    for _ in range(ROUNDS):
        started, busy = time.perf_counter(), time.process_time()
        async with client.get(path) as answer:
            assert answer.status == 200, await answer.text()
            size = len(await answer.read())
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - busy)
    print(f"| `{path}` | {min(wall):.2f} | {min(cpu):.2f} | {size / 1e6:.2f} |", flush=True)


async def main() -> None:
    """Measure SQLite."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=int, default=50_000)
    count = parser.parse_args().sources
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'monitor.db'}"
        store = SqlStore.from_url(url)
        await store.start()
        await store.migrate()
        await store.declare(sources(count, count // 5), NOW)
        await remember(url)
        listener = bind("127.0.0.1", 0)
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        web = create_app(store, Health(), clock=SystemClock())
        print(f"{count} sources, load {os.getloadavg()[0]:.1f}")
        print("| | s | CPU, s | MB |\n|---|---|---|---|")
        timeout = aiohttp.ClientTimeout(total=600)
        async with serving(web, listener), aiohttp.ClientSession(base, timeout=timeout) as client:
            for path in PATHS:
                await ask(client, path)
        await store.stop()


if __name__ == "__main__":
    asyncio.run(main())
