"""SQLite: one file, one writer at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Table,
    Text,
    bindparam,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.dialects.sqlite import dialect, insert
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool, StaticPool
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from monitor.errors import Rejected
from monitor.store.dialect import Dialect, Lock, Pools
from monitor.store.transactions import ThreadTransactions
from monitor.store.wordindex import FTS5, WordIndex

BUSY_SECONDS = 5.0
READERS = 4
_DIALECT = dialect()


class Sqlite(Dialect):
    """One file, or the memory of one store. Writers queue up in the process, so that they never
    spin on SQLite's lock against each other; readers of a file do not wait for them (WAL)."""

    def open(self, url: URL) -> Pools:
        """Create the file's folder; a database in memory has one connection for everything."""
        if _in_memory(url):
            only = ThreadTransactions(_writing(_engine(url, poolclass=StaticPool)), threads=1)
            return Pools(only, only)
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
        write = _writing(_engine(url, pool_size=1, max_overflow=0))
        read = _engine(url, pool_size=READERS, max_overflow=0)
        return Pools(ThreadTransactions(write, threads=1), ThreadTransactions(read, READERS))

    def open_for_migration(self, url: URL) -> ThreadTransactions:
        """Without foreign keys: to change a table is to rebuild it, which must not cascade."""
        engine = _engine(url, foreign_keys=False, poolclass=NullPool)
        return ThreadTransactions(_writing(engine), threads=1)

    def prepare(self, connection: Connection) -> None:
        """WAL is a property of the file; SQLite refuses the change inside a transaction."""
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")

    def lock(self, connection: Connection, lock: Lock) -> None:
        """Nothing to do: BEGIN IMMEDIATE holds the only lock there is."""

    def begin_migration(self, connection: Connection) -> None:
        """Nothing to do, as with `lock`."""

    def insert(self, table: Table) -> Any:
        """Return SQLite's INSERT."""
        return insert(table)

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
        stored = [_stored(column) for column in columns]
        if any(stored):
            rows = [
                [store(value) if store else value for store, value in zip(stored, row, strict=True)]
                for row in rows
            ]
        return {"batch": _json(rows)}

    def among(self, column: Column[Any], name: str) -> ColumnElement[bool]:
        """One JSON array."""
        each = func.json_each(bindparam(name, type_=Text)).table_valued("value")
        return column.in_(select(each.c.value))

    def listed(self, values: Sequence[Any]) -> Any:
        """Return one JSON text."""
        return _json(values)

    @property
    def word_index(self) -> WordIndex:
        """A table of FTS5."""
        return FTS5


@cache
def _stored(column: Column[Any]) -> Callable[[Any], Any] | None:
    """Return what makes the stored value of a column, None where it is the value itself."""
    return column.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)


def _in_memory(url: URL) -> bool:
    return not url.database or url.database == ":memory:"


def _engine(url: URL, *, foreign_keys: bool = True, **pool: Any) -> Engine:
    # With isolation_level None the driver begins nothing by itself: what BEGIN is, is ours.
    connect = {"isolation_level": None, "timeout": BUSY_SECONDS, "check_same_thread": False}
    engine = create_engine(url, connect_args=connect, **pool)

    def set_up(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    event.listen(engine, "connect", set_up)
    return engine


def _writing(engine: Engine) -> Engine:
    event.listen(engine, "begin", _begin_immediate)
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
