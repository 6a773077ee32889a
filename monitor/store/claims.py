"""Who owns what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial

from sqlalchemy import Connection, Executable, bindparam, select

from monitor.store.columns import UTC_TIME
from monitor.store.dialect import ALWAYS, Dialect
from monitor.store.sql import Database
from monitor.store.tables import CLAIM

_COLUMNS = (CLAIM.c.key, CLAIM.c.owner)


class SqlClaims:
    """Claims as rows under a unique key."""

    _database: Database

    async def claim(self, keys: Mapping[str, str]) -> Mapping[str, str]:
        """Return who owns each key; the given owner where nobody did before.

        Raises Unavailable or Rejected.
        """
        if not keys:
            return {}
        database = self._database
        now = database.clock.now()
        return await database.write(partial(_claim, database.dialect, keys, now))


def _claim(
    dialect: Dialect, keys: Mapping[str, str], now: datetime, connection: Connection
) -> dict[str, str]:
    # In the order of the keys: two that claim the same ones at once then wait for each other,
    # and never each for the other.
    rows = sorted(keys.items())
    connection.execute(_insert(dialect), {**dialect.rows(_COLUMNS, rows), "now": now})
    listed = dialect.listed([key for key, _ in rows])
    return {
        key: owner for key, owner in connection.execute(_owners(dialect), {"keys": listed}).all()
    }


@cache
def _insert(dialect: Dialect) -> Executable:
    batch = dialect.batch(*_COLUMNS)
    rows = select(batch.c.key, batch.c.owner, bindparam("now", type_=UTC_TIME)).where(ALWAYS)
    insert = dialect.insert(CLAIM).from_select(["key", "owner", "created_at"], rows)
    statement: Executable = insert.on_conflict_do_nothing()
    return statement


@cache
def _owners(dialect: Dialect) -> Executable:
    return select(CLAIM.c.key, CLAIM.c.owner).where(dialect.among(CLAIM.c.key, "keys"))
