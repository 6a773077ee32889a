"""Polls what is due: takes turns, visits, and records what came of many visits at once.

A crash before the record leaves everything as it was: the turn's lease ends, the next visit gets
the same body, finds the same ids, and nothing is lost or doubled.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from monitor import telemetry
from monitor.errors import Rejected, Unavailable
from monitor.model import Condition, PageVisit, Poll, Turn
from monitor.outages import Outages
from monitor.protocols import Clock, Hubs, Sources, Turns
from monitor.visitor import Visitor

log = logging.getLogger(__name__)

LEASE_MARGIN = 60.0
AHEAD = 5
"""Turns that are taken for each visit that may be under way: taking them one by one is dear."""
MOST_AT_ONCE = 200
"""Visits that one transaction records."""
LINGER = 0.1
"""Seconds for which a finished visit waits for others to be recorded with it."""
PUSHES = 20
OUTBOX_FULL = 100_000

Visited = Poll | PageVisit


class Pushed(Hubs, Sources, Protocol):
    """What taking pushes needs of storage."""


@dataclass(slots=True)
class Poller:
    """`lease` in seconds bounds how long a turn may take, waiting for a free slot included."""

    store: Turns
    visitor: Visitor
    clock: Clock
    health: telemetry.Health
    owner: str
    recorded: asyncio.Event
    at_once: int = 20
    lease: float = 300.0
    outbox_full: bool = False
    _running: set[asyncio.Task[Any]] = field(default_factory=set)
    _visits: set[asyncio.Task[Visited]] = field(default_factory=set)
    _finished: list[tuple[Turn, Visited, float]] = field(default_factory=list)
    _slots: asyncio.Semaphore = field(init=False)
    _draining: bool = False
    _leasing: bool = False
    _recording: bool = False
    _more: bool = False
    _outages: Outages = field(default_factory=Outages)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.at_once)

    async def poll_due(self) -> int:
        """Start visiting where something is due, as much as there is room for; return how much."""
        ahead = self.at_once * AHEAD
        room = ahead - len(self._visits)
        if self._leasing or self._draining or self.outbox_full or room < ahead // 2:
            return 0
        self._leasing, now = True, self.clock.now()
        try:
            turns = await self.store.lease_turns(now, self.owner, room, self.lease)
        except Unavailable as error:
            self.health.report("scheduler", "degraded", str(error))
            return 0
        finally:
            self._leasing = False
        self.health.report("scheduler", "ok")
        self._more = len(turns) == room
        if self._draining:
            return 0
        for turn in turns:
            self._visit(turn, now)
        if not turns and not self._running:
            self._outages.report(self.clock.monotonic())
        return len(turns)

    async def release_pages(self) -> int:
        """Send on the articles whose pages did not come in time; return how many."""
        released = 0
        try:
            while count := await self.store.release_pages(self.clock.now()):
                released += count
        except Unavailable as error:
            log.debug("waiting pages: %s", error)
        if released:
            self.recorded.set()
            log.info("%d articles go out without their pages, which may follow", released)
        return released

    async def forget_hosts(self) -> None:
        """Forget hosts of which nothing is followed any more."""
        try:
            await self.store.prune_hosts(self.clock.now())
        except Unavailable as error:
            log.debug("hosts: %s", error)

    async def drain(self) -> None:
        """Record the visits that have their answer, and give up those that wait for one.

        Nothing is lost with them: what is remembered of their sources is as it was.
        """
        self._draining = True
        for visit in self._visits:
            visit.cancel()
        while self._running:
            await asyncio.wait(self._running)

    async def poll_turns(
        self, turns: Sequence[Turn], progress: Callable[[str], None] | None = None
    ) -> list[tuple[Poll, int]]:
        """Poll sources by hand whose hosts are leased, each host's one after the other, and record
        them; return each with the number of its new articles. Raises Unavailable."""
        by_host: dict[str, list[Turn]] = {}
        for turn in turns:
            by_host.setdefault(turn.host, []).append(turn)
        recorded: list[tuple[Visited, int]] = []

        async def visit(host: Sequence[Turn]) -> None:
            for turn in host:
                async with self._slots:
                    held = self.visitor.postponed(turn, by_hand=True)
                    done = held or await self._outcome(turn, self.visitor.poll(turn, by_hand=True))
                recorded.extend(await self._record([(turn, done)]))
                if progress is not None and isinstance(done, Poll):
                    progress(done.source)

        async with asyncio.TaskGroup() as tasks:
            for host in by_host.values():
                tasks.create_task(visit(host))
        polls = [(item, new) for item, new in recorded if isinstance(item, Poll)]
        return sorted(polls, key=lambda item: item[0].source)

    async def take_pushes(self, hubs: Pushed) -> None:
        """Read what hubs have pushed, in the turns of its sources."""
        try:
            for push in await hubs.pushes(PUSHES):
                now = self.clock.now()
                turns = await self.store.lease_sources([push.source], now, self.owner, self.lease)
                if turns:
                    turn = turns[0]
                    poll = await self._outcome(turn, self.visitor.take(turn, push))
                    await self._record([(turn, poll)])
                elif await hubs.source(push.source):
                    continue  # it is being polled just now
                await hubs.drop_pushes([push.id])
        except Unavailable as error:
            log.debug("pushes: %s", error)

    def _visit(self, turn: Turn, now: datetime) -> None:
        """Start a visit to a host in its turn."""
        due = turn.state.next_poll_at if turn.state else turn.page and turn.page.due_at
        if due:
            telemetry.POLL_LAG.set((now - due).total_seconds())
        visit = asyncio.ensure_future(self._with_slot(turn))
        self._visits.add(visit)
        self._running.add(visit)
        # What follows is done without another task for each visit: there are many of them.
        visit.add_done_callback(partial(self._visited, turn, self.clock.monotonic()))

    def _visited(self, turn: Turn, started: float, visit: asyncio.Task[Visited]) -> None:
        """See to it that a visit is recorded, and the next turns are taken. One that is given up,
        because we stop or the database is away, comes again."""
        self._visits.discard(visit)
        self._running.discard(visit)
        if not visit.cancelled():
            try:
                self._finished.append((turn, self._result(turn, visit), started))
            except Unavailable as error:
                log.warning("a visit to %s could not be finished: %s", turn.host, error)
        if self._finished and not self._recording:
            self._recording = True
            self._follow(self._record_finished())
        if self._more and not self._leasing and len(self._visits) <= self.at_once * AHEAD // 2:
            self._follow(self.poll_due())

    def _follow(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _with_slot(self, turn: Turn) -> Visited:
        async with self._slots:
            if turn.page:
                return await self.visitor.see_page(turn)
            return self.visitor.postponed(turn) or await self.visitor.poll(turn)

    async def _outcome(self, turn: Turn, visiting: Coroutine[Any, Any, Visited]) -> Visited:
        """Return how a visit went. Raises Unavailable."""
        task = asyncio.ensure_future(visiting)
        await asyncio.wait({task})
        return self._result(turn, task)

    def _result(self, turn: Turn, visit: asyncio.Task[Visited]) -> Visited:
        """Return how a visit went; a bug is a failure of this visit alone. Raises Unavailable."""
        bug = visit.exception()
        if bug is None or isinstance(bug, Unavailable):
            return visit.result()
        log.error("the visit to %s failed", turn.host, exc_info=bug)
        return self.visitor.failed(turn, Rejected(f"{type(bug).__name__}: {bug}"))

    async def _record_finished(self) -> None:
        """Record all that is finished, and what finishes meanwhile."""
        try:
            while self._finished:
                if self._visits:
                    await self.clock.sleep(LINGER)
                batch = self._finished[:MOST_AT_ONCE]
                del self._finished[:MOST_AT_ONCE]
                await self._record_batch(batch)
        finally:
            self._recording = False

    async def _record_batch(self, batch: Sequence[tuple[Turn, Visited, float]]) -> None:
        try:
            await self._record([(turn, done) for turn, done, _ in batch])
        except Unavailable as error:
            # The leases run out, and the hosts are visited again.
            log.warning("%d visits could not be recorded: %s", len(batch), error)
            return
        now = self.clock.monotonic()
        for _, done, started in batch:
            if isinstance(done, Poll) and done.postponed:
                continue
            outcome = done.memory.last_outcome if isinstance(done, Poll) else "page"
            telemetry.POLL_SECONDS.labels(outcome).observe(now - started)

    async def _record(self, done: Sequence[tuple[Turn, Visited]]) -> list[tuple[Visited, int]]:
        """Record visits; return each with the number of its new articles. Raises Unavailable.

        One whose articles the database refuses is recorded as failed.
        """
        try:
            return await self._write([item for _, item in done])
        except Rejected:
            recorded = []
            for turn, item in done:
                try:
                    recorded += await self._write([item])
                except Rejected as error:
                    recorded += await self._write([self.visitor.failed(turn, error)])
            return recorded

    async def _write(self, done: Sequence[Visited]) -> list[tuple[Visited, int]]:
        polls = [item for item in done if isinstance(item, Poll)]
        visits = [item for item in done if isinstance(item, PageVisit)]
        counts = await self.store.record_polls(polls, self.owner) if polls else ()
        if visits:
            await self.store.record_visits(visits, self.owner)
        for poll, new in zip(polls, counts, strict=True):
            self._note(poll, new)
        for visit in visits:
            telemetry.PAGES.labels("failed" if visit.asked.failed else "fetched").inc()
        if any(counts) or any(visit.article for visit in visits):
            self.recorded.set()
        return [*zip(polls, counts, strict=True), *((visit, 0) for visit in visits)]

    def _note(self, poll: Poll, new: int) -> None:
        """Tell the log and the metrics of a poll."""
        if poll.postponed:
            return
        memory = poll.memory
        if new:
            telemetry.ARTICLES_FETCHED.inc(new)
            log.info("'%s' has %d new", poll.source, new)
        telemetry.POLLS.labels(memory.last_outcome or "pushed").inc()
        unreachable = memory.last_outcome == "unreachable"
        self._outages.note(poll.source, memory.last_error if unreachable else "")
        if memory.last_error and not unreachable:
            again = f"{poll.next_poll_at:%H:%M:%S}"
            log.warning(
                "poll of '%s' failed: %s; next at %s", poll.source, memory.last_error, again
            )
        if poll.change:
            change = poll.change
            level = logging.INFO if change.condition is Condition.WORKING else logging.WARNING
            log.log(level, "'%s' is %s: %s", poll.source, change.condition, change.reason)


def lease_for(fetch_deadline: float, parse_deadline: float) -> float:
    """Return the seconds for which a host is leased: the wait for a slot, and both deadlines."""
    return AHEAD * (fetch_deadline + parse_deadline) + LEASE_MARGIN
