"""How sources come, change and go: the SQL of `sources`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, delete, or_, select, true, update

from monitor.errors import Rejected
from monitor.model import Memory, Owner, Source
from monitor.store.columns import UTC_TIME
from monitor.store.dialect import Dialect, Lock
from monitor.store.hosts import HeldHosts, source_turn
from monitor.store.pages import release_of_sources
from monitor.store.source_tables import FAILURE, HUB, PUSH, SOURCE
from monitor.store.states import (
    AFRESH,
    STATE,
    host_of,
    is_followed,
    memory_of,
    pack,
    unpack_source,
)

SOON = timedelta(minutes=15)
"""When a source whose pace is not known yet is due, after its schedule has become adaptive."""


def declare(
    dialect: Dialect, sources: Sequence[Source], now: datetime, connection: Connection
) -> None:
    """Make the operator's sources these; write only what is another than it was."""
    dialect.lock(connection, Lock.SOURCES)
    stored = {row.name: row for row in connection.execute(_DEFINITIONS)}
    declared = {source.name: source for source in sources}
    gone = [
        name
        for name, row in stored.items()
        if row.owner == Owner.CONFIG.value and name not in declared
    ]
    changed = [
        source
        for name, source in declared.items()
        if name not in stored or _is_other(source, stored[name].definition)
    ]
    held = HeldHosts(connection, dialect)
    held.hold(
        [
            *(stored[name].host for name in gone),
            *(stored[source.name].host for source in changed if source.name in stored),
            *(host_of(source, _NEW) for source in changed),
        ]
    )
    _remove(connection, dialect, held, gone, now)
    _write(connection, dialect, held, changed, now)
    held.settle()


def add(
    dialect: Dialect, sources: Sequence[Source], now: datetime, connection: Connection
) -> dict[str, str]:
    """Add sources whose name and location are free; return why not the others, by name."""
    dialect.lock(connection, Lock.SOURCES)
    parameters = {
        "names": dialect.listed([source.name for source in sources]),
        "locations": dialect.listed([source.location for source in sources]),
    }
    found = connection.execute(_taken(dialect), parameters).all()
    names = {row.name for row in found}
    located = {row.location: row.name for row in found}
    refused: dict[str, str] = {}
    new: list[Source] = []
    for source in sources:
        if source.name in names:
            refused[source.name] = f"there is a source '{source.name}' already"
        elif source.location in located:
            refused[source.name] = _followed(source, located[source.location])
        else:
            names.add(source.name)
            located[source.location] = source.name
            new.append(source)
    held = HeldHosts(connection, dialect)
    _write(connection, dialect, held, new, now)
    held.settle()
    return refused


def change(dialect: Dialect, source: Source, now: datetime, connection: Connection) -> None:
    """Replace a user's source."""
    dialect.lock(connection, Lock.SOURCES)
    host = _own(connection, source.name).host
    _check_location(connection, source)
    held = HeldHosts(connection, dialect)
    held.hold([host, host_of(source, _NEW)])
    _write(connection, dialect, held, [source], now)
    held.settle()


def remove(dialect: Dialect, name: str, now: datetime, connection: Connection) -> None:
    """Remove a user's source."""
    dialect.lock(connection, Lock.SOURCES)
    host = _own(connection, name).host
    held = HeldHosts(connection, dialect)
    held.hold([host])
    _remove(connection, dialect, held, [name], now)
    held.settle()


def poll_soon(dialect: Dialect, name: str, now: datetime, connection: Connection) -> None:
    """Make a source due now, unless it is paused."""
    row = connection.execute(_DEFINITIONS.where(SOURCE.c.name == name)).first()
    if row is None:
        raise Rejected(f"there is no source '{name}'")
    held = HeldHosts(connection, dialect)
    held.hold([row.host])
    connection.execute(_SOON, {"named": name, "now": now})
    held.settle()


def _own(connection: Connection, name: str) -> Any:
    row = connection.execute(_DEFINITIONS.where(SOURCE.c.name == name)).first()
    if row is None:
        raise Rejected(f"there is no source '{name}'")
    if row.owner != Owner.USER.value:
        raise Rejected(f"source '{name}' is declared in the operator's file, change it there")
    return row


def _check_location(connection: Connection, source: Source) -> None:
    located = select(SOURCE.c.name).where(SOURCE.c.location == source.location)
    other = connection.execute(located.where(SOURCE.c.name != source.name)).scalars().first()
    if other is not None:
        raise Rejected(_followed(source, other))


def _followed(source: Source, other: str) -> str:
    return f"{source.location} is followed already, as source '{other}'"


def _is_other(source: Source, definition: bytes) -> bool:
    # What an older release has written may mean the same in other bytes.
    return pack(source) != definition and unpack_source(definition) != source


def _remove(
    connection: Connection,
    dialect: Dialect,
    held: HeldHosts,
    names: Sequence[str],
    now: datetime,
) -> None:
    if not names:
        return
    before = _read(connection, dialect, names)
    held.hold(row.host for row in before.values())
    for name, row in before.items():
        held.forget(row.host, source_turn(name))
    release_of_sources(connection, dialect, names, now)
    _forget(connection, dialect, names)
    connection.execute(_delete(dialect), {"names": dialect.listed(names)})


def _write(
    connection: Connection,
    dialect: Dialect,
    held: HeldHosts,
    sources: Sequence[Source],
    now: datetime,
) -> None:
    """Write new and changed sources. What polls left behind is read again, now that no poll of
    these hosts can be recorded meanwhile."""
    if not sources:
        return
    before = _read(connection, dialect, [source.name for source in sources])
    moved = [s.name for s in sources if s.name in before and _is_moved(s, before[s.name])]
    for name in moved:
        held.forget(before[name].host, source_turn(name))
    if moved:
        _forget(connection, dialect, moved)
    fresh = set(moved)
    rows = [
        _row(source, None if source.name in fresh else before.get(source.name), now)
        for source in sorted(sources, key=lambda source: source.name)
    ]
    held.hold([*(row["host"] for row in rows), *(row.host for row in before.values())])
    connection.execute(_upsert(dialect), rows)


def _read(connection: Connection, dialect: Dialect, names: Sequence[str]) -> Mapping[str, Any]:
    found = connection.execute(_of_names(dialect), {"names": dialect.listed(names)})
    return {row.name: row for row in found}


def _is_moved(source: Source, row: Any) -> bool:
    before = unpack_source(row.definition)
    return (before.type, before.location) != (source.type, source.location)


def _row(source: Source, before: Any | None, now: datetime) -> dict[str, Any]:
    """Return the row of a source: afresh, or with the memory that it has."""
    memory, packed, next_poll_at = _NEW, AFRESH, now
    if before is not None:
        memory, packed = memory_of(source.name, before.memory), before.memory
        next_poll_at = min(before.next_poll_at, _due(source, before, memory, now))
    return {
        "name": source.name,
        "host": host_of(source, memory),
        "type": source.type,
        "location": source.location,
        "address": memory.chosen_location or source.location,
        "owner": source.owner.value,
        "enabled": source.enabled,
        "next_poll_at": next_poll_at,
        "due_at": next_poll_at if is_followed(source, memory) else None,
        "definition": pack(source),
        "memory": packed,
        "has_hub": bool(memory.hints.hub),
    }


def _due(source: Source, row: Any, memory: Memory, now: datetime) -> datetime:
    """Return when a source is due at the latest, after its schedule was changed.

    One with a cron is due now: when its first time is, the poll finds out.
    """
    before = unpack_source(row.definition)
    due: datetime = row.next_poll_at
    if (before.interval, before.cron) == (source.interval, source.cron):
        return due
    if source.cron:
        return now
    seconds = source.interval or memory.pace
    return now + (timedelta(seconds=seconds) if seconds else SOON)


def _forget(connection: Connection, dialect: Dialect, names: Iterable[str]) -> None:
    """Forget what belongs to the addresses that sources had."""
    parameters = {"names": dialect.listed(list(names))}
    for table in (FAILURE, HUB, PUSH):
        of_sources = dialect.among(table.c.source, "names")
        connection.execute(delete(table).where(of_sources), parameters)


@cache
def _taken(dialect: Dialect) -> Executable:
    named = dialect.among(SOURCE.c.name, "names")
    located = dialect.among(SOURCE.c.location, "locations")
    return select(SOURCE.c.name, SOURCE.c.location).where(or_(named, located))


@cache
def _of_names(dialect: Dialect) -> Executable:
    return select(*STATE).where(dialect.among(SOURCE.c.name, "names"))


@cache
def _delete(dialect: Dialect) -> Executable:
    return delete(SOURCE).where(dialect.among(SOURCE.c.name, "names"))


@cache
def _upsert(dialect: Dialect) -> Executable:
    insert: Any = dialect.insert(SOURCE)
    statement: Executable = insert.on_conflict_do_update(
        index_elements=["name"],
        set_={column.name: insert.excluded[column.name] for column in SOURCE.c},
    )
    return statement


_NEW = Memory()
_DEFINITIONS = select(SOURCE.c.name, SOURCE.c.owner, SOURCE.c.host, SOURCE.c.definition)
_SOON = (
    update(SOURCE)
    .where(SOURCE.c.name == bindparam("named"), SOURCE.c.enabled.is_(true()))
    .values(next_poll_at=bindparam("now", type_=UTC_TIME), due_at=bindparam("now", type_=UTC_TIME))
)
