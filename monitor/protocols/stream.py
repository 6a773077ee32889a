"""The seams to the log: Kafka's model, and no more of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from monitor.channels import Channel
from monitor.events import NewRecord, Record


class Clock(Protocol):
    """Time as an input."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class Subscription(Protocol):
    """One member of a consumer group on one channel."""

    async def receive(self, limit: int, wait: float) -> Sequence[Record]:
        """Return up to `limit` records, or none after `wait` seconds. In order per partition.

        Raises Unavailable where the broker is away.
        """

    async def commit(self, done: Sequence[Record]) -> None:
        """Remember that these and all before them in their partitions are done.

        Returns also where the group has moved on meanwhile: then the records come again,
        to whoever owns the partition now. Raises Unavailable where the broker is away.
        """


class Broker(Protocol):
    """An append-only, partitioned log with consumer groups."""

    async def start(self) -> None:
        """Connect; raises Unavailable where the broker is away."""

    async def stop(self) -> None:
        """Disconnect within a few seconds, also from a broker that is dead. Never raises."""

    async def ensure(self, channels: Sequence[Channel]) -> Sequence[str]:
        """Create the missing channels with their settings; return a sentence for each setting
        of an existing channel that differs from its declaration."""

    async def send(self, channel: Channel, records: Sequence[NewRecord]) -> None:
        """Append all records durably, or raise: Unavailable where it is not known that all are
        appended (some may be), Rejected where a record exceeds the channel's limit."""

    def subscribe(self, channel: Channel, group: str) -> AbstractAsyncContextManager[Subscription]:
        """Join a consumer group; a new group starts at the first record. Leaving lets go of the
        partitions at once. Creates the channel where it is missing."""

    def read(self, channel: Channel, *, from_start: bool, follow: bool) -> AsyncIterator[Record]:
        """Read without a group and without a trace: from the first record or from now on; up to
        what is there at the call, or for ever."""

    async def lag(self, channel: Channel, group: str) -> int:
        """Return how many records the group has not committed yet."""
