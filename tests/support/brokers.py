"""Every implementation of the broker, for the suite that all of them must pass."""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from monitor.brokers.kafka import KafkaBroker
from monitor.brokers.sqlite import SqliteBroker
from monitor.channels import Channel
from monitor.events import NewRecord, Record
from monitor.protocols import Broker, Subscription
from tests.support.kafka import KafkaServer

DEADLINE = 60.0  # seconds after which something that must happen has not happened

FILE = pytest.param("sqlite", id="sqlite")
MEMORY = pytest.param("memory", id="memory")
KAFKA = pytest.param("kafka", id="kafka", marks=pytest.mark.kafka)


def connect(url: str) -> Broker:
    """Return the broker of a URL, not started."""
    return KafkaBroker.from_url(url) if url.startswith("kafka:") else SqliteBroker.from_url(url)


@asynccontextmanager
async def running(url: str) -> AsyncIterator[Broker]:
    """Start and stop a broker."""
    broker = connect(url)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


@pytest.fixture(params=[FILE, MEMORY, KAFKA])
def broker_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a broker of each kind."""
    return _url(request, tmp_path)


@pytest.fixture(params=[FILE, KAFKA])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a broker of each kind that several processes can share."""
    return _url(request, tmp_path)


@pytest.fixture
async def broker(broker_url: str) -> AsyncIterator[Broker]:
    """A running broker of each kind."""
    async with running(broker_url) as started:
        yield started


@pytest.fixture
def channel() -> Channel:
    """A channel that no other test knows."""
    return Channel(f"test.{uuid.uuid4().hex}", partitions=4)


def records(*values: str, key: str | None = None) -> list[NewRecord]:
    """Return a record for each value, which is also its key where none is given."""
    return [NewRecord(key=(key or value).encode(), value=value.encode()) for value in values]


def numbered(count: int) -> list[str]:
    """Return values that tell one record from another."""
    return [f"value-{number}" for number in range(count)]


def values_of(received: Sequence[Record]) -> list[str]:
    """Return the values of records, in their order."""
    return [record.value.decode() for record in received]


async def take(
    subscription: Subscription, count: int, *, commit: bool = False, limit: int = 500
) -> list[Record]:
    """Receive until `count` records are there."""
    taken: list[Record] = []
    async with asyncio.timeout(DEADLINE):
        while len(taken) < count:
            batch = await subscription.receive(min(limit, count - len(taken)), wait=5)
            if commit:
                await subscription.commit(batch)
            taken += batch
    return taken


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again until a condition holds, which it must within the deadline."""
    async with asyncio.timeout(DEADLINE):
        while not await condition():
            await asyncio.sleep(0.05)


class MemberProcess:
    """A member of a group in a process of its own, which writes what it has processed."""

    def __init__(self, url: str, channel: Channel, group: str) -> None:
        self._arguments = (url, channel.name, str(channel.partitions), group)
        self._process: asyncio.subprocess.Process | None = None
        self.lines: list[str] = []

    async def start(self) -> None:
        """Start it; returns when it has asked for partitions."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.support.member",
            *self._arguments,
            stdout=asyncio.subprocess.PIPE,
        )
        assert await self.line() == "joined"

    async def line(self) -> str:
        """Return what it writes next."""
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            line = (await self._process.stdout.readline()).decode().strip()
        assert line, "the member has ended"
        self.lines.append(line)
        return line

    async def kill(self) -> list[str]:
        """Kill it with signal 9 and return all that it has written, but for `joined`."""
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.kill()
        rest = (await self._process.stdout.read()).decode()
        await self._process.wait()
        # A line that is not whole was not processed.
        self.lines += [line.strip() for line in rest.splitlines(keepends=True) if line[-1] == "\n"]
        return [line for line in self.lines if line != "joined"]


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __float__(self) -> float:
        return time.monotonic() - self._start


def _url(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "kafka":
        server: KafkaServer = request.getfixturevalue("kafka_server")
        return server.url
    return "sqlite://:memory:" if request.param == "memory" else f"sqlite:///{folder / 'log.db'}"
