"""What is followed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Column, Connection, Select, bindparam, func, select, text

from monitor.errors import Rejected
from monitor.model import Article, Failure, HostReport, Owner, Source, SourceState
from monitor.store import declared, failures
from monitor.store.hosts import asked_of
from monitor.store.items import insert_articles
from monitor.store.source_tables import HOST, HUBBED, PAGE, SOURCE, UNRELEASED
from monitor.store.sql import Database
from monitor.store.states import STATE, is_failing, state_of, title_of


class SqlSources:
    """Sources as rows: the schedule is a column, so a restart loses nothing."""

    _database: Database

    async def declare(self, sources: Sequence[Source], now: datetime) -> None:
        """Make the operator's sources those of the file: new ones are due now, changed ones keep
        their schedule, missing ones are removed (their articles stay, and go out where they wait
        for their pages). One that a user made under a declared name becomes the operator's.

        A source with a new type or location starts afresh: it is due now, without validators,
        and a poll that runs meanwhile no longer counts. One with a new interval is due by it.
        Raises Unavailable or Rejected.
        """
        await self._database.write(partial(declared.declare, self._database.dialect, sources, now))

    async def add_source(self, source: Source, now: datetime) -> None:
        """Add a user's source, due now. Raises Unavailable, or Rejected where the name or the
        location is taken."""
        for refusal in (await self.add_sources([source], now)).values():
            raise Rejected(refusal)

    async def add_sources(self, sources: Sequence[Source], now: datetime) -> Mapping[str, str]:
        """Add users' sources, due now, in one transaction; return why not those whose name or
        location is taken, by name. Raises Unavailable, or Rejected where the database refuses one:
        then none is added."""
        own = [replace(source, owner=Owner.USER) for source in sources]
        return await self._database.write(partial(declared.add, self._database.dialect, own, now))

    async def change_source(self, source: Source, now: datetime) -> None:
        """Replace a user's source of the same name: a new type or location starts afresh. Raises
        Unavailable, or Rejected where there is none, where the operator declares it, or where
        the location is another source's."""
        own = replace(source, owner=Owner.USER)
        await self._database.write(partial(declared.change, self._database.dialect, own, now))

    async def remove_source(self, name: str) -> None:
        """Remove a user's source; its articles stay, and those that wait for their pages go out.
        Raises Unavailable, or Rejected as `change_source`."""
        now = self._database.clock.now()
        await self._database.write(partial(declared.remove, self._database.dialect, name, now))

    async def poll_soon(self, name: str, now: datetime) -> None:
        """Make any source due now, whoever owns it; its host's pauses stay. Raises Unavailable,
        or Rejected where there is none."""
        await self._database.write(partial(declared.poll_soon, self._database.dialect, name, now))

    async def sources(
        self, after: str = "", limit: int | None = None, start: str = ""
    ) -> Sequence[SourceState]:
        """Return sources by name: those after a name and from another one on, and at most so
        many. Raises Unavailable."""
        bounds = (SOURCE.c.name > after, SOURCE.c.name >= start)
        return await self._states(_ORDERED.where(*bounds).limit(limit))

    async def hubbed_sources(self) -> Sequence[SourceState]:
        """Return the sources whose documents name a WebSub hub, by name. Raises Unavailable."""
        return await self._states(_ORDERED.where(text(HUBBED)))

    async def titles(
        self, names: Collection[str] | None = None, limit: int | None = None
    ) -> Mapping[str, str]:
        """Return what each source is called, by name, of these or of all of them, and of at most
        so many; one without a title is called by its name. Raises Unavailable."""
        wanted, given = self._of(names, _TITLES.limit(limit), SOURCE.c.name)

        def work(connection: Connection) -> dict[str, str]:
            return {
                name: title_of(definition) or name
                for name, definition in connection.execute(wanted, given)
            }

        return await self._database.read(work)

    async def locations(self) -> Mapping[str, str]:
        """Return where each source is, by name. Raises Unavailable."""

        def work(connection: Connection) -> dict[str, str]:
            return {name: location for name, location in connection.execute(_LOCATIONS)}

        return await self._database.read(work)

    async def source(self, name: str) -> SourceState | None:
        """Return one source. Raises Unavailable."""
        if "\0" in name:
            return None

        def work(connection: Connection) -> SourceState | None:
            row = connection.execute(select(*STATE).where(SOURCE.c.name == name)).one_or_none()
            return None if row is None else state_of(row)

        return await self._database.read(work)

    async def failing(self, limit: int) -> tuple[int, int]:
        """Return how many followed sources could not be read when they were last polled, and how
        many were looked at: the first `limit` by name. Raises Unavailable."""

        def work(connection: Connection) -> tuple[int, int]:
            memories = connection.execute(_FOLLOWED, {"limit": limit}).scalars().all()
            return sum(map(is_failing, memories)), len(memories)

        return await self._database.read(work)

    async def awaiting_pages(self, names: Collection[str] | None = None) -> Mapping[str, int]:
        """Return how many articles wait for their full text before they go out, by source, of
        these sources or of all; those of which none waits are left out. Raises Unavailable."""
        wanted, given = self._of(names, _AWAITING, PAGE.c.source)

        def work(connection: Connection) -> dict[str, int]:
            return {source: number for source, number in connection.execute(wanted, given)}

        return await self._database.read(work)

    async def last_failure(self, name: str) -> Failure | None:
        """Return the last document of a source that could not be parsed, where it is kept: those
        of the 200 sources that failed last, each up to 1 MB. Raises Unavailable."""
        return await self._database.read(partial(failures.of_source, name))

    async def hosts(self) -> Sequence[HostReport]:
        """Return what was asked of each host, by name. Raises Unavailable."""

        def work(connection: Connection) -> list[HostReport]:
            sources = {host: number for host, number in connection.execute(_COUNTS)}
            return [
                HostReport(
                    host=row.host,
                    sources=sources.get(row.host, 0),
                    asked=asked_of(row),
                    next_at=row.next_at,
                )
                for row in connection.execute(_HOSTS)
            ]

        return await self._database.read(work)

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

    async def _states(self, wanted: Select[Any]) -> Sequence[SourceState]:
        def work(connection: Connection) -> list[SourceState]:
            return [state_of(row) for row in connection.execute(wanted)]

        return await self._database.read(work)

    def _of(
        self, names: Collection[str] | None, statement: Select[Any], column: Column[Any]
    ) -> tuple[Select[Any], dict[str, Any]]:
        """Return a statement on the sources of these names, or on all, and its parameters."""
        if names is None:
            return statement, {}
        dialect = self._database.dialect
        given = {"names": dialect.listed(sorted(names))}
        return statement.where(dialect.among(column, "names")), given


_LOCATIONS = select(SOURCE.c.name, SOURCE.c.location)
_TITLES = select(SOURCE.c.name, SOURCE.c.definition).order_by(SOURCE.c.name)
_FOLLOWED = (
    select(SOURCE.c.memory)
    .where(SOURCE.c.due_at.is_not(None))
    .order_by(SOURCE.c.name)
    .limit(bindparam("limit"))
)
_AWAITING = select(PAGE.c.source, func.count()).where(text(UNRELEASED)).group_by(PAGE.c.source)
_ORDERED = select(*STATE).order_by(SOURCE.c.name)
_COUNTS = select(SOURCE.c.host, func.count()).group_by(SOURCE.c.host)
_HOSTS = select(HOST).order_by(HOST.c.host)
