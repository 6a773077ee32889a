"""One member of a consumer group on the SQLite log: hands out, commits, keeps its lease."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial

from monitor.brokers import sqlite_group
from monitor.brokers.sqlite_group import Member, Share
from monitor.brokers.sqlite_log import scan
from monitor.brokers.sqlite_thread import SqliteThread
from monitor.errors import Unavailable
from monitor.events import Record

log = logging.getLogger(__name__)

HEARTBEAT = 1.0  # seconds between two looks at the group
GRACE = 3.0  # seconds that leaving may take


class SqliteSubscription:
    """Reads the partitions that it owns from the group's commit on.

    `arrived` is set by others when records may have come, `changed` when the group may have.
    """

    def __init__(
        self,
        member: Member,
        writer: SqliteThread,
        reader: SqliteThread,
        now: Callable[[], int],
        announce: Callable[[], None],
    ) -> None:
        self.arrived = asyncio.Event()
        self.changed = asyncio.Event()
        self._member = member
        self._writer = writer
        self._reader = reader
        self._now = now
        self._announce = announce
        # Owning, reading and giving up exclude one another: nothing is handed out meanwhile.
        self._lock = asyncio.Lock()
        self._next: dict[int, int] = {}
        self._committed: dict[int, int] = {}
        self._surplus: frozenset[int] = frozenset()

    async def join(self) -> None:
        """Become a member; raises Unavailable."""
        async with self._lock:
            self._take(
                await self._writer.run(
                    partial(sqlite_group.join, member=self._member, now=self._now()),
                    durable=False,
                )
            )
        self._announce()

    async def leave(self) -> None:
        """Let go of the partitions; the lease does it later where the file does not answer."""
        try:
            async with asyncio.timeout(GRACE):
                await self._writer.run(
                    partial(sqlite_group.leave, member=self._member), durable=False
                )
        except (TimeoutError, Unavailable) as error:
            log.warning("group %s is left without notice: %s", self._member.group, error)
        self._announce()

    async def keep(self) -> None:
        """Renew the lease and share fairly, for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT):
                    await self.changed.wait()
            self.changed.clear()
            try:
                await self._rebalance()
            except Unavailable as error:
                log.warning("the lease in group %s is not renewed: %s", self._member.group, error)

    async def receive(self, limit: int, wait: float) -> Sequence[Record]:
        """Return up to `limit` records, or none after `wait` seconds; raises Unavailable."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        while True:
            self.arrived.clear()
            records = await self._read(limit)
            if records or loop.time() >= deadline:
                return records
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await self.arrived.wait()

    async def commit(self, done: Sequence[Record]) -> None:
        """Remember what is done; without effect for partitions that have passed to others.

        Not flushed to the disk by itself: what a power cut takes back comes again, as records
        that are committed may. No kill takes it back.
        """
        if not done:
            return
        first = self._member.stored.first
        following: dict[int, int] = {}
        for record in done:
            partition = first + record.partition
            following[partition] = max(following.get(partition, 0), record.offset + 1)
        fenced = await self._writer.run(
            partial(sqlite_group.commit, member=self._member, following=following), durable=False
        )
        if fenced:
            log.info(
                "group %s has moved on: %d partitions of %s were not committed",
                self._member.group,
                len(fenced),
                self._member.stored.channel.name,
            )
        for partition in following.keys() & self._next.keys():
            if partition not in fenced:
                self._committed[partition] = max(self._committed[partition], following[partition])
        if self._surplus:
            self.changed.set()

    async def _read(self, limit: int) -> list[Record]:
        async with self._lock:
            wanted = [item for item in self._next.items() if item[0] not in self._surplus]
            if not wanted:
                return []
            records, still = await self._reader.run(
                partial(_read_owned, member=self._member, positions=wanted, limit=limit)
            )
            for partition in self._next.keys() - still:
                self._forget(partition)
            first = self._member.stored.first
            for record in records:
                self._next[first + record.partition] = record.offset + 1
            # Who was served goes to the end, so that no partition waits for ever.
            for partition in dict.fromkeys(first + record.partition for record in records):
                self._next[partition] = self._next.pop(partition)
            return records

    async def _rebalance(self) -> None:
        async with self._lock:
            busy = frozenset(
                partition
                for partition, offset in self._next.items()
                if offset > self._committed[partition]
            )
            share = await self._writer.run(
                partial(sqlite_group.rebalance, member=self._member, busy=busy, now=self._now()),
                durable=False,
            )
            self._take(share)
        if share.freed:
            self._announce()

    def _take(self, share: Share) -> None:
        for partition in self._next.keys() - share.positions.keys():
            self._forget(partition)
        for partition, position in share.positions.items():
            if partition not in self._next:
                self._committed[partition] = position
                self._next[partition] = position
                self.arrived.set()
            # It was another's meanwhile, who came further.
            self._next[partition] = max(self._next[partition], position)
            self._committed[partition] = max(self._committed[partition], position)
        self._surplus = frozenset(share.surplus)

    def _forget(self, partition: int) -> None:
        del self._next[partition]
        del self._committed[partition]


def _read_owned(
    connection: sqlite3.Connection,
    member: Member,
    positions: Sequence[tuple[int, int]],
    limit: int,
) -> tuple[list[Record], set[int]]:
    """Return records of those logs that are still owned, and which those are."""
    still = sqlite_group.owned(connection, member)
    mine = [position for position in positions if position[0] in still]
    return scan(connection, member.stored, mine, limit), still
