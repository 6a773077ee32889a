"""Opaque places: the cursor of a listing and the position in the stream.

Clients hand back what they were given. Anything else raises BadPlace, which says what to do.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from monitor.errors import MonitorError

_LARGEST = 2**63 - 1  # a bigger number is none that a database has given out
_CURSOR = re.compile(r"before:(\d{1,19})", re.ASCII)
_POSITION = re.compile(r"(\d{1,19})\.(\d{1,19})", re.ASCII)


class BadPlace(MonitorError):
    """A cursor or a position that this service never gave out."""


def to_cursor(seq: int) -> str:
    """Return the cursor of the page that begins after this row."""
    return base64.urlsafe_b64encode(f"before:{seq}".encode()).decode().rstrip("=")


def from_cursor(cursor: str | None) -> int | None:
    """Return the `seq` in a cursor; raises BadPlace."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded.encode(), altchars=b"-_", validate=True).decode()
    except ValueError:
        text = ""
    found = _CURSOR.fullmatch(text)
    if not found or int(found[1]) > _LARGEST:
        raise BadPlace(
            "cursor: not one of this API; pass on `next` of the page before, or leave it out"
        )
    return int(found[1])


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
