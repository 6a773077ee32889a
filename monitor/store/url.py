"""Which database a URL means."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from monitor.errors import ConfigError, Problem
from monitor.store.dialect import Dialect
from monitor.store.postgres import Postgres
from monitor.store.sqlite import Sqlite

_DIALECTS: dict[str, tuple[str, Dialect]] = {
    "sqlite": ("sqlite", Sqlite()),
    "postgresql": ("postgresql+asyncpg", Postgres()),
}


def dialect_of(url: str) -> tuple[URL, Dialect]:
    """Return a database's parsed URL, with its driver, and its dialect; raises ConfigError."""
    try:
        parsed = make_url(url)
        driver, dialect = _DIALECTS[parsed.get_backend_name()]
    except (ArgumentError, KeyError) as error:
        known = " or ".join(f"{driver}://…" for driver, _ in _DIALECTS.values())
        raise ConfigError([Problem("database URL", f"must be {known}")]) from error
    return parsed.set(drivername=driver), dialect


def file_of(url: str) -> Path | None:
    """Return the file of an embedded database, None of a server or of one in memory."""
    parsed, dialect = dialect_of(url)
    if not isinstance(dialect, Sqlite) or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database))
