"""The robots.txt of hosts, by origin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Executable, bindparam, delete, select

from monitor.model import Robots
from monitor.store.dialect import Dialect
from monitor.store.source_tables import ROBOTS
from monitor.store.states import pack

KEPT = 20
"""Origins of one host: a site can have as many names as it likes."""

_unpack = msgspec.msgpack.Decoder(Robots).decode


def of_hosts(
    connection: Connection, dialect: Dialect, hosts: Sequence[str]
) -> Mapping[str, Mapping[str, Robots]]:
    """Return what is kept of each host, by origin."""
    texts: dict[str, dict[str, Robots]] = defaultdict(dict)
    if hosts:
        parameters = {"hosts": dialect.listed(hosts)}
        for host, origin, payload in connection.execute(_of_hosts(dialect), parameters):
            texts[host][origin] = _unpack(payload)
    return texts


def keep(
    connection: Connection, dialect: Dialect, fetched: Mapping[str, Mapping[str, Robots]]
) -> None:
    """Keep what was fetched of hosts, by origin, and of each host only the latest ones."""
    rows = [
        {"host": host, "origin": origin, "fetched_at": text.fetched, "payload": pack(text)}
        for host, texts in sorted(fetched.items())
        for origin, text in sorted(texts.items())
    ]
    if not rows:
        return
    connection.execute(_upsert(dialect), rows)
    origins: dict[str, list[str]] = defaultdict(list)
    parameters = {"hosts": dialect.listed(list(fetched))}
    for host, origin in connection.execute(_latest(dialect), parameters):
        origins[host].append(origin)
    old = [{"of": host, "by": name} for host, all_ in origins.items() for name in all_[KEPT:]]
    if old:
        connection.execute(_DROP, old)


@cache
def _of_hosts(dialect: Dialect) -> Executable:
    columns = (ROBOTS.c.host, ROBOTS.c.origin, ROBOTS.c.payload)
    return select(*columns).where(dialect.among(ROBOTS.c.host, "hosts"))


@cache
def _latest(dialect: Dialect) -> Executable:
    named = dialect.among(ROBOTS.c.host, "hosts")
    return select(ROBOTS.c.host, ROBOTS.c.origin).where(named).order_by(ROBOTS.c.fetched_at.desc())


@cache
def _upsert(dialect: Dialect) -> Executable:
    insert: Any = dialect.insert(ROBOTS)
    newer = {name: insert.excluded[name] for name in ("fetched_at", "payload")}
    statement: Executable = insert.on_conflict_do_update(
        index_elements=["host", "origin"], set_=newer
    )
    return statement


_DROP = delete(ROBOTS).where(ROBOTS.c.host == bindparam("of"), ROBOTS.c.origin == bindparam("by"))
