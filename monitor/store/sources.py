"""The sources, their schedule, and what is known of their items."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from monitor.model import Article, Known, Poll, Source, SourceState
from monitor.store import schedule
from monitor.store.items import find_items, insert_articles
from monitor.store.sql import Database


class SqlSources:
    """Sources as rows: the schedule is a column, so a restart loses nothing."""

    _database: Database

    async def declare(self, sources: Sequence[Source], now: datetime) -> None:
        """Make the operator's sources those of the file: new ones are due now, changed ones keep
        their schedule, missing ones are removed (their articles stay).

        A source with a new type or location starts afresh: it is due now, without validators,
        and a poll that runs meanwhile no longer counts. Raises Unavailable or Rejected.
        """
        work = partial(schedule.declare, self._database.dialect, sources, now)
        await self._database.write(work)

    async def lease_due(
        self, now: datetime, owner: str, limit: int, lease: float
    ) -> Sequence[SourceState]:
        """Lease up to `limit` sources that are due, for `lease` seconds; nobody else gets them.

        Raises Unavailable.
        """
        until = now + timedelta(seconds=lease)
        work = partial(schedule.lease_due, self._database.dialect, now, owner, limit, until)
        return await self._database.write(work)

    async def known(self, article_ids: Sequence[str]) -> Mapping[str, Known]:
        """Return what is remembered of each item; unknown ones are left out. Raises Unavailable."""
        if not article_ids:
            return {}
        dialect = self._database.dialect

        def work(connection: Connection) -> dict[str, Known]:
            texts: dict[str, dict[int, str]] = defaultdict(dict)
            for article_id, revision, content_hash in find_items(connection, dialect, article_ids):
                texts[article_id][revision] = content_hash
            return {article_id: _known(hashes) for article_id, hashes in texts.items()}

        return await self._database.read(work)

    async def record_poll(self, poll: Poll, owner: str) -> int:
        """Record a poll and its articles in one transaction; return how many were new rows.

        A poll whose lease has passed to somebody else leaves the schedule alone.
        Raises Unavailable or Rejected.
        """
        dialect = self._database.dialect

        def work(connection: Connection) -> int:
            new = insert_articles(connection, dialect, poll.articles, poll.polled_at)
            schedule.finish(connection, poll, owner)
            return len(new)

        return await self._database.write(work)

    async def record_articles(self, articles: Sequence[Article]) -> Sequence[str]:
        """Put articles into the outbox without a source's schedule (a replay); return the ids
        of those that were new rows. Raises Unavailable or Rejected."""
        if not articles:
            return []
        dialect, now = self._database.dialect, self._database.clock.now()

        def work(connection: Connection) -> list[str]:
            new = insert_articles(connection, dialect, articles, now)
            return list(dict.fromkeys(article.id for article in new))

        return await self._database.write(work)

    async def sources(self) -> Sequence[SourceState]:
        """Return all sources by name. Raises Unavailable."""
        return await self._database.read(schedule.every)

    async def lease_named(
        self, names: Sequence[str], now: datetime, owner: str, lease: float
    ) -> Sequence[SourceState]:
        """Lease these sources, or all enabled ones without names, due or not, for `lease` seconds;
        those that somebody else has leased are left out. Raises Unavailable."""
        until = now + timedelta(seconds=lease)
        work = partial(schedule.lease_named, self._database.dialect, names, now, owner, until)
        return await self._database.write(work)


def _known(hashes: Mapping[int, str]) -> Known:
    newest = max(hashes)
    return Known(revision=newest, content_hash=hashes[newest], hashes=frozenset(hashes.values()))
