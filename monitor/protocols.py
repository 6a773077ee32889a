"""The seams: what the service needs of the world, as small protocols.

The broker is Kafka's model and no more of it. Storage is several protocols, implemented by one
SqlStore, so that a consumer's signature says all that it can touch.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from monitor.channels import Channel
from monitor.events import NewRecord, Record
from monitor.model import (
    Alert,
    AlertChannel,
    AlertRow,
    Article,
    ArticleFilter,
    ArticleRow,
    Attempt,
    Delivery,
    Document,
    Known,
    NotModified,
    OutboxRow,
    OutboxSize,
    Poll,
    Sighting,
    Source,
    SourceState,
)


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


class Fetcher(Protocol):
    """Gets what a source's location holds."""

    async def fetch(self, state: SourceState) -> Document | NotModified:
        """Ask the source, with the validators of its state.

        Raises Unavailable where it may work later (with its Retry-After), Rejected where the
        answer will not change without a change of the configuration (a body over the cap)."""

    async def close(self) -> None:
        """Let go of connections."""


class Notifier(Protocol):
    """One way to reach people."""

    async def send(self, delivery: Delivery) -> None:
        """Send one alert; `delivery.id` is stable over all attempts.

        Raises Unavailable where it may work later, Rejected where it never will."""

    async def check(self) -> None:
        """Reach the peer without sending anything; raises Unavailable or Rejected."""

    async def close(self) -> None:
        """Let go of connections."""


class Sources(Protocol):
    """The sources and their schedule."""

    async def declare(self, sources: Sequence[Source], now: datetime) -> None:
        """Make the operator's sources those of the file: new ones are due now, changed ones keep
        their schedule, missing ones are removed."""

    async def lease_due(
        self, now: datetime, owner: str, limit: int, lease: float
    ) -> Sequence[SourceState]:
        """Lease up to `limit` sources that are due, for `lease` seconds; nobody else gets them."""

    async def known(self, article_ids: Sequence[str]) -> Mapping[str, Known]:
        """Return what is remembered of each item; unknown ones are left out."""

    async def record_poll(self, poll: Poll, owner: str) -> int:
        """Record a poll and its articles in one transaction; return how many were new rows.

        A poll whose lease has passed to somebody else leaves the schedule alone."""

    async def record_articles(self, articles: Sequence[Article]) -> Sequence[str]:
        """Put articles into the outbox without a source's schedule (a replay); return the ids
        of those that were new rows."""

    async def sources(self) -> Sequence[SourceState]:
        """Return all sources by name."""

    async def lease_named(
        self, names: Sequence[str], now: datetime, owner: str, lease: float
    ) -> Sequence[SourceState]:
        """Lease these sources, or all enabled ones without names, due or not; those that somebody
        else has leased are left out."""


class Outbox(Protocol):
    """Articles on their way to the broker."""

    async def unsent(self, limit: int) -> Sequence[OutboxRow]:
        """Return the oldest rows that are not marked sent."""

    async def mark_sent(self, ids: Sequence[int], now: datetime) -> None:
        """Remember that the broker has these."""

    async def resend_unstored(self, sent_before: datetime) -> int:
        """Make rows unsent that were sent before then and never stored; return how many."""

    async def unfinished(self, article_ids: Sequence[str]) -> int:
        """Return how many of these articles have a row that is not stored or settled yet."""

    async def settle(self, articles: Sequence[Article], now: datetime) -> None:
        """Remember that nothing more will come of these (copies, dead letters)."""

    async def prune_outbox(self, stored_before: datetime) -> int:
        """Delete rows that were stored before then; return how many."""

    async def outbox_size(self) -> OutboxSize:
        """Return how much waits."""


class Claims(Protocol):
    """Who owns what: the first writer wins, for ever."""

    async def claim(self, keys: Mapping[str, str]) -> Mapping[str, str]:
        """Return who owns each key; the given owner where nobody did before."""


class Sightings(Protocol):
    """Copies of articles, and what they are copies of."""

    async def copies(self, article_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the original of each article that is a known copy."""

    async def record_sightings(self, sightings: Sequence[Sighting]) -> None:
        """Remember copies; the first record of an article stands."""


class Articles(Protocol):
    """The archive."""

    async def save_articles(self, articles: Sequence[Article], now: datetime) -> None:
        """Store each article unless a newer revision is there; settle its outbox rows."""

    async def articles(self, which: ArticleFilter) -> Sequence[ArticleRow]:
        """Return articles, the latest change first."""

    async def article(self, article_id: str) -> ArticleRow | None:
        """Return one article."""

    async def articles_after(self, seq: int, limit: int) -> Sequence[ArticleRow]:
        """Return the changes after `seq`, in their order."""


class Alerts(Protocol):
    """Alerts and their deliveries."""

    async def raise_alerts(
        self, alerts: Sequence[tuple[Alert, Sequence[AlertChannel]]], now: datetime
    ) -> None:
        """Store alerts with a delivery for each channel, in one transaction; known ones stand."""

    async def alerts(self, before: int | None, limit: int) -> Sequence[AlertRow]:
        """Return alerts, the latest first; `before` is the `seq` of the last one shown."""

    async def alerts_of(self, article_ids: Sequence[str]) -> Sequence[AlertRow]:
        """Return the alerts of these articles, in the order in which they were raised."""

    async def streamed_after(self, seq: int, limit: int) -> Sequence[AlertRow]:
        """Return the alerts after `seq` that a rule sends to a `stream` channel, in order."""

    async def newest(self) -> tuple[int, int]:
        """Return the `seq` of the newest article and of the newest alert, 0 where there is none."""


class Deliveries(Protocol):
    """The queue of sendings."""

    async def lease_deliveries(
        self, now: datetime, owner: str, limit: int, lease: float, without: Sequence[str] = ()
    ) -> Sequence[Delivery]:
        """Lease deliveries that are due, the oldest first, but none to the channels `without`; a
        lapsed lease is due again."""

    async def record_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Record how attempts went, in one transaction; one whose lease has passed to a later
        attempt changes nothing."""

    async def undelivered(self, article_ids: Sequence[str]) -> int:
        """Return how many deliveries of these articles' alerts wait for their first attempt."""


class Leases(Protocol):
    """Who is at work on sources and deliveries."""

    async def lessees(self) -> Sequence[str]:
        """Return the owners of all leases."""

    async def release(self, owners: Sequence[str], now: datetime) -> None:
        """End the leases of these owners: what they had leased is due now."""


class Archive(Articles, Alerts, Sources, Protocol):
    """What the API and the pages read."""


class Store(Sources, Outbox, Claims, Sightings, Articles, Alerts, Deliveries, Leases, Protocol):
    """All of storage, as the process that is composed has it."""

    async def start(self) -> None:
        """Connect; raises Unavailable where the database is away."""

    async def migrate(self) -> None:
        """Bring the schema up to date; raises Unavailable."""

    async def ping(self) -> None:
        """Raises Unavailable where the database does not answer."""

    async def stop(self) -> None:
        """Disconnect. Never raises."""
