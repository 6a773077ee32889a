"""Changes of sources on their way to the broker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Executable, bindparam, delete, select

from monitor.events import dump, load
from monitor.model import SourceChange
from monitor.store.dialect import Dialect
from monitor.store.source_tables import SOURCE_CHANGE
from monitor.store.sql import Database


class SqlSourceChanges:
    """Changes as rows that are deleted once the broker has them."""

    _database: Database

    async def unsent_changes(self, limit: int) -> Sequence[tuple[int, SourceChange]]:
        """Return the oldest changes, each with its row. Raises Unavailable."""

        def work(connection: Connection) -> list[tuple[int, SourceChange]]:
            found = connection.execute(_OLDEST, {"limit": limit})
            return [(id_, load(SourceChange, payload)) for id_, payload in found]

        return await self._database.read(work)

    async def drop_changes(self, ids: Sequence[int]) -> None:
        """Forget changes that the broker has. Raises Unavailable."""
        if not ids:
            return
        dialect = self._database.dialect

        def work(connection: Connection) -> None:
            connection.execute(_drop(dialect), {"ids": dialect.listed(ids)})

        await self._database.write(work)


def insert_changes(connection: Connection, changes: Sequence[SourceChange], now: datetime) -> None:
    """Put changes on their way."""
    if changes:
        rows = [{"payload": dump(change), "created_at": now} for change in changes]
        connection.execute(SOURCE_CHANGE.insert(), rows)


@cache
def _drop(dialect: Dialect) -> Executable:
    return delete(SOURCE_CHANGE).where(dialect.among(SOURCE_CHANGE.c.id, "ids"))


_OLDEST = (
    select(SOURCE_CHANGE.c.id, SOURCE_CHANGE.c.payload)
    .order_by(SOURCE_CHANGE.c.id)
    .limit(bindparam("limit"))
)
