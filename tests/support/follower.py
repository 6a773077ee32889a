"""Polls of one source for tests of what they decide: no network, time is a number."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from monitor.decide import Conclusion, Found, Happened, conclude
from monitor.errors import MonitorError
from monitor.model import Asked, Document, Memory, NotModified, Parsed, Source, SourceState, Turn
from tests.support.clock import START

FEED = "https://wire.example/feed"


def a_source(**fields: Any) -> Source:
    return Source(**{"name": "wire", "type": "feed", "location": FEED, **fields})


def a_turn(source: Source, memory: Memory, due: datetime = START, **fields: Any) -> Turn:
    state = SourceState(source=source, next_poll_at=due, memory=memory)
    return Turn(host="wire.example", state=state, **fields)


def a_document(at: datetime = START, **fields: Any) -> Document:
    return Document(**{"url": FEED, "body": b"<rss/>", "fetched": at, **fields})


def good(
    at: datetime = START,
    *,
    new: int = 0,
    known: int = 0,
    parsed: Parsed | None = None,
    took: float = 1.0,
    **fields: Any,
) -> Happened:
    """Return a poll that found so many items."""
    return Happened(
        started=at,
        ended=at + timedelta(seconds=took),
        answer=a_document(at, **fields),
        parsed=parsed or Parsed(),
        found=Found(new=new, known=known),
        asked=Asked(requests=1),
    )


def unchanged(at: datetime = START, **fields: Any) -> Happened:
    """Return a poll that was answered with 304, or by another `status` with the same body."""
    answer = NotModified(**{"etag": '"1"', "last_modified": "", "body_hash": "h", **fields})
    return Happened(
        started=at, ended=at + timedelta(seconds=1), answer=answer, asked=Asked(requests=1)
    )


def bad(at: datetime, error: MonitorError, answer: Document | None = None) -> Happened:
    """Return a poll that failed; with an answer, it could not be parsed."""
    return Happened(
        started=at,
        ended=at + timedelta(seconds=1),
        error=error,
        answer=answer,
        asked=Asked(requests=1),
    )


class Follower:
    """A source that is polled whenever it is due, from START on."""

    def __init__(self, source: Source | None = None, memory: Memory | None = None) -> None:
        self.source = source or a_source()
        self.memory = memory or Memory()
        self.due = START
        self.throttled_by = ""
        self.changes: list[tuple[str, str]] = []
        self.last: Conclusion | None = None

    def poll(self, happened: Happened) -> Conclusion:
        """Poll when due; the times of `happened` are moved there."""
        took = happened.ended - happened.started
        happened = replace(happened, started=self.due, ended=self.due + took)
        turn = a_turn(self.source, self.memory, self.due, throttled_by=self.throttled_by)
        self.last = conclude(turn, happened)
        self.memory, self.due = self.last.memory, self.last.next_poll_at
        self.throttled_by = self.last.throttled_by
        if self.last.location:
            self.source = replace(self.source, location=self.last.location)
        if self.last.change is not None:
            change = self.last.change
            self.changes.append((change.before.value, change.condition.value))
        return self.last

    @property
    def days(self) -> float:
        """Return the days from START to when the source is due."""
        return (self.due - START) / timedelta(days=1)
