"""Which version a schema has. Asked without alembic, which takes longer to load than all the rest
of the store, and is needed once for each release."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

MIGRATIONS = Path(__file__).parent / "migrations"
_TABLE = "alembic_version"


def is_current(connection: Connection) -> bool:
    """Return whether a database has the schema of this program: neither an older, a newer nor
    none at all."""
    if not inspect(connection).has_table(_TABLE):
        return False
    found = connection.execute(text(f"SELECT version_num FROM {_TABLE}")).scalars().all()  # noqa: S608
    return list(found) == [newest()]


def newest() -> str:
    """Return the version that the last migration makes: their files' names begin with it."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("*.py"))
