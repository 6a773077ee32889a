"""Hosts as rows: held while what is asked of them is written, and kept right about what is due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Executable,
    Row,
    ScalarSelect,
    Table,
    bindparam,
    delete,
    exists,
    null,
    or_,
    select,
    update,
)

from monitor.model import Asked
from monitor.store.columns import UTC_TIME
from monitor.store.dialect import Dialect
from monitor.store.source_tables import HOST, PAGE, ROBOTS, SOURCE

_COUNTERS = ("requests", "conditional", "not_modified", "throttled", "failed", "size")
_counters = attrgetter(*_COUNTERS)
_LEASE = ("lease_owner", "lease_until", "turns")
_FIELDS = ("host", *_LEASE, "next_at", "throttled_by", "ready_at")
_fields = attrgetter(*_FIELDS)
_READ = tuple(HOST.c[name] for name in _FIELDS)
_LEASED = tuple(HOST.c[name] for name in ("host", *_LEASE))
_SETTLED = tuple(HOST.c[name] for name in (*_FIELDS, *_COUNTERS))


def source_turn(name: str) -> str:
    """Return the name of a turn for a source."""
    return f"source {name}"


def page_turn(article_id: str) -> str:
    """Return the name of a turn for an article's page."""
    return f"page {article_id}"


@dataclass(slots=True)
class HeldHost:
    """A host's row as it will be; `asked` is what is to be added to its counters."""

    host: str
    lease_owner: str | None = None
    lease_until: datetime | None = None
    turns: tuple[str, ...] = ()
    next_at: datetime | None = None
    throttled_by: str = ""
    ready_at: datetime | None = None
    asked: Sequence[int] = (0,) * len(_COUNTERS)


class HeldHosts:
    """Rows of hosts that this transaction has locked.

    Whoever writes when something of a host is due holds the host first and settles it last:
    the writers of one host then come one after the other, and each sees what those before it
    wrote. Rows are locked by name, so that two transactions do not wait for each other.
    """

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self._connection = connection
        self._dialect = dialect
        self._rows: dict[str, HeldHost] = {}
        self._answered: set[str] = set()
        self._leased: set[str] = set()

    def hold(self, hosts: Iterable[str]) -> None:
        """Lock these hosts' rows, making those that are missing."""
        wanted = set(hosts) - self._rows.keys()
        if not wanted:
            return
        self._read(wanted)
        missing = sorted(wanted - self._rows.keys())
        if missing:
            insert = self._dialect.insert(HOST).on_conflict_do_nothing()
            empty = dict.fromkeys(_COUNTERS, 0) | {"turns": (), "throttled_by": ""}
            self._connection.execute(insert, [{"host": host, **empty} for host in missing])
            self._read(missing)

    def pick(self, now: datetime, limit: int) -> Sequence[str]:
        """Lock hosts that are ready and free, the one that waits longest first."""
        found = self._connection.execute(_READY, {"now": now, "limit": limit})
        return self._take(found)

    def pick_named(self, hosts: Sequence[str], owner: str, now: datetime) -> Sequence[str]:
        """Lock these hosts where they are free, or leased to the owner already."""
        parameters = {"now": now, "lessee": owner, "hosts": self._dialect.listed(hosts)}
        return self._take(self._connection.execute(_free(self._dialect), parameters))

    def row(self, host: str) -> HeldHost:
        """Return the row of a host that is held."""
        return self._rows[host]

    def lease(
        self, host: str, turns: Iterable[str], owner: str, now: datetime, until: datetime
    ) -> None:
        """Lease a host for these turns, beside those that the owner has of it already."""
        row = self._rows[host]
        mine = row.lease_owner == owner and row.lease_until is not None and row.lease_until >= now
        before = row.turns if mine else ()
        row.turns = tuple(dict.fromkeys((*before, *turns)))
        row.lease_owner, row.lease_until = owner, until
        self._leased.add(host)

    def finish(
        self, host: str, turn: str, owner: str, next_at: datetime, throttled_by: str
    ) -> bool:
        """End a turn, and with the last one the lease; return whether the owner had it still."""
        row = self._rows[host]
        mine = row.lease_owner == owner
        if not mine or host in self._answered:
            row.next_at = max(row.next_at or next_at, next_at)
        else:
            row.next_at = next_at
            self._answered.add(host)
        if not mine:
            return False
        counted = turn in row.turns
        row.throttled_by = throttled_by
        self.forget(host, turn)
        if not row.turns:
            row.lease_owner = row.lease_until = None
        return counted

    def forget(self, host: str, turn: str) -> None:
        """Make a turn count no more. The host stays leased: it is being asked all the same."""
        row = self._rows[host]
        row.turns = tuple(other for other in row.turns if other != turn)

    def count(self, host: str, asked: Asked) -> None:
        """Add what was asked."""
        row = self._rows[host]
        row.asked = [sum(numbers) for numbers in zip(row.asked, _counters(asked), strict=True)]

    def write_leases(self) -> None:
        """Write the leases that were given, where nothing else of the hosts has changed."""
        if self._leased:
            held = [self._rows[host] for host in self._leased]
            rows = [(row.host, row.lease_owner, row.lease_until, row.turns) for row in held]
            self._connection.execute(_lease(self._dialect), self._dialect.rows(_LEASED, rows))

    def settle(self) -> None:
        """Write the rows that are not leased here, each with the time at which something of it
        is due."""
        settled = self._rows.keys() - self._leased
        if not settled:
            return
        parameters = {"hosts": self._dialect.listed(list(settled))}
        for host, *due in self._connection.execute(_due(self._dialect), parameters):
            row = self._rows[host]
            first = min((at for at in due if at is not None), default=None)
            row.ready_at = first and max(first, row.next_at or first)
        rows = [(*_fields(row), *row.asked) for row in map(self._rows.__getitem__, settled)]
        self._connection.execute(_settle(self._dialect), self._dialect.rows(_SETTLED, rows))

    def _read(self, hosts: Iterable[str]) -> None:
        parameters = {"hosts": self._dialect.listed(list(hosts))}
        self._take(self._connection.execute(_lock(self._dialect), parameters))

    def _take(self, found: Iterable[Row[Any]]) -> Sequence[str]:
        rows = [HeldHost(*row) for row in found]
        self._rows.update((row.host, row) for row in rows)
        return [row.host for row in rows]


def asked_of(row: Any) -> Asked:
    """Return the counters of a host's row."""
    return Asked(**{name: getattr(row, name) for name in _COUNTERS})


def prune(dialect: Dialect, now: datetime, connection: Connection) -> int:
    """Delete hosts that no source or page is of, once their pause is over; return how many."""
    gone = connection.execute(_UNUSED, {"now": now}).scalars().all()
    if gone:
        connection.execute(_robots(dialect), {"hosts": dialect.listed(gone)})
    return len(gone)


def first_due(table: Table, wanted: Column[Any]) -> ScalarSelect[Any]:
    """Return the subquery for what is due first of a host's rows in a table."""
    due = table.c.due_at
    of_host = select(wanted).where(table.c.host == HOST.c.host, due.is_not(null()))
    return of_host.order_by(due).limit(1).correlate(HOST).scalar_subquery()


@cache
def _lock(dialect: Dialect) -> Executable:
    named = dialect.among(HOST.c.host, "hosts")
    return select(*_READ).where(named).order_by(HOST.c.host).with_for_update()


@cache
def _free(dialect: Dialect) -> Executable:
    named = dialect.among(HOST.c.host, "hosts")
    mine = HOST.c.lease_owner == bindparam("lessee")
    ordered = select(*_READ).where(named, or_(_FREE, mine)).order_by(HOST.c.host)
    return ordered.with_for_update(skip_locked=True)


@cache
def _due(dialect: Dialect) -> Executable:
    source, page = first_due(SOURCE, SOURCE.c.due_at), first_due(PAGE, PAGE.c.due_at)
    return select(HOST.c.host, source, page).where(dialect.among(HOST.c.host, "hosts"))


@cache
def _robots(dialect: Dialect) -> Executable:
    return delete(ROBOTS).where(dialect.among(ROBOTS.c.host, "hosts"))


@cache
def _lease(dialect: Dialect) -> Executable:
    batch = dialect.batch(*_LEASED)
    values = {name: batch.c[name] for name in _LEASE}
    return update(HOST).where(HOST.c.host == batch.c.host).values(values)


@cache
def _settle(dialect: Dialect) -> Executable:
    batch = dialect.batch(*_SETTLED)
    values: dict[str, Any] = {name: batch.c[name] for name in _FIELDS[1:]}
    values |= {name: HOST.c[name] + batch.c[name] for name in _COUNTERS}
    return update(HOST).where(HOST.c.host == batch.c.host).values(values)


_NOW = bindparam("now", type_=UTC_TIME)
_FREE = or_(HOST.c.lease_until.is_(null()), HOST.c.lease_until < _NOW)
_READY = (
    select(*_READ)
    .where(HOST.c.ready_at <= _NOW, _FREE)
    .order_by(HOST.c.ready_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
# Should one come into use just now, whoever needs its row makes it again.
_UNUSED = (
    delete(HOST)
    .where(
        HOST.c.ready_at.is_(null()),
        _FREE,
        or_(HOST.c.next_at.is_(null()), HOST.c.next_at < _NOW),
        ~exists().where(SOURCE.c.host == HOST.c.host),
        ~exists().where(PAGE.c.host == HOST.c.host),
    )
    .returning(HOST.c.host)
)
