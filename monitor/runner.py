"""The loop that runs every consumer on every broker: receive, decode, process, send, commit.

Nothing is committed before everything that follows from it is sent, so a crash anywhere means
that records come again; ids are derived, so they come again as the same events.

A failed batch is cut in halves until the record at fault stands alone; only that one is
dead-lettered. An outage never dead-letters: the subscription is given up, and after a wait
everything resumes at the last commit.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from monitor import telemetry
from monitor.channels import Channel, dead_letters_of, group_of
from monitor.consumer import Consumer, Outgoing
from monitor.errors import DeadLetterLimitExceeded, Rejected, Stalled, Unavailable
from monitor.events import NewRecord, NotAnEvent, Record, decode, encode
from monitor.protocols import Broker, Clock, Subscription
from monitor.retry import DeadLetterLimit, RetryPolicy, pause

log = logging.getLogger(__name__)

RECEIVE_WAIT = 1.0
OUTAGE = RetryPolicy(first=0.5, longest=15.0)
BUG = RetryPolicy(first=0.1, longest=1.0, attempts=3)


@dataclass(slots=True)
class Runner:
    """Runs one consumer until `stop` is set. `limit` bounds a batch in records; `put_aside` is
    told of each dead letter, so that nobody waits for it any more."""

    consumer: Consumer
    broker: Broker
    clock: Clock
    health: telemetry.Health
    stop: asyncio.Event
    put_aside: Callable[[Record], Awaitable[None]]
    limit: int = 200
    dead_letters: DeadLetterLimit = field(default_factory=DeadLetterLimit)

    async def run(self) -> None:
        """Consume until told to stop, through every outage.

        Raises DeadLetterLimitExceeded where so much fails that going on would empty the stream
        into the dead letters, and Stalled where the broker gives up getting anything.
        """
        part, failures = f"consumer {self.consumer.name}", 0
        while not self.stop.is_set():
            try:
                group = group_of(self.consumer.name)
                async with self.broker.subscribe(self.consumer.reads, group) as subscription:
                    while not self.stop.is_set():
                        if await self._turn(subscription):
                            failures = 0
                        self.health.report(part, "ok")
            except Unavailable as error:
                failures += 1
                self.health.report(part, "degraded", str(error))
                telemetry.RETRIES.labels(self.consumer.name, "unavailable").inc()
                await pause(self.clock, self.stop, OUTAGE.delay(failures, error.retry_after))
            except (DeadLetterLimitExceeded, Stalled) as error:
                self.health.report(part, "down", str(error))
                raise

    async def _turn(self, subscription: Subscription) -> bool:
        records = await subscription.receive(self.limit, RECEIVE_WAIT)
        if not records:
            return False
        started = self.clock.monotonic()
        telemetry.RECEIVED.labels(self.consumer.name).inc(len(records))
        await self._handle(records)
        await subscription.commit(records)
        took = self.clock.monotonic() - started
        telemetry.PROCESS_SECONDS.labels(self.consumer.name).observe(took)
        return True

    async def _handle(self, records: Sequence[Record]) -> None:
        """Process records and send what follows; those at fault are dead-lettered."""
        try:
            await self._send(await self._attempt(records))
        except (Unavailable, DeadLetterLimitExceeded):
            raise
        except Exception as error:
            if len(records) == 1:
                await self._dead_letter(records[0], error)
                return
            middle = len(records) // 2
            await self._handle(records[:middle])
            await self._handle(records[middle:])
        else:
            self.dead_letters.good(len(records))

    async def _attempt(self, records: Sequence[Record]) -> Sequence[Outgoing]:
        """Decode and process. What looks like a bug gets a few tries, a rejection gets none."""
        events = [decode(record) for record in records]
        attempt = 1
        while True:
            try:
                return await self.consumer.process(events)
            except (Unavailable, Rejected):
                raise
            except Exception:
                if attempt >= BUG.attempts or len(events) > 1:
                    raise
                log.exception("%s failed, attempt %d", self.consumer.name, attempt)
                telemetry.RETRIES.labels(self.consumer.name, "error").inc()
                await self.clock.sleep(BUG.delay(attempt))
                attempt += 1

    async def _send(self, outgoing: Sequence[Outgoing]) -> None:
        by_channel: dict[Channel, list[NewRecord]] = defaultdict(list)
        for item in outgoing:
            if item.channel not in self.consumer.sends:
                raise AssertionError(f"{self.consumer.name} did not declare {item.channel.name}")
            by_channel[item.channel].append(encode(item.event))
        for channel, records in by_channel.items():
            await self.broker.send(channel, records)
            telemetry.SENT.labels(self.consumer.name).inc(len(records))

    async def _dead_letter(self, record: Record, error: Exception) -> None:
        """Put a record aside, with all that tells why and where it came from, or give up."""
        name = self.consumer.name
        reason = "rejected" if isinstance(error, Rejected) else "error"
        headers = {
            **record.headers,
            "dlq_reason": str(error)[:1_000].encode(errors="replace"),
            "dlq_error": type(error).__name__.encode(),
            "dlq_stage": b"decode" if isinstance(error, NotAnEvent) else b"process",
            "dlq_consumer": name.encode(),
            "dlq_channel": record.channel.encode(),
            "dlq_partition": str(record.partition).encode(),
            "dlq_offset": str(record.offset).encode(),
            "dlq_time": self.clock.now().isoformat().encode(),
        }
        dead = NewRecord(key=record.key, value=record.value, headers=headers)
        await self.broker.send(dead_letters_of(self.consumer.reads, name), [dead])
        await self.put_aside(record)
        telemetry.DEAD_LETTERS.labels(name, reason).inc()
        log.warning(
            "dead letter of %s: %s",
            name,
            error,
            extra={
                "channel": record.channel,
                "partition": record.partition,
                "offset": record.offset,
            },
        )
        if self.dead_letters.dead():
            raise DeadLetterLimitExceeded(
                f"too many dead letters in {name}: fix the cause, `monitor dlq replay`, restart"
            )
