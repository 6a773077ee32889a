"""When each source is due, and who polls it: the SQL of `sources`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Executable,
    RowMapping,
    bindparam,
    case,
    delete,
    null,
    or_,
    select,
    true,
    update,
)

from monitor.model import Owner, Poll, Source, SourceState
from monitor.store.columns import UTC_TIME
from monitor.store.dialect import Dialect, Lock
from monitor.store.tables import SOURCE

_DECLARED = ("type", "location", "title", "interval", "enabled", "owner")


def declare(
    dialect: Dialect, sources: Sequence[Source], now: datetime, connection: Connection
) -> None:
    """Make the operator's sources these."""
    dialect.lock(connection, Lock.SOURCES)
    names = {"names": dialect.listed([source.name for source in sources])}
    connection.execute(_remove(dialect), names)
    if sources:
        connection.execute(_upsert(dialect), [_new_row(source, now) for source in sources])


def lease_due(
    dialect: Dialect, now: datetime, owner: str, limit: int, until: datetime, connection: Connection
) -> list[SourceState]:
    """Lease sources that are due, the one that waits longest first."""
    found = connection.execute(_DUE, {"now": now, "limit": limit}).mappings().all()
    return _take(dialect, found, owner, until, connection)


def lease_named(
    dialect: Dialect,
    names: Sequence[str],
    now: datetime,
    owner: str,
    until: datetime,
    connection: Connection,
) -> list[SourceState]:
    """Lease the named sources, or all enabled ones, that nobody else has leased."""
    statement = _named(dialect) if names else _ENABLED
    parameters = {"now": now, "lessee": owner, "names": dialect.listed(names)}
    found = connection.execute(statement, parameters).mappings().all()
    return _take(dialect, found, owner, until, connection)


def _take(
    dialect: Dialect,
    found: Sequence[RowMapping],
    owner: str,
    until: datetime,
    connection: Connection,
) -> list[SourceState]:
    if found:
        names = dialect.listed([row["name"] for row in found])
        connection.execute(_lease(dialect), {"names": names, "lessee": owner, "until": until})
    return [_state(row) for row in found]


def finish(connection: Connection, poll: Poll, owner: str) -> None:
    """Write down a poll's outcome and give the lease back, if it is still this owner's."""
    connection.execute(
        _FINISH,
        {
            "source": poll.source,
            "lessee": owner,
            "next_poll_at": poll.next_poll_at,
            "etag": poll.etag,
            "last_modified": poll.last_modified,
            "body_hash": poll.body_hash,
            "failures": poll.failures,
            "last_polled_at": poll.polled_at,
            "last_outcome": poll.outcome,
            "last_error": poll.error,
        },
    )


def every(connection: Connection) -> list[SourceState]:
    """Return all sources by name."""
    return [_state(row) for row in connection.execute(_ORDERED).mappings()]


def _new_row(source: Source, now: datetime) -> dict[str, Any]:
    return {
        "name": source.name,
        "type": source.type,
        "location": source.location,
        "title": source.title,
        "interval": source.interval,
        "enabled": source.enabled,
        "owner": source.owner.value,
        "next_poll_at": now,
        "etag": "",
        "last_modified": "",
        "body_hash": "",
        "failures": 0,
        "last_polled_at": None,
        "last_outcome": "",
        "last_error": "",
        "lease_owner": None,
        "lease_until": None,
    }


def _state(row: RowMapping) -> SourceState:
    source = Source(
        name=row["name"],
        type=row["type"],
        location=row["location"],
        title=row["title"],
        interval=row["interval"],
        enabled=row["enabled"],
        owner=Owner(row["owner"]),
    )
    return SourceState(
        source=source,
        next_poll_at=row["next_poll_at"],
        etag=row["etag"],
        last_modified=row["last_modified"],
        body_hash=row["body_hash"],
        failures=row["failures"],
        last_polled_at=row["last_polled_at"],
        last_outcome=row["last_outcome"],
        last_error=row["last_error"],
    )


@cache
def _upsert(dialect: Dialect) -> Executable:
    insert = dialect.insert(SOURCE)
    offered, row = insert.excluded, SOURCE.c
    moved = or_(row.type != offered.type, row.location != offered.location)
    afresh = {
        column.name: case((moved, offered[column.name]), else_=column)
        for column in row
        if column.name not in ("name", *_DECLARED)
    }
    declared = {name: offered[name] for name in _DECLARED}
    statement: Executable = insert.on_conflict_do_update(
        index_elements=["name"], set_={**declared, **afresh}
    )
    return statement


@cache
def _remove(dialect: Dialect) -> Executable:
    listed = dialect.among(SOURCE.c.name, "names")
    return delete(SOURCE).where(SOURCE.c.owner == Owner.CONFIG.value, ~listed)


@cache
def _lease(dialect: Dialect) -> Executable:
    return (
        update(SOURCE)
        .where(dialect.among(SOURCE.c.name, "names"))
        .values(lease_owner=bindparam("lessee"), lease_until=bindparam("until", type_=UTC_TIME))
    )


@cache
def _named(dialect: Dialect) -> Executable:
    named = dialect.among(SOURCE.c.name, "names")
    return _ORDERED.where(named, _MINE_OR_FREE).with_for_update(skip_locked=True)


_NOW = bindparam("now", type_=UTC_TIME)
_FREE = or_(SOURCE.c.lease_until.is_(null()), SOURCE.c.lease_until < _NOW)
_DUE = (
    select(SOURCE)
    .where(SOURCE.c.enabled.is_(true()), SOURCE.c.next_poll_at <= _NOW, _FREE)
    .order_by(SOURCE.c.next_poll_at, SOURCE.c.name)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_MINE_OR_FREE = or_(_FREE, SOURCE.c.lease_owner == bindparam("lessee"))
_ORDERED = select(SOURCE).order_by(SOURCE.c.name)
_ENABLED = _ORDERED.where(SOURCE.c.enabled.is_(true()), _MINE_OR_FREE).with_for_update(
    skip_locked=True
)
_FINISH = (
    update(SOURCE)
    .where(SOURCE.c.name == bindparam("source"), SOURCE.c.lease_owner == bindparam("lessee"))
    .values(
        next_poll_at=bindparam("next_poll_at"),
        etag=bindparam("etag"),
        last_modified=bindparam("last_modified"),
        body_hash=bindparam("body_hash"),
        failures=bindparam("failures"),
        last_polled_at=bindparam("last_polled_at"),
        last_outcome=bindparam("last_outcome"),
        last_error=bindparam("last_error"),
        lease_owner=null(),
        lease_until=null(),
    )
)
