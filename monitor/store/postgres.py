"""PostgreSQL: a server that any number of processes share."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg
from sqlalchemy import Column, Connection, Table, any_, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from monitor.store.dialect import Dialect, Lock, Pools
from monitor.store.transactions import LoopTransactions
from monitor.store.wordindex import TSVECTOR, WordIndex

CONNECT_SECONDS = 5.0
GOODBYE_SECONDS = 0.4  # for each of ten connections, so that all fit into the time of a stop
STATEMENT_SECONDS = 30.0
LOCK_SECONDS = 5

_ADVISORY_LOCK = select(func.pg_advisory_xact_lock(0x4E4D, bindparam("lock")))
"""The first number is this service's own: advisory locks are shared by a whole database."""


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    """Does not wait for the goodbye of a server that is frozen: it is cut off instead."""

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
        with suppress(TimeoutError):
            await super().close(timeout=GOODBYE_SECONDS)


class Postgres(Dialect):
    """A server that any number of processes share."""

    def open(self, url: URL) -> Pools:
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
                "connection_class": _Connection,
                "server_settings": server,
            },
        )
        read = write.execution_options(isolation_level="AUTOCOMMIT")
        return Pools(LoopTransactions(write), LoopTransactions(read))

    def open_for_migration(self, url: URL) -> LoopTransactions:
        """A migration may take long, so no statement has a time limit."""
        server = {"application_name": "news-monitor migration"}
        engine = create_async_engine(
            url,
            poolclass=NullPool,
            connect_args={"timeout": CONNECT_SECONDS, "server_settings": server},
        )
        return LoopTransactions(engine)

    def prepare(self, connection: Connection) -> None:
        """Nothing to do."""

    def lock(self, connection: Connection, lock: Lock) -> None:
        """An advisory lock: released after the commit is visible to others, never before."""
        connection.execute(_ADVISORY_LOCK, {"lock": int(lock)})

    def begin_migration(self, connection: Connection) -> None:
        """Wait for a migration that runs elsewhere; but wait for a table's lock briefly only, for
        whoever comes later waits behind this one."""
        self.lock(connection, Lock.MIGRATE)
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))

    def insert(self, table: Table) -> Any:
        """Return PostgreSQL's INSERT."""
        return insert(table)

    def batch(self, *columns: Column[Any]) -> FromClause:
        """One array a column."""
        arrays = (bindparam(f"batch_{column.name}", type_=_array(column)) for column in columns)
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
        return column == any_(bindparam(name, type_=_array(column)))

    def listed(self, values: Sequence[Any]) -> Any:
        """Return one list."""
        return list(values)

    @property
    def word_index(self) -> WordIndex:
        """A tsvector."""
        return TSVECTOR


def _array(column: Column[Any]) -> ARRAY[Any]:
    return ARRAY(column.type, dimensions=1)  # a tuple in it is a value, not a row
