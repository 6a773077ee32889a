"""The seams of storage that sources and their polls need."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from monitor.model import (
    Article,
    Document,
    Failure,
    HostReport,
    HubSubscription,
    Known,
    PageVisit,
    Poll,
    Push,
    Source,
    SourceChange,
    SourceState,
    Turn,
)


class Turns(Protocol):
    """Whose turn it is: hosts are visited one at a time, by whichever process has the turn."""

    async def lease_turns(
        self, now: datetime, owner: str, limit: int, lease: float
    ) -> Sequence[Turn]:
        """Lease up to `limit` hosts that may be asked and have something due, for `lease` seconds,
        each with the source or page that waits longest; nobody else gets them."""

    async def lease_sources(
        self, names: Sequence[str], now: datetime, owner: str, lease: float
    ) -> Sequence[Turn]:
        """Lease the hosts of these sources, or of all enabled ones without names, due or not: a
        turn for each source. Sources whose host somebody else has leased are left out."""

    async def known(self, article_ids: Sequence[str]) -> Mapping[str, Known]:
        """Return what is remembered of each item; unknown ones are left out."""

    async def record_polls(self, polls: Sequence[Poll], owner: str) -> Sequence[int]:
        """Record polls, their articles, pages and changes in one transaction, and end the turns;
        return how many articles of each were new rows.

        A poll whose turn has passed to somebody else leaves the schedule alone. Raises Rejected
        where the database refuses one of them."""

    async def record_visits(self, visits: Sequence[PageVisit], owner: str) -> None:
        """Record how visits for pages went, put their articles into the outbox as the next
        revision, and end the turns, in one transaction."""

    async def release_pages(self, now: datetime) -> int:
        """Put articles into the outbox whose pages did not come in time; return how many."""

    async def prune_hosts(self, now: datetime) -> int:
        """Forget hosts of which nothing is followed and no page waits; return how many."""


class Sources(Protocol):
    """What is followed."""

    async def declare(self, sources: Sequence[Source], now: datetime) -> None:
        """Make the operator's sources those of the file: new ones are due now, changed ones keep
        their schedule, missing ones are removed. One that a user made under a declared name
        becomes the operator's."""

    async def add_source(self, source: Source, now: datetime) -> None:
        """Add a user's source, due now; raises Rejected where the name or the location is taken."""

    async def add_sources(self, sources: Sequence[Source], now: datetime) -> Mapping[str, str]:
        """Add users' sources, due now, in one transaction; return why not those whose name or
        location is taken, by name."""

    async def change_source(self, source: Source, now: datetime) -> None:
        """Replace a user's source of the same name: a new type or location starts afresh. Raises
        Rejected where there is none, or where the operator declares it."""

    async def remove_source(self, name: str) -> None:
        """Remove a user's source; its articles stay. Raises Rejected as `change_source`."""

    async def poll_soon(self, name: str, now: datetime) -> None:
        """Make any source due now, whoever owns it; its host's pauses stay. Raises Rejected where
        there is none."""

    async def sources(
        self, after: str = "", limit: int | None = None, start: str = ""
    ) -> Sequence[SourceState]:
        """Return sources by name: those after a name and from another one on, and at most so
        many."""

    async def hubbed_sources(self) -> Sequence[SourceState]:
        """Return the sources whose documents name a WebSub hub, by name."""

    async def titles(
        self, names: Collection[str] | None = None, limit: int | None = None
    ) -> Mapping[str, str]:
        """Return what each source is called, by name, of these or of all of them, and of at most
        so many: reading nothing of how its polls went."""

    async def locations(self) -> Mapping[str, str]:
        """Return where each source is, by name: reading nothing else of 50,000 of them."""

    async def source(self, name: str) -> SourceState | None:
        """Return one source."""

    async def failing(self, limit: int) -> tuple[int, int]:
        """Return how many followed sources could not be read when they were last polled, and how
        many were looked at: the first `limit` by name."""

    async def awaiting_pages(self, names: Collection[str] | None = None) -> Mapping[str, int]:
        """Return how many articles wait for their full text before they go out, by source, of
        these sources or of all; those of which none waits are left out."""

    async def last_failure(self, name: str) -> Failure | None:
        """Return the last document of a source that could not be parsed, where it is kept."""

    async def hosts(self) -> Sequence[HostReport]:
        """Return what was asked of each host, by name."""

    async def record_articles(self, articles: Sequence[Article]) -> Sequence[str]:
        """Put articles into the outbox without a source's schedule (a replay); return the ids
        of those that were new rows."""


class Hubs(Protocol):
    """WebSub subscriptions, and what hubs push; processes of the API write, the scheduler reads."""

    async def hub_subscriptions(self) -> Sequence[HubSubscription]:
        """Return all subscriptions by source."""

    async def hub_subscription(self, token: str) -> HubSubscription | None:
        """Return the subscription of a callback's token."""

    async def hub_subscription_of(self, source: str) -> HubSubscription | None:
        """Return a source's subscription."""

    async def save_hub_subscription(self, subscription: HubSubscription) -> None:
        """Keep a source's subscription in place of the one before."""

    async def drop_hub_subscription(self, source: str) -> None:
        """Forget a source's subscription."""

    async def save_push(self, source: str, document: Document) -> None:
        """Keep a pushed document until it is parsed; raises Rejected where too many wait."""

    async def pushes(self, limit: int) -> Sequence[Push]:
        """Return the oldest pushes."""

    async def drop_pushes(self, ids: Sequence[int]) -> None:
        """Forget pushes that are done with."""


class SourceChanges(Protocol):
    """Changes of sources on their way to the broker."""

    async def unsent_changes(self, limit: int) -> Sequence[tuple[int, SourceChange]]:
        """Return the oldest changes, each with its row."""

    async def drop_changes(self, ids: Sequence[int]) -> None:
        """Forget changes that the broker has."""
