"""Which database a URL means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from monitor.errors import ConfigError, Problem
from monitor.store.dialect import Dialect


# One each: prepared statements are kept by dialect. Imported when chosen, as in `monitor/app.py`.
@cache
def _sqlite() -> Dialect:
    from monitor.store.sqlite import Sqlite

    return Sqlite()


@cache
def _postgres() -> Dialect:
    from monitor.store.postgres import Postgres

    return Postgres()


_DIALECTS: Mapping[str, tuple[str, Callable[[], Dialect]]] = {
    "sqlite": ("sqlite", _sqlite),
    "postgresql": ("postgresql+asyncpg", _postgres),
}


def dialect_of(url: str) -> tuple[URL, Dialect]:
    """Return a database's parsed URL, with its driver, and its dialect; raises ConfigError."""
    try:
        parsed = make_url(url)
        driver, dialect = _DIALECTS[parsed.get_backend_name()]
    except (ArgumentError, KeyError) as error:
        known = " or ".join(f"{driver}://…" for driver, _ in _DIALECTS.values())
        raise ConfigError([Problem("database URL", f"must be {known}")]) from error
    return parsed.set(drivername=driver), dialect()
