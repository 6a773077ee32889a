"""The embedded broker: a durable, partitioned log with consumer groups in one SQLite file.

It is Kafka's model and no more of it. Several processes of one host may share the file.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path

from monitor import process
from monitor.brokers import sqlite_log
from monitor.brokers.settings import differences
from monitor.brokers.size import refuse_oversized
from monitor.brokers.sqlite_group import Member
from monitor.brokers.sqlite_log import StoredChannel
from monitor.brokers.sqlite_subscription import SqliteSubscription
from monitor.brokers.sqlite_thread import SqliteThread
from monitor.channels import Channel
from monitor.clock import SystemClock
from monitor.errors import ConfigError, Problem, Unavailable
from monitor.events import NewRecord, Record
from monitor.protocols import Clock

log = logging.getLogger(__name__)

POLL = 0.2  # seconds between two looks for what other processes have sent
TIDY = 60.0  # seconds between two rounds of the retention
READ = 500  # records that `read` holds at once
STOP = 5.0  # seconds that stopping may take

_serial = count(1)


class SqliteBroker:
    """A log in a file; `path` None keeps it in memory, for tests.

    A file is read in a thread of its own, as readers and the writer do not wait for each other.
    """

    def __init__(self, path: Path | None, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or SystemClock()
        self._channels: dict[str, StoredChannel] = {}
        self._arrived: dict[str, set[asyncio.Event]] = {}
        self._members: dict[tuple[str, str], set[asyncio.Event]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._writer: SqliteThread | None = None
        self._reader: SqliteThread | None = None

    @classmethod
    def from_url(cls, url: str, clock: Clock | None = None) -> SqliteBroker:
        """Return the broker of `sqlite:///relative.db`, `sqlite:////absolute.db` or
        `sqlite://:memory:`; raises ConfigError for anything else."""
        scheme, _, rest = url.partition("://")
        path = rest.removeprefix("/")
        if path == ":memory:":
            return cls(None, clock)
        if scheme != "sqlite" or not rest.startswith("/") or not path:
            cure = "write sqlite:///relative.db or sqlite:////absolute.db"
            raise ConfigError([Problem("MONITOR_BROKER_URL", f"{url!r} names no file: {cure}")])
        return cls(Path(path), clock)

    async def start(self) -> None:
        """Open the file, created where it is missing; raises Unavailable."""
        if self._writer is not None:
            return
        writer = SqliteThread(self._path)
        reader = writer if self._path is None else SqliteThread(self._path, readonly=True)
        try:
            await writer.start()
            await writer.run(sqlite_log.create_schema)
            if reader is not writer:
                await reader.start()
        except BaseException:
            await writer.stop(STOP)
            raise
        self._writer, self._reader = writer, reader
        self._tasks = [asyncio.create_task(self._tidy())]
        if self._path is not None:
            self._tasks.append(asyncio.create_task(self._watch()))

    async def stop(self) -> None:
        """Close the file within a few seconds; never raises."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        writer, reader = self._writer, self._reader
        self._writer = self._reader = None
        self._channels.clear()
        if reader is not None and reader is not writer:
            await reader.stop(STOP)
        if writer is not None:
            await writer.stop(STOP)

    async def ensure(self, channels: Sequence[Channel]) -> Sequence[str]:
        """Create the missing channels; name each setting that differs from its declaration."""
        found: list[str] = []
        for channel in channels:
            self._channels.pop(channel.name, None)
            stored = await self._ensured(channel)
            found += differences(channel, stored.channel, f"the log {self._path or ':memory:'}")
        return found

    async def send(self, channel: Channel, records: Sequence[NewRecord]) -> None:
        """Append all records in one transaction, flushed to the disk."""
        refuse_oversized(channel, records)
        if not records:
            return
        stored = await self._ensured(channel)
        if stored.channel.max_bytes < channel.max_bytes:
            refuse_oversized(stored.channel, records)
        await self._opened(self._writer).run(
            partial(sqlite_log.append, stored=stored, records=records, now=self._now())
        )
        _set(self._arrived.get(channel.name, ()))

    @asynccontextmanager
    async def subscribe(self, channel: Channel, group: str) -> AsyncIterator[SqliteSubscription]:
        """Join a consumer group; leaving lets go of the partitions at once."""
        stored = await self._ensured(channel)
        members = self._members.setdefault((channel.name, group), set())
        subscription = SqliteSubscription(
            Member(f"{process.TOKEN}.{next(_serial)}", group, stored, process.place()),
            self._opened(self._writer),
            self._opened(self._reader),
            self._now,
            lambda: _set(members),
        )
        arrived = self._arrived.setdefault(channel.name, set())
        try:
            await subscription.join()
            arrived.add(subscription.arrived)
            members.add(subscription.changed)
            keeper = asyncio.create_task(subscription.keep())
            try:
                yield subscription
            finally:
                keeper.cancel()
                await asyncio.gather(keeper, return_exceptions=True)
        finally:
            arrived.discard(subscription.arrived)
            members.discard(subscription.changed)
            await asyncio.shield(asyncio.ensure_future(subscription.leave()))

    async def read(
        self, channel: Channel, *, from_start: bool, follow: bool
    ) -> AsyncIterator[Record]:
        """Read without a group, from when the first record is asked for."""
        stored = await self._ensured(channel)
        reader = self._opened(self._reader)
        ends = await reader.run(partial(sqlite_log.ends, stored=stored))
        positions = dict.fromkeys(ends, 0) if from_start else dict(ends)
        arrived = asyncio.Event()
        listeners = self._arrived.setdefault(channel.name, set())
        listeners.add(arrived)
        try:
            while True:
                arrived.clear()
                records = await reader.run(
                    partial(
                        sqlite_log.scan,
                        stored=stored,
                        positions=list(positions.items()),
                        limit=READ,
                    )
                )
                for record in records:
                    partition = stored.first + record.partition
                    positions.pop(partition)  # to the end, so that no partition waits for ever
                    positions[partition] = record.offset + 1
                    if follow or record.offset < ends[partition]:
                        yield record
                if not follow:
                    positions = {
                        at: offset for at, offset in positions.items() if offset < ends[at]
                    }
                    if not records or not positions:
                        return
                elif not records:
                    await arrived.wait()
        finally:
            listeners.discard(arrived)

    async def lag(self, channel: Channel, group: str) -> int:
        """Return how many records the group has not committed; 0 for an unknown channel."""
        reader = self._opened(self._reader)
        stored = await reader.run(partial(sqlite_log.find_channel, name=channel.name))
        if stored is None:
            return 0
        return await reader.run(partial(sqlite_log.lag, stored=stored, group=group))

    async def _ensured(self, channel: Channel) -> StoredChannel:
        stored = self._channels.get(channel.name)
        if stored is None:
            stored = await self._opened(self._writer).run(
                partial(sqlite_log.create_channel, channel=channel)
            )
            self._channels[channel.name] = stored
        return stored

    def _opened(self, thread: SqliteThread | None) -> SqliteThread:
        if thread is None:
            raise Unavailable(f"the log {self._path or ':memory:'} is not open")
        return thread

    def _now(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    async def _watch(self) -> None:
        """Wake the readers when another process may have written."""
        seen = None
        while True:
            await asyncio.sleep(POLL)
            try:
                version = await self._opened(self._reader).run(_data_version)
            except Unavailable as error:
                log.warning("looking for new records failed: %s", error)
                continue
            if version != seen:
                seen = version
                for events in self._arrived.values():
                    _set(events)

    async def _tidy(self) -> None:
        """Apply the retention now and then, chunk by chunk so that nobody waits for long."""
        while True:
            try:
                await self._forget()
            except Unavailable as error:
                log.warning("old records are not deleted: %s", error)
            await asyncio.sleep(TIDY)

    async def _forget(self) -> None:
        writer = self._opened(self._writer)
        for stored in await writer.run(sqlite_log.all_channels, durable=False):
            forget = partial(sqlite_log.forget, stored=stored, now=self._now())
            deleted = 1
            while deleted:
                deleted = await writer.run(forget, durable=False)


def _data_version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA data_version").fetchone()
    return int(version)


def _set(events: Iterable[asyncio.Event]) -> None:
    for event in events:
        event.set()
