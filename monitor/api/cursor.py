"""Opaque places: the cursor of a listing and the position in the stream.

Clients hand back what they were given. Anything else raises BadPlace, which says what to do.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from monitor.errors import MonitorError

_LARGEST = 2**63 - 1  # a bigger number is none that a database has given out
_LATEST = 2**57  # microseconds: later ones are no time that Python knows
_SEQ = re.compile(r"before:(\d{1,19})", re.ASCII)
_NAME = re.compile(r"after:([^\x00]{1,200})")
_MARK = re.compile(r"marked:(\d{1,18}):([^\x00]{1,200})", re.ASCII)
_POSITION = re.compile(r"(\d{1,19})\.(\d{1,19})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

T = TypeVar("T")


class BadPlace(MonitorError):
    """A cursor or a position that this service never gave out."""


class PageQuery(BaseModel):
    """Which page of a listing, and how long it is."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=200, description="Most items on a page.")
    cursor: str | None = Field(
        None,
        max_length=1_200,  # a name of 200 characters, whatever they are
        description="`next` of the page before; without it the first page.",
    )


def paged(
    rows: Sequence[T], limit: int, cursor_of: Callable[[T], str]
) -> tuple[Sequence[T], str | None]:
    """Return the rows of a page, and the cursor of the next one where there is a row more."""
    shown = rows[:limit]
    return shown, cursor_of(shown[-1]) if len(rows) > limit else None


def to_cursor(seq: int) -> str:
    """Return the cursor of the page that begins after this row."""
    return _encoded(f"before:{seq}")


def from_cursor(cursor: str | None) -> int | None:
    """Return the `seq` in a cursor; raises BadPlace."""
    if cursor is None:
        return None
    seq = int(_decoded(cursor, _SEQ)[1])
    if seq > _LARGEST:
        raise _no_cursor()
    return seq


def to_name_cursor(name: str) -> str:
    """Return the cursor of the page that begins after this name."""
    return _encoded(f"after:{name}")


def from_name_cursor(cursor: str | None) -> str:
    """Return the name in a cursor, "" without one; raises BadPlace."""
    return "" if cursor is None else _decoded(cursor, _NAME)[1]


def to_mark_cursor(marked: datetime, article_id: str) -> str:
    """Return the cursor of the page that begins after this mark."""
    return _encoded(f"marked:{(marked - _EPOCH) // _MICROSECOND}:{article_id}")


def from_mark_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    """Return the time and the article in a cursor; raises BadPlace."""
    if cursor is None:
        return None
    found = _decoded(cursor, _MARK)
    if int(found[1]) > _LATEST:
        raise _no_cursor()
    return _EPOCH + int(found[1]) * _MICROSECOND, found[2]


def _encoded(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _decoded(cursor: str, kind: re.Pattern[str]) -> re.Match[str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded.encode(), altchars=b"-_", validate=True).decode()
    except ValueError:
        text = ""
    found = kind.fullmatch(text)
    if found is None:
        raise _no_cursor()
    return found


def _no_cursor() -> BadPlace:
    return BadPlace(
        "cursor: not one of this API; pass on `next` of the page before, or leave it out"
    )


@dataclass(frozen=True, slots=True)
class Position:
    """How far a reader of the stream has come, in articles and in alerts."""

    articles: int
    alerts: int

    def __str__(self) -> str:
        return f"{self.articles}.{self.alerts}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Return the position that was written so; raises BadPlace."""
        found = _POSITION.fullmatch(text.strip())
        if not found or max(int(found[1]), int(found[2])) > _LARGEST:
            raise BadPlace(
                "Last-Event-ID: not an id of this stream; send the last `id:` that was received,"
                " or leave the header out to begin now"
            )
        return cls(int(found[1]), int(found[2]))
