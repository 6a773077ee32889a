"""What differs between the databases: engines, locks, and how a batch is passed.

A batch goes over as one parameter per column, never as a VALUES list: the text of the statement
stays the same whatever the size, so that it is compiled and prepared once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import Column, Connection, Table, text
from sqlalchemy.engine import URL
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from monitor.store.transactions import Transactions
from monitor.store.wordindex import WordIndex

ALWAYS = text("true")
"""The condition of an INSERT … SELECT, without which SQLite takes its ON CONFLICT for a join's."""


class Lock(IntEnum):
    """What only one transaction may do at a time."""

    MIGRATE = 1
    SOURCES = 2
    ARTICLE_SEQ = 3
    ALERT_SEQ = 4
    PUSHES = 5
    TOPICS = 6


@dataclass(frozen=True, slots=True)
class Pools:
    """Where transactions run that write, and those that only read; both may be one."""

    write: Transactions
    read: Transactions


class Dialect(ABC):
    """One database product."""

    @abstractmethod
    def open(self, url: URL) -> Pools:
        """Return pools, without connecting. Must run in the event loop."""

    @abstractmethod
    def open_for_migration(self, url: URL) -> Transactions:
        """Return a pool for one long transaction that changes the schema."""

    @abstractmethod
    def prepare(self, connection: Connection) -> None:
        """Set what is kept in the database itself."""

    @abstractmethod
    def lock(self, connection: Connection, lock: Lock) -> None:
        """Wait until this transaction is the only one that holds the lock, until its end."""

    @abstractmethod
    def begin_migration(self, connection: Connection) -> None:
        """Wait until this transaction is the only one that changes the schema."""

    @abstractmethod
    def insert(self, table: Table) -> Any:
        """Return an INSERT that knows ON CONFLICT."""

    @abstractmethod
    def batch(self, *columns: Column[Any]) -> FromClause:
        """Return a table of the rows that `rows` passes as parameters."""

    @abstractmethod
    def rows(self, columns: Sequence[Column[Any]], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """Return the parameters for `batch`: no bytes, at least one row."""

    @abstractmethod
    def among(self, column: Column[Any], name: str) -> ColumnElement[bool]:
        """Return the condition that a column is in a list, which `listed` passes as `name`."""

    @abstractmethod
    def listed(self, values: Sequence[Any]) -> Any:
        """Return the parameter for `among`."""

    @property
    @abstractmethod
    def word_index(self) -> WordIndex:
        """How the index of the archive's words is written and asked."""
