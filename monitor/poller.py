"""Polls the sources that are due: fetch, parse, decide, and record it all in one transaction.

A crash before the transaction leaves the validators as they were, so the next poll gets the same
body, finds the same ids, and nothing is lost or doubled.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from monitor import telemetry
from monitor.decide import changes, next_poll_at
from monitor.errors import MonitorError, Rejected, Unavailable, Unreachable
from monitor.model import Article, Document, NotModified, Poll, Source, SourceState
from monitor.protocols import Clock, Fetcher, Sources

log = logging.getLogger(__name__)

LEASE_MARGIN = 60.0
NAMES_SHOWN = 3
OUTBOX_FULL = 100_000


class Parser(Protocol):
    """Turns a document into articles, in a process that can be killed."""

    async def parse(self, source: Source, document: Document) -> tuple[Article, ...]:
        """Raises Rejected where the document is none of the source's type, or takes too long."""

    async def close(self) -> None: ...


@dataclass(slots=True)
class Poller:
    """`fetchers` are by source type; `lease` in seconds bounds how long a poll may take."""

    store: Sources
    fetchers: Mapping[str, Fetcher]
    parser: Parser
    clock: Clock
    health: telemetry.Health
    owner: str
    recorded: asyncio.Event
    at_once: int = 20
    lease: float = 30 + LEASE_MARGIN
    outbox_full: bool = False
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _draining: asyncio.Event = field(default_factory=asyncio.Event)
    _unreachable: dict[str, str] = field(default_factory=dict)
    _reported: int = 0

    async def poll_due(self) -> int:
        """Start polling what is due, as much as there is room for; return how much that is."""
        room = self.at_once - len(self._running)
        if room <= 0 or self.outbox_full:
            return 0
        now = self.clock.now()
        try:
            due = await self.store.lease_due(now, self.owner, room, self.lease)
        except Unavailable as error:
            self.health.report("scheduler", "degraded", str(error))
            return 0
        self.health.report("scheduler", "ok")
        for state in due:
            telemetry.POLL_LAG.set((now - state.next_poll_at).total_seconds())
            task = asyncio.ensure_future(self._poll_and_record(state))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        if not due and not self._running:
            self._report_unreachable()
        return len(due)

    async def drain(self) -> None:
        """Record the polls that have their answer, and give up those that wait for one.

        Nothing is lost with them: their validators are as they were.
        """
        self._draining.set()
        while self._running:
            await asyncio.wait(self._running)

    async def poll(self, state: SourceState) -> Poll:
        """Poll one source; a failure of the source becomes part of the result.

        Raises Unavailable where the database is away, which is not the source's fault.
        """
        try:
            answer = await self.fetchers[state.source.type].fetch(state)
            if isinstance(answer, NotModified):
                return self._finished(state, answer, "unchanged")
            parsed = await self.parser.parse(state.source, answer)
        except MonitorError as error:
            return self._failed(state, error)
        known = await self.store.known([article.id for article in parsed])
        found = changes(parsed, known)
        return self._finished(state, answer, "changed" if found else "unchanged", found)

    async def _poll_and_record(self, state: SourceState) -> None:
        name, started = state.source.name, self.clock.monotonic()
        polling = asyncio.ensure_future(self.poll(state))
        draining = asyncio.ensure_future(self._draining.wait())
        await asyncio.wait({polling, draining}, return_when=asyncio.FIRST_COMPLETED)
        draining.cancel()
        if not polling.done():
            polling.cancel()
            await asyncio.wait({polling})
            return
        try:
            poll, new = await self.record(state, self._outcome(state, polling))
        except Unavailable as error:
            # The lease runs out, and the source is polled again with its old validators.
            log.warning("poll of '%s' could not be recorded: %s", name, error)
            return
        if new:
            self.recorded.set()
            telemetry.ARTICLES_FETCHED.inc(new)
            log.info("'%s' has %d new", name, new)
        telemetry.POLLS.labels(poll.outcome).inc()
        telemetry.POLL_SECONDS.labels(poll.outcome).observe(self.clock.monotonic() - started)

    def _outcome(self, state: SourceState, polling: asyncio.Task[Poll]) -> Poll:
        """Return how a poll went; a bug is a failure of this source alone. Raises Unavailable."""
        bug = polling.exception()
        if bug is None or isinstance(bug, Unavailable):
            return polling.result()
        log.error("poll of '%s' failed", state.source.name, exc_info=bug)
        return self._failed(state, Rejected(f"{type(bug).__name__}: {bug}"))

    async def record(self, state: SourceState, poll: Poll) -> tuple[Poll, int]:
        """Record a poll, and return it with the number of its new articles.

        One whose articles the database refuses is recorded as failed. Raises Unavailable.
        """
        try:
            return poll, await self.store.record_poll(poll, self.owner)
        except Rejected as error:
            failed = self._failed(state, error)
            return failed, await self.store.record_poll(failed, self.owner)

    def _finished(
        self,
        state: SourceState,
        answer: Document | NotModified,
        outcome: str,
        found: tuple[Article, ...] = (),
    ) -> Poll:
        now = self.clock.now()
        self._unreachable.pop(state.source.name, None)
        return Poll(
            source=state.source.name,
            outcome=outcome,
            polled_at=now,
            next_poll_at=next_poll_at(state, now, None),
            etag=answer.etag,
            last_modified=answer.last_modified,
            body_hash=answer.body_hash,
            articles=found,
        )

    def _failed(self, state: SourceState, error: MonitorError) -> Poll:
        """Return the failed poll: the old validators stay, so the body will come again."""
        now, name = self.clock.now(), state.source.name
        again = next_poll_at(state, now, error)
        if isinstance(error, Unreachable):
            self._unreachable[name] = str(error)
        else:
            self._unreachable.pop(name, None)
            log.warning("poll of '%s' failed: %s; next at %s", name, error, f"{again:%H:%M:%S}")
        return Poll(
            source=name,
            outcome="unreachable" if isinstance(error, Unreachable) else "failed",
            polled_at=now,
            next_poll_at=again,
            etag=state.etag,
            last_modified=state.last_modified,
            body_hash=state.body_hash,
            failures=state.failures + 1,
            error=str(error),
        )

    def _report_unreachable(self) -> None:
        """Say in one line that sources cannot be reached, when their number has changed."""
        count = len(self._unreachable)
        if count == self._reported:
            return
        self._reported = count
        if not count:
            log.info("all sources can be reached again")
            return
        names = ", ".join(sorted(self._unreachable)[:NAMES_SHOWN])
        more = f" and {count - NAMES_SHOWN} more" if count > NAMES_SHOWN else ""
        reason = next(iter(self._unreachable.values()))
        log.warning(
            "%d source%s unreachable (%s%s): %s; polling goes on with growing pauses",
            count,
            " is" if count == 1 else "s are",
            names,
            more,
            reason,
        )


def lease_for(fetch_deadline: float, parse_deadline: float) -> float:
    """Return the seconds for which a source is leased: both deadlines, twice, and a margin."""
    return 2 * (fetch_deadline + parse_deadline) + LEASE_MARGIN
