"""Delivers alerts: leases a delivery row, sends, and records how it went.

The queue is the table of deliveries, so it survives every restart; an alert's event only wakes
the courier before its next look. A crash between the receiver's yes and the record of it sends
once more, under the same id: that window cannot be closed from this side.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from monitor import telemetry
from monitor.channels import ALERT_RAISED
from monitor.consumer import Consumer, Outgoing
from monitor.errors import Rejected, Unavailable
from monitor.events import Event
from monitor.model import Attempt, ChannelKind, Delivery
from monitor.protocols import Clock, Deliveries, Notifier
from monitor.retry import RetryPolicy, delivery_delay, pause

log = logging.getLogger(__name__)

LOOK_AGAIN = 1.0
LEASE = 90.0
AT_ONCE = 64
AT_ONCE_TO_ONE = 16
"""A receiver that does not answer must leave room for the others."""
OUTAGE = RetryPolicy(first=0.5, longest=15.0)


@dataclass(slots=True)
class Courier:
    """Sends what is due, `AT_ONCE` at the same time, until `stop` is set.

    `notifiers` are by the channel's name; `owner` names this process in the leases.
    """

    deliveries: Deliveries
    notifiers: Mapping[str, tuple[ChannelKind, Notifier]]
    clock: Clock
    health: telemetry.Health
    owner: str
    stop: asyncio.Event
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _running: dict[asyncio.Task[Attempt], Delivery] = field(default_factory=dict)

    async def run(self) -> None:
        """Deliver until told to stop; what is under way then is finished and recorded."""
        failures = 0
        while not self.stop.is_set() or self._running:
            try:
                await self._record()
                started = 0 if self.stop.is_set() else await self._start()
                await self._wait(LOOK_AGAIN if not started else 0)
                failures = 0
                self.health.report("deliveries", "ok")
            except Unavailable as error:
                failures += 1
                self.health.report("deliveries", "degraded", str(error))
                await pause(self.clock, self.stop, OUTAGE.delay(failures))

    async def attempt(self, delivery: Delivery) -> Attempt:
        """Send one delivery and return how it went."""
        kind, notifier = self.notifiers.get(delivery.channel, (None, None))
        if kind is None or notifier is None:
            error = f"channel '{delivery.channel}' is no longer declared in alerts.yaml"
            return Attempt(delivery=delivery, error=error)
        try:
            await notifier.send(delivery)
        except Rejected as error:
            result, outcome = Attempt(delivery=delivery, error=str(error)), "rejected"
        except Unavailable as error:
            result, outcome = self._failed(delivery, error), "failed"
        else:
            result, outcome = Attempt(delivery=delivery, sent=self.clock.now()), "sent"
            waited = self.clock.now() - delivery.alert.article.fetched
            telemetry.DELIVERY_SECONDS.labels(kind).observe(waited.total_seconds())
        telemetry.DELIVERIES.labels(kind, outcome).inc()
        if result.sent is None:
            log.warning(
                "delivery to '%s' failed: %s",
                delivery.channel,
                result.error,
                extra={
                    "alert": delivery.alert.id,
                    "attempt": delivery.attempt,
                    "again": result.next_at and result.next_at.isoformat(),
                },
            )
        return result

    def _failed(self, delivery: Delivery, error: Unavailable) -> Attempt:
        """Return the failed attempt, with the time of the next one if the policy has one left."""
        spread = zlib.crc32(f"{delivery.id}:{delivery.attempt}".encode()) / 2**31 - 1
        delay = delivery_delay(delivery.attempt, spread, error.retry_after)
        again = None if delay is None else self.clock.now() + timedelta(seconds=delay)
        return Attempt(delivery=delivery, error=str(error), next_at=again)

    async def _start(self) -> int:
        """Lease as much as there is room for, and start sending it."""
        self.wake.clear()
        room = min(AT_ONCE_TO_ONE, AT_ONCE - len(self._running))
        if room <= 0:
            return 0
        counts = Counter(delivery.channel for delivery in self._running.values())
        busy = [channel for channel, count in counts.items() if count >= AT_ONCE_TO_ONE]
        due = await self.deliveries.lease_deliveries(
            self.clock.now(), self.owner, room, LEASE, without=busy
        )
        self._running |= {
            asyncio.ensure_future(self.attempt(delivery)): delivery for delivery in due
        }
        return len(due)

    async def _wait(self, seconds: float) -> None:
        """Wait for results, or for a reason to look again."""
        waker = asyncio.ensure_future(self.wake.wait())
        try:
            await asyncio.wait(
                {waker, *self._running}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waker.cancel()

    async def _record(self) -> None:
        """Record all results there are, before anything else: their leases run."""
        done = [task for task in self._running if task.done()]
        if done:
            attempts = [self._outcome(task, self._running[task]) for task in done]
            await self.deliveries.record_attempts(attempts)
            for task in done:
                del self._running[task]

    def _outcome(self, task: asyncio.Task[Attempt], delivery: Delivery) -> Attempt:
        """Return how an attempt went; a bug in a notifier is a failed attempt, not our end."""
        bug = task.exception()
        if bug is None:
            return task.result()
        log.error("notifier of '%s' failed", delivery.channel, exc_info=bug)
        return self._failed(delivery, Unavailable(f"{type(bug).__name__}: {bug}"))


def notify(courier: Courier) -> Consumer:
    """Return the consumer that wakes the courier when an alert was raised."""

    async def process(events: Sequence[Event]) -> Sequence[Outgoing]:
        courier.wake.set()
        return ()

    return Consumer(name="notify", reads=ALERT_RAISED, process=process)
