"""Whose turn it is, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from monitor.model import Known, PageVisit, Poll, Turn
from monitor.store import hosts, items, leasing, pages, polls, visits
from monitor.store.sql import Database


class SqlTurns:
    """Hosts as rows that are leased for one turn, or for several of one process."""

    _database: Database

    async def lease_turns(
        self, now: datetime, owner: str, limit: int, lease: float
    ) -> Sequence[Turn]:
        """Lease up to `limit` hosts that may be asked and have something due, for `lease` seconds,
        each with the source or page that waits longest; nobody else gets them.

        Raises Unavailable.
        """
        until = now + timedelta(seconds=lease)
        work = partial(leasing.lease_ready, self._database.dialect, now, owner, limit, until)
        return await self._database.write(work)

    async def lease_sources(
        self, names: Sequence[str], now: datetime, owner: str, lease: float
    ) -> Sequence[Turn]:
        """Lease the hosts of these sources, or of all that are followed without names, due or not:
        a turn for each source, by name. Sources whose host somebody else has leased are left out;
        whether a host may be asked yet is the caller's to see to (`host_next_at`).

        Raises Unavailable.
        """
        until = now + timedelta(seconds=lease)
        work = partial(leasing.lease_named, self._database.dialect, names, now, owner, until)
        return await self._database.write(work)

    async def known(self, article_ids: Sequence[str]) -> Mapping[str, Known]:
        """Return what is remembered of each item; unknown ones are left out. Raises Unavailable."""
        if not article_ids:
            return {}
        work = partial(items.known_of, self._database.dialect, article_ids)
        return await self._database.read(work)

    async def record_polls(self, batch: Sequence[Poll], owner: str) -> Sequence[int]:
        """Record polls, their articles, pages and changes in one transaction, and end the turns;
        return how many articles of each were new rows, those that wait for their page included.

        A poll whose turn has passed to somebody else leaves the schedule alone. Raises
        Unavailable, or Rejected where the database refuses one of them: then none is recorded.
        """
        if not batch:
            return []
        now = self._database.clock.now()
        work = partial(polls.record, self._database.dialect, batch, owner, now)
        return await self._database.write(work)

    async def record_visits(self, batch: Sequence[PageVisit], owner: str) -> None:
        """Record how visits for pages went, put their articles into the outbox as the next
        revision, and end the turns, in one transaction. Raises Unavailable or Rejected."""
        if batch:
            now = self._database.clock.now()
            work = partial(visits.record, self._database.dialect, batch, owner, now)
            await self._database.write(work)

    async def release_pages(self, now: datetime) -> int:
        """Put articles into the outbox whose pages did not come in time; return how many.

        Raises Unavailable.
        """
        work = partial(pages.release_late, self._database.dialect, now)
        released = 0
        while number := await self._database.write(work):
            released += number
        return released

    async def prune_hosts(self, now: datetime) -> int:
        """Forget hosts of which nothing is followed and no page waits any more, and what was asked
        of them; return how many. Raises Unavailable."""
        return await self._database.write(partial(hosts.prune, self._database.dialect, now))
