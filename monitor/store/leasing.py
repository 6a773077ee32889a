"""How turns are leased."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, null, select

from monitor.model import PendingPage, Robots, SourceState, Turn
from monitor.store import robots
from monitor.store.dialect import Dialect
from monitor.store.hosts import HeldHost, HeldHosts, first_due, page_turn, source_turn
from monitor.store.pages import find_pages
from monitor.store.source_tables import HOST, PAGE, SOURCE
from monitor.store.states import STATE, state_of


def lease_ready(
    dialect: Dialect, now: datetime, owner: str, limit: int, until: datetime, connection: Connection
) -> list[Turn]:
    """Lease hosts that are ready, each for what waits longest."""
    held = HeldHosts(connection, dialect)
    hosts = held.pick(now, limit)
    if not hosts:
        return []
    first = connection.execute(_first(dialect), {"hosts": dialect.listed(hosts)}).all()
    states = _states(connection, dialect, [row.source for row in first if row.source is not None])
    pages = find_pages(connection, dialect, [row.page for row in first if row.page is not None])
    texts = robots.of_hosts(connection, dialect, hosts)
    turns: dict[str, Turn] = {}
    for row in first:
        turn = _turn(held.row(row.host), states.get(row.source), pages.get(row.page), texts, now)
        if turn is not None:
            turns[row.host] = turn
            held.lease(row.host, [_name(turn)], owner, now, until)
    held.write_leases()
    held.settle()
    return [turns[host] for host in hosts if host in turns]


def lease_named(
    dialect: Dialect,
    names: Sequence[str],
    now: datetime,
    owner: str,
    until: datetime,
    connection: Connection,
) -> list[Turn]:
    """Lease the hosts of these sources, or of all that are followed."""
    statement = _named(dialect) if names else _FOLLOWED
    parameters = {"names": dialect.listed(names)} if names else {}
    found = connection.execute(statement, parameters).all()
    wanted: dict[str, list[str]] = defaultdict(list)
    for row in found:
        wanted[row.host].append(row.name)
    held = HeldHosts(connection, dialect)
    hosts = held.pick_named(list(wanted), owner, now)
    texts = robots.of_hosts(connection, dialect, hosts)
    states = _states(connection, dialect, [name for host in hosts for name in wanted[host]])
    for host in hosts:
        turns = [source_turn(name) for name in wanted[host] if name in states]
        held.lease(host, turns, owner, now, until)
    held.write_leases()
    held.settle()
    return [
        _of_host(held.row(host), texts, state=states[name])
        for name, host in sorted((row.name, row.host) for row in found)
        if name in states
    ]


def _turn(
    held: HeldHost,
    state: SourceState | None,
    page: PendingPage | None,
    texts: Mapping[str, Mapping[str, Robots]],
    now: datetime,
) -> Turn | None:
    """Return the turn for the source or the page, None where neither is due."""
    if state is not None and state.next_poll_at > now:
        state = None
    if page is not None and page.due_at > now:
        page = None
    if state is not None and (page is None or state.next_poll_at <= page.due_at):
        return _of_host(held, texts, state=state)
    return None if page is None else _of_host(held, texts, page=page)


def _of_host(held: HeldHost, texts: Mapping[str, Mapping[str, Robots]], **fields: Any) -> Turn:
    return Turn(
        host=held.host,
        robots=texts.get(held.host, {}),
        throttled_by=held.throttled_by,
        host_next_at=held.next_at,
        **fields,
    )


def _name(turn: Turn) -> str:
    if turn.page is not None:
        return page_turn(turn.page.article.id)
    assert turn.state is not None  # noqa: S101
    return source_turn(turn.state.source.name)


def _states(
    connection: Connection, dialect: Dialect, names: Sequence[str]
) -> dict[str | None, SourceState]:
    if not names:
        return {}
    found = connection.execute(_of_names(dialect), {"names": dialect.listed(names)})
    return {row.name: state_of(row) for row in found}


@cache
def _first(dialect: Dialect) -> Executable:
    source = first_due(SOURCE, SOURCE.c.name).label("source")
    page = first_due(PAGE, PAGE.c.article_id).label("page")
    return select(HOST.c.host, source, page).where(dialect.among(HOST.c.host, "hosts"))


@cache
def _of_names(dialect: Dialect) -> Executable:
    return select(*STATE).where(dialect.among(SOURCE.c.name, "names"))


@cache
def _named(dialect: Dialect) -> Executable:
    return select(SOURCE.c.name, SOURCE.c.host).where(dialect.among(SOURCE.c.name, "names"))


_FOLLOWED = select(SOURCE.c.name, SOURCE.c.host).where(SOURCE.c.due_at.is_not(null()))
