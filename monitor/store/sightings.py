"""Copies of articles, and what they are copies of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from sqlalchemy import Connection, Executable, select

from monitor.model import Sighting
from monitor.store.dialect import Dialect
from monitor.store.sql import Database
from monitor.store.tables import SIGHTING


class SqlSightings:
    """Sightings as rows."""

    _database: Database

    async def copies(self, article_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the original of each article that is a known copy. Raises Unavailable."""
        if not article_ids:
            return {}
        dialect = self._database.dialect

        def work(connection: Connection) -> dict[str, str]:
            found = connection.execute(_originals(dialect), {"ids": dialect.listed(article_ids)})
            return {copy: original for copy, original in found}

        return await self._database.read(work)

    async def record_sightings(self, sightings: Sequence[Sighting]) -> None:
        """Remember copies; the first record of an article stands.

        Raises Unavailable or Rejected.
        """
        if not sightings:
            return
        dialect = self._database.dialect
        rows = [
            {
                "article_id": sighting.article_id,
                "original_id": sighting.original_id,
                "source": sighting.source,
                "url": sighting.url,
                "seen": sighting.seen,
            }
            for sighting in sorted(sightings, key=lambda sighting: sighting.article_id)
        ]

        def work(connection: Connection) -> None:
            connection.execute(_insert(dialect), rows)

        await self._database.write(work)


@cache
def _originals(dialect: Dialect) -> Executable:
    table = SIGHTING.c
    return select(table.article_id, table.original_id).where(dialect.among(table.article_id, "ids"))


@cache
def _insert(dialect: Dialect) -> Executable:
    statement: Executable = dialect.insert(SIGHTING).on_conflict_do_nothing()
    return statement
