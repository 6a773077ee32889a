"""The last documents that could not be parsed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Executable, delete, select

from monitor.model import Document, Failure, Poll
from monitor.store.dialect import Dialect
from monitor.store.source_tables import FAILURE
from monitor.store.states import pack

KEPT = 200
BODY = 1_000_000

_unpack = msgspec.msgpack.Decoder(Document).decode


def keep(connection: Connection, dialect: Dialect, polls: Sequence[Poll], now: datetime) -> None:
    """Keep the documents that polls refused, and of all sources the newest `KEPT`."""
    rows = {
        poll.source: {
            "source": poll.source,
            "at": poll.memory.last_polled_at or now,
            # It may quote the document.
            "error": (poll.why or poll.memory.last_error).replace("\0", ""),
            "document": pack(replace(poll.refused, body=poll.refused.body[:BODY])),
        }
        for poll in polls
        if poll.refused is not None
    }
    if rows:
        connection.execute(_upsert(dialect), [rows[name] for name in sorted(rows)])
        connection.execute(_PRUNE)


def of_source(name: str, connection: Connection) -> Failure | None:
    """Return what is kept of a source."""
    row = connection.execute(select(FAILURE).where(FAILURE.c.source == name)).one_or_none()
    if row is None:
        return None
    return Failure(source=name, at=row.at, error=row.error, document=_unpack(row.document))


@cache
def _upsert(dialect: Dialect) -> Executable:
    insert: Any = dialect.insert(FAILURE)
    statement: Executable = insert.on_conflict_do_update(
        index_elements=["source"],
        set_={name: insert.excluded[name] for name in ("at", "error", "document")},
    )
    return statement


_ORDER = (FAILURE.c.at.desc(), FAILURE.c.source)
_OLD = select(FAILURE.c.source).order_by(*_ORDER).limit(100_000).offset(KEPT)
_PRUNE = delete(FAILURE).where(FAILURE.c.source.in_(_OLD))
