"""All that differs between SQLite and PostgreSQL: engines, locks, and how a batch is passed.

A batch goes over as one parameter per column, never as a VALUES list: the text of the statement
stays the same whatever the size, so that it is compiled and prepared once.
"""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Table, Text, any_, bindparam, event, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool, StaticPool
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from monitor.errors import ConfigError, Problem, Rejected

CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 30.0
BUSY_SECONDS = 5.0
READERS = 4

ALWAYS = text("true")
"""The condition of an INSERT … SELECT, without which SQLite takes its ON CONFLICT for a join's."""


class Lock(IntEnum):
    """What only one transaction may do at a time."""

    MIGRATE = 1
    SOURCES = 2
    ARTICLE_SEQ = 3
    ALERT_SEQ = 4


@dataclass(frozen=True, slots=True)
class Engines:
    """How to get a connection, and what to hold meanwhile."""

    write: AsyncEngine
    read: AsyncEngine
    write_gate: AbstractAsyncContextManager[object] = field(default_factory=nullcontext)
    read_gate: AbstractAsyncContextManager[object] = field(default_factory=nullcontext)


class Dialect(ABC):
    """One database product."""

    @abstractmethod
    def open(self, url: URL) -> Engines:
        """Return engines, without connecting. Must run in the event loop."""

    @abstractmethod
    def open_for_migration(self, url: URL) -> AsyncEngine:
        """Return an engine for one long transaction that changes the schema."""

    @abstractmethod
    def prepare(self, connection: Connection) -> None:
        """Set what is kept in the database itself."""

    @abstractmethod
    def lock(self, connection: Connection, lock: Lock) -> None:
        """Wait until this transaction is the only one that holds the lock, until its end."""

    @abstractmethod
    def insert(self, table: Table) -> Any:
        """Return an INSERT that knows ON CONFLICT."""

    @abstractmethod
    def batch(self, *columns: Column[Any]) -> FromClause:
        """Return a table of the rows that `rows` passes as parameters."""

    @abstractmethod
    def rows(self, columns: Sequence[Column[Any]], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """Return the parameters for `batch`: text and integers only, at least one row."""

    @abstractmethod
    def among(self, column: Column[Any], name: str) -> ColumnElement[bool]:
        """Return the condition that a column is in a list, which `listed` passes as `name`."""

    @abstractmethod
    def listed(self, values: Sequence[Any]) -> Any:
        """Return the parameter for `among`."""

    @abstractmethod
    def contains(self, column: Column[Any], wanted: str) -> ColumnElement[bool]:
        """Return the condition that a column contains a text, whatever its case."""


class Sqlite(Dialect):
    """One file, or the memory of one store. Writers queue up in the process, so that they never
    spin on SQLite's lock against each other; readers of a file do not wait for them (WAL)."""

    def open(self, url: URL) -> Engines:
        """Create the file's folder; a database in memory has one connection for everything."""
        if _in_memory(url):
            engine = _sqlite_engine(url, poolclass=StaticPool)
            event.listen(engine.sync_engine, "begin", _begin_immediate)
            gate = asyncio.Lock()
            return Engines(engine, engine, gate, gate)
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
        write = _sqlite_engine(url, pool_size=1, max_overflow=0)
        event.listen(write.sync_engine, "begin", _begin_immediate)
        read = _sqlite_engine(url, pool_size=READERS, max_overflow=0)
        return Engines(write, read, write_gate=asyncio.Lock())

    def open_for_migration(self, url: URL) -> AsyncEngine:
        """Without foreign keys: to change a table is to rebuild it, which must not cascade."""
        engine = _sqlite_engine(url, foreign_keys=False, poolclass=NullPool)
        event.listen(engine.sync_engine, "begin", _begin_immediate)
        return engine

    def prepare(self, connection: Connection) -> None:
        """WAL is a property of the file; SQLite refuses the change inside a transaction."""
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")

    def lock(self, connection: Connection, lock: Lock) -> None:
        """Nothing to do: BEGIN IMMEDIATE holds the only lock there is."""

    def insert(self, table: Table) -> Any:
        """Return SQLite's INSERT."""
        return sqlite.insert(table)

    def batch(self, *columns: Column[Any]) -> FromClause:
        """One JSON array of arrays."""
        each = func.json_each(bindparam("batch", type_=Text)).table_valued("value", name="row")
        fields = (
            func.json_extract(each.c.value, text(f"'$[{place}]'"), type_=column.type).label(
                column.name
            )
            for place, column in enumerate(columns)
        )
        return select(*fields).subquery("batch")

    def rows(self, columns: Sequence[Column[Any]], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """Return one JSON text."""
        return {"batch": _json(rows)}

    def among(self, column: Column[Any], name: str) -> ColumnElement[bool]:
        """One JSON array."""
        each = func.json_each(bindparam(name, type_=Text)).table_valued("value")
        return column.in_(select(each.c.value))

    def listed(self, values: Sequence[Any]) -> Any:
        """Return one JSON text."""
        return _json(values)

    def contains(self, column: Column[Any], wanted: str) -> ColumnElement[bool]:
        """SQLite's LIKE folds the case of ASCII letters only."""
        return column.like(_pattern(wanted), escape="\\")


class Postgres(Dialect):
    """A server that any number of processes share."""

    def open(self, url: URL) -> Engines:
        """Reads need no transaction: they are one statement, or may see changes in between."""
        server = {
            "application_name": "news-monitor",
            # A plan that was made while a table was small would scan it for ever. Every query
            # here has an index; what has none is scanned all the same.
            "enable_seqscan": "off",
            "jit": "off",
            "statement_timeout": str(int(STATEMENT_SECONDS * 1000)),
            # A process that stands still in a transaction must not hold its locks for ever.
            "idle_in_transaction_session_timeout": str(int(STATEMENT_SECONDS * 1000)),
        }
        write = create_async_engine(
            url,
            pool_size=10,
            max_overflow=0,
            pool_use_lifo=True,  # the fewer connections, the fewer statements are prepared
            pool_timeout=STATEMENT_SECONDS,
            pool_pre_ping=True,
            connect_args={
                "timeout": CONNECT_SECONDS,
                # A server that is cut off without a word answers no statement_timeout either.
                "command_timeout": STATEMENT_SECONDS + CONNECT_SECONDS,
                "server_settings": server,
            },
        )
        return Engines(write, write.execution_options(isolation_level="AUTOCOMMIT"))

    def open_for_migration(self, url: URL) -> AsyncEngine:
        """A migration may take long, but must not make everybody wait behind its locks."""
        server = {"application_name": "news-monitor migration", "lock_timeout": "0"}
        return create_async_engine(
            url,
            poolclass=NullPool,
            connect_args={"timeout": CONNECT_SECONDS, "server_settings": server},
        )

    def prepare(self, connection: Connection) -> None:
        """Nothing to do."""

    def lock(self, connection: Connection, lock: Lock) -> None:
        """An advisory lock: released after the commit is visible to others, never before."""
        connection.execute(_ADVISORY_LOCK, {"lock": int(lock)})

    def insert(self, table: Table) -> Any:
        """Return PostgreSQL's INSERT."""
        return postgresql.insert(table)

    def batch(self, *columns: Column[Any]) -> FromClause:
        """One array a column."""
        arrays = (
            bindparam(f"batch_{column.name}", type_=postgresql.ARRAY(column.type))
            for column in columns
        )
        named = (Column(column.name, column.type) for column in columns)
        return (
            func.unnest(*arrays)
            .table_valued(
                *named,
            )
            .render_derived(name="batch")
        )

    def rows(self, columns: Sequence[Column[Any]], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """Return one list a column."""
        values = zip(*rows, strict=True)
        return {
            f"batch_{column.name}": list(value)
            for column, value in zip(columns, values, strict=True)
        }

    def among(self, column: Column[Any], name: str) -> ColumnElement[bool]:
        """One array."""
        return column == any_(bindparam(name, type_=postgresql.ARRAY(column.type)))

    def listed(self, values: Sequence[Any]) -> Any:
        """Return one list."""
        return list(values)

    def contains(self, column: Column[Any], wanted: str) -> ColumnElement[bool]:
        """PostgreSQL folds the case of all letters."""
        return column.ilike(_pattern(wanted), escape="\\")


_ADVISORY_LOCK = select(func.pg_advisory_xact_lock(0x4E4D, bindparam("lock")))
"""The first number is this service's own: advisory locks are shared by a whole database."""

_DIALECTS: dict[str, tuple[str, Dialect]] = {
    "sqlite": ("sqlite+aiosqlite", Sqlite()),
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


def _in_memory(url: URL) -> bool:
    return not url.database or url.database == ":memory:"


def _sqlite_engine(url: URL, *, foreign_keys: bool = True, **pool: Any) -> AsyncEngine:
    # With isolation_level None the driver begins nothing by itself: what BEGIN is, is ours.
    connect = {"isolation_level": None, "timeout": BUSY_SECONDS}
    engine = create_async_engine(url, connect_args=connect, **pool)

    def set_up(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    event.listen(engine.sync_engine, "connect", set_up)
    return engine


_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""JSON's escape of NUL: without the pairs of backslashes before it, which stand for themselves."""


def _json(values: Sequence[Any]) -> str:
    encoded = msgspec.json.encode(values).decode()
    if "u0000" in encoded and _NUL.search(encoded):
        # SQLite would cut the text off there, and two different keys would be one.
        raise Rejected("the database does not take text that holds a NUL character")
    return encoded


def _begin_immediate(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail at once where another wrote
    # in between, whatever the busy timeout.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _pattern(wanted: str) -> str:
    escaped = wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
