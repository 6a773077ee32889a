"""Moves articles from the outbox to the broker, and reconciles what the broker lost.

A row is marked only after the broker has acknowledged it; a crash between the two sends it
again, under the same id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from monitor import telemetry
from monitor.channels import ARTICLE_FETCHED, SOURCE_CHANGED, Channel
from monitor.consumer import Outgoing, originate
from monitor.errors import Rejected, Unavailable
from monitor.events import encode
from monitor.model import Article, OutboxRow, OutboxSize, SourceChange
from monitor.protocols import Broker, Clock, Outbox, SourceChanges
from monitor.retry import RetryPolicy

log = logging.getLogger(__name__)

BATCH = 500
LOOK_AGAIN = 0.5
OUTAGE = RetryPolicy(first=0.25, longest=30.0)
NOT_STORED_FOR = timedelta(minutes=5)
KEPT_AFTER_STORED = timedelta(days=7)


def fetched_event(article: Article) -> Outgoing:
    """Return the event of an article that a source has shown; the source's name is the key."""
    fact = f"{article.id}:{article.revision}"
    return originate(
        ARTICLE_FETCHED, article.source, article.source, fact, article.fetched, article
    )


def changed_event(change: SourceChange) -> Outgoing:
    """Return the event of a source that broke, fell silent or recovered."""
    fact = f"{change.source}:{change.condition}:{change.at.isoformat()}"
    return originate(SOURCE_CHANGED, change.source, change.source, fact, change.at, change)


class Waiting(Outbox, SourceChanges, Protocol):
    """Everything that waits for the broker."""


@dataclass(slots=True)
class Relay:
    """Runs until `stop` is set; `recorded` tells that there is something to send, `readers` are
    the channels and groups between the outbox and the store."""

    store: Waiting
    broker: Broker
    clock: Clock
    health: telemetry.Health
    stop: asyncio.Event
    recorded: asyncio.Event
    readers: Sequence[tuple[Channel, str]] = ()

    async def run(self) -> None:
        """Send what is in the outbox, in its order, through every outage."""
        failures = 0
        while not self.stop.is_set():
            try:
                self.recorded.clear()
                sent = await self.send_batch()
                failures = 0
                self.health.report("relay", "ok")
                wait = 0.0 if sent else LOOK_AGAIN
            except Unavailable as error:
                failures += 1
                self.health.report("relay", "degraded", str(error))
                wait = OUTAGE.delay(failures, error.retry_after)
            if wait:
                await self._wait(wait, wake_on_record=failures == 0)

    async def send_batch(self) -> int:
        """Send up to one batch; return how many rows that were. Raises Unavailable."""
        changes = await self.store.unsent_changes(BATCH)
        if changes:
            records = [encode(changed_event(change).event) for _, change in changes]
            await self.broker.send(SOURCE_CHANGED, records)
            await self.store.drop_changes([row for row, _ in changes])
        rows = await self.store.unsent(BATCH)
        if not rows:
            return len(changes)
        try:
            await self._send(rows)
        except Rejected:
            for row in rows:
                await self._send_alone(row)
        return len(rows)

    async def reconcile(self) -> OutboxSize | None:
        """Send again what was sent and never stored, prune what is done with, and measure.

        While consumers are behind, articles wait in the log and are not lost: nothing is resent.
        """
        now = self.clock.now()
        try:
            behind = [await self.broker.lag(*reader) for reader in self.readers]
            lost = 0
            if sum(behind) <= BATCH:
                lost = await self.store.resend_unstored(now - NOT_STORED_FOR)
            await self.store.prune_outbox(now - KEPT_AFTER_STORED)
            size = await self.store.outbox_size()
        except Unavailable as error:
            log.debug("reconciler: %s", error)
            return None
        if lost:
            telemetry.RELAY_RESENT.inc(lost)
            log.warning("%d articles were sent and not stored for 5 min: sent again", lost)
        telemetry.OUTBOX_ROWS.labels("unsent").set(size.unsent)
        telemetry.OUTBOX_ROWS.labels("unstored").set(size.unstored)
        age = (now - size.oldest).total_seconds() if size.oldest else 0.0
        telemetry.OUTBOX_AGE.set(max(0.0, age))
        return size

    async def _send(self, rows: Sequence[OutboxRow]) -> None:
        records = [encode(fetched_event(row.article).event) for row in rows]
        await self.broker.send(ARTICLE_FETCHED, records)
        await self.store.mark_sent([row.id for row in rows], self.clock.now())

    async def _send_alone(self, row: OutboxRow) -> None:
        try:
            await self._send((row,))
        except Rejected as error:
            # Articles are cut to size before the outbox, so this is one that the broker's own
            # limit refuses: settled, and told, since it would block all behind it.
            log.error("article %s is refused by the broker: %s", row.article.id, error)
            await self.store.settle([row.article], self.clock.now())
            await self.store.mark_sent([row.id], self.clock.now())

    async def _wait(self, seconds: float, *, wake_on_record: bool) -> None:
        waiting = [asyncio.ensure_future(self.stop.wait())]
        if wake_on_record:
            waiting.append(asyncio.ensure_future(self.recorded.wait()))
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
