"""How polls are recorded: many of them in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    Connection,
    Executable,
    and_,
    bindparam,
    case,
    null,
    select,
    update,
)

from monitor.model import Article, Condition, Owner, PendingPage, Poll, Robots
from monitor.store import failures, robots
from monitor.store.changes import insert_changes
from monitor.store.columns import UTC_TIME
from monitor.store.dialect import Dialect
from monitor.store.hosts import HeldHosts, source_turn
from monitor.store.items import insert_revisions, send
from monitor.store.pages import delete_pages, host_of_page, hosts_of_pages, insert_pages
from monitor.store.source_tables import SOURCE
from monitor.store.states import host_at, pack, unpack_source


def record(
    dialect: Dialect, polls: Sequence[Poll], owner: str, now: datetime, connection: Connection
) -> list[int]:
    """Record polls; return how many articles of each were new rows."""
    sources = _sources(connection, dialect, polls)
    moves = {
        poll.source: (address, host_at(address, poll.source))
        for poll in polls
        if (row := sources.get(poll.source)) and (address := _address(poll, row)) != row.address
    }
    revised = [article.id for article in _articles(polls) if article.revision > 1]
    held = HeldHosts(connection, dialect)
    asked = [host for poll in polls if (host := _host(poll, sources))]
    pages = [host_of_page(page.article) for poll in polls for page in poll.pages]
    waiting = hosts_of_pages(connection, dialect, revised)
    held.hold([*asked, *(host for _, host in moves.values()), *pages, *waiting])
    new = _insert(connection, dialect, polls, now)
    counted = [poll for poll in polls if _finish(held, poll, _host(poll, sources), owner)]
    counted = [poll for poll in counted if poll.source in sources]
    if counted:
        connection.execute(_FINISH, [_row(poll) for poll in counted])
        _move(connection, counted, sources, moves)
        failures.keep(connection, dialect, counted, now)
    robots.keep(connection, dialect, _learned(polls))
    insert_changes(connection, [poll.change for poll in counted if poll.change], now)
    held.settle()
    return [_count(poll, new) for poll in polls]


def _learned(polls: Sequence[Poll]) -> Mapping[str, Mapping[str, Robots]]:
    fetched: dict[str, dict[str, Robots]] = defaultdict(dict)
    for poll in polls:
        fetched[poll.host].update(poll.robots)
    return fetched


def _sources(connection: Connection, dialect: Dialect, polls: Sequence[Poll]) -> Mapping[str, Any]:
    names = {"names": dialect.listed([poll.source for poll in polls])}
    return {row.name: row for row in connection.execute(_found(dialect), names)}


def _host(poll: Poll, sources: Mapping[str, Any]) -> str:
    """Return the host that was asked, "" where that is not known any more."""
    if poll.host or poll.source not in sources:
        return poll.host
    host: str = sources[poll.source].host
    return host


def _address(poll: Poll, row: Any) -> str:
    """Return the address that the source has from now on."""
    moved = poll.location if row.owner == Owner.USER.value else ""
    return poll.memory.chosen_location or moved or str(row.location)


def _articles(polls: Sequence[Poll]) -> Iterable[Article]:
    for poll in polls:
        yield from poll.articles
        yield from (page.article for page in poll.pages)


def _insert(
    connection: Connection, dialect: Dialect, polls: Sequence[Poll], now: datetime
) -> dict[tuple[str, int], Article]:
    """Remember articles; those that are new go out, or wait for their page.

    Nothing waits that is not new: it may have gone out long ago.
    """
    offered = list(_articles(polls))
    if not offered:
        return {}
    new = insert_revisions(connection, dialect, offered, now)
    pages: dict[tuple[str, int], PendingPage] = {}
    for page in (page for poll in polls for page in poll.pages):
        pages[page.article.id, page.article.revision] = page
    for article in (article for poll in polls for article in poll.articles):
        pages.pop((article.id, article.revision), None)
    send(connection, dialect, [article for key, article in new.items() if key not in pages], now)
    delete_pages(
        connection,
        dialect,
        [article.id for key, article in new.items() if article.revision > 1 and key not in pages],
    )
    waiting = [
        replace(page, article=new[key], released=False) for key, page in pages.items() if key in new
    ]
    insert_pages(connection, dialect, waiting)
    return new


def _count(poll: Poll, new: dict[tuple[str, int], Article]) -> int:
    """Return how many new rows a poll made: what two polls offered is the first one's."""
    keys = {(article.id, article.revision) for article in _articles([poll])}
    return sum(new.pop(key, None) is not None for key in keys)


def _finish(held: HeldHosts, poll: Poll, host: str, owner: str) -> bool:
    if not host:
        return False
    held.count(host, poll.asked)
    turn = source_turn(poll.source)
    return held.finish(host, turn, owner, poll.host_next_at, poll.throttled_by)


def _row(poll: Poll) -> dict[str, Any]:
    return {
        "source": poll.source,
        "next_poll_at": poll.next_poll_at,
        "followed": poll.memory.condition is not Condition.RETIRED,
        "memory": pack(poll.memory),
        "has_hub": bool(poll.memory.hints.hub),
    }


def _move(
    connection: Connection,
    polls: Sequence[Poll],
    sources: Mapping[str, Any],
    moves: Mapping[str, tuple[str, str]],
) -> None:
    """Write down new hosts, and the new addresses of users' sources: an operator's source keeps
    the address that its file gives it."""
    hosts, locations = [], []
    for poll in polls:
        row = sources[poll.source]
        if poll.source in moves:
            address, host = moves[poll.source]
            hosts.append({"source": poll.source, "address": address, "host": host})
        if poll.location and row.owner == Owner.USER.value and row.location != poll.location:
            moved = replace(unpack_source(row.definition), location=poll.location)
            locations.append(
                {
                    "source": poll.source,
                    "location": poll.location,
                    "definition": pack(moved),
                }
            )
    if hosts:
        connection.execute(_REHOST, hosts)
    if locations:
        connection.execute(_RELOCATE, locations)


@cache
def _found(dialect: Dialect) -> Executable:
    columns = ("name", "host", "location", "address", "owner", "definition")
    found = select(*(SOURCE.c[name] for name in columns))
    return found.where(dialect.among(SOURCE.c.name, "names"))


_UPDATE = update(SOURCE).where(SOURCE.c.name == bindparam("source"))
_NEXT = bindparam("next_poll_at", type_=UTC_TIME)
# Whether it is enabled is read where it is written: a declaration may have changed it meanwhile.
_FOLLOWED = and_(SOURCE.c.enabled, bindparam("followed", type_=Boolean))
_FINISH = _UPDATE.values(
    next_poll_at=_NEXT,
    due_at=case((_FOLLOWED, _NEXT), else_=null()),
    memory=bindparam("memory"),
    has_hub=bindparam("has_hub"),
)
_REHOST = _UPDATE.values(host=bindparam("host"), address=bindparam("address"))
_RELOCATE = _UPDATE.values(location=bindparam("location"), definition=bindparam("definition"))
