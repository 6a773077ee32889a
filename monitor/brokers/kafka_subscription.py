"""One member of a consumer group on Kafka, with a watchdog over a client that has none.

A client that gets nothing though records wait is replaced; where a third one in a row gets
nothing, and the broker answers, something else in this process must be wrong, and it gives up.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.brokers.kafka_client import retire, within
from monitor.errors import Stalled, Unavailable
from monitor.events import Record
from monitor.protocols import Clock

log = logging.getLogger(__name__)

COMMIT = 10.0  # seconds that a commit may take
PROBE = 10.0  # seconds between two questions, while nothing arrives, whether anything waits
ANSWER = 5.0  # seconds that the answer may take
STUCK = 60.0  # seconds without progress, though records wait, after which the client is replaced
CLIENTS = 3  # clients in a row that may be stuck
STOP = 8.0  # seconds that a consumer may take to leave

_EPOCH = datetime.fromtimestamp(0, UTC)


class KafkaSubscription:
    """Hands out what an aiokafka consumer fetches, and replaces the consumer when it is stuck.

    `connect` returns a started consumer; `translate` runs a call and raises our errors instead
    of the client's; `fenced` are those errors that say that the group has moved on. `stuck` counts
    for each name the clients that were stuck one after the other, also those of subscriptions
    before this one.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Awaitable[Any]],
        translate: Callable[[Awaitable[Any], str], Awaitable[Any]],
        fenced: tuple[type[Exception], ...],
        clock: Clock,
        stuck: Counter[str],
    ) -> None:
        self._name = name
        self._connect = connect
        self._translate = translate
        self._fenced = fenced
        self._clock = clock
        self._stuck = stuck
        self._consumer: Any = None
        self._progressed = self._probed = clock.monotonic()

    async def join(self) -> None:
        """Connect and ask for partitions, which the group deals out later; raises Unavailable."""
        self._consumer = await self._connect()
        self._progressed = self._probed = self._clock.monotonic()

    async def leave(self) -> None:
        """Let go of the partitions; the session's end does it where the broker is away."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await retire(consumer, STOP)

    async def receive(self, limit: int, wait: float) -> Sequence[Record]:
        """Return up to `limit` records, or none after `wait` seconds.

        Raises Unavailable, and Stalled where the third client in a row is stuck.
        """
        if self._consumer is None:
            await self.join()
        consumer = self._consumer
        try:
            # While the group deals out partitions, `getmany` does not keep to its own timeout.
            async with asyncio.timeout(wait + 0.5):
                fetched = await self._translate(
                    consumer.getmany(timeout_ms=int(wait * 1000), max_records=limit),
                    f"receiving from {self._name}",
                )
        except TimeoutError:
            fetched = {}
        except Unavailable:
            await self.leave()
            raise
        if fetched:
            self._progressed = self._probed = self._clock.monotonic()
            del self._stuck[self._name]
            return records_of(fetched)
        if self._clock.monotonic() - self._probed > PROBE:
            await self._probe(consumer)
        return ()

    async def commit(self, done: Sequence[Record]) -> None:
        """Remember what is done; without effect for partitions that have passed to others."""
        if not done:
            return
        consumer = self._consumer
        following: dict[int, int] = {}
        for record in done:
            offset = record.offset + 1
            following[record.partition] = max(following.get(record.partition, 0), offset)
        # A commit that names one partition too many is refused as a whole.
        offsets = {
            place: following[place.partition]
            for place in (consumer.assignment() if consumer is not None else ())
            if place.partition in following
        }
        if len(offsets) < len(following):
            log.info("the group has moved on: a part of %s is not committed", self._name)
        if not offsets:
            return
        try:
            await within(
                COMMIT,
                self._translate(consumer.commit(offsets), f"committing to {self._name}"),
                f"committing to {self._name}",
            )
        except self._fenced as error:
            log.info("the group has moved on: %s is not committed: %s", self._name, error)

    async def _probe(self, consumer: Any) -> None:
        """Look whether records wait though none arrives; raises Unavailable and Stalled."""
        self._probed = self._clock.monotonic()
        assigned = consumer.assignment()
        if not assigned:
            return  # a standby has nothing to wait for
        what = f"asking for the ends of {self._name}"
        try:
            ends = await within(ANSWER, self._translate(consumer.end_offsets(assigned), what), what)
            behind = 0
            for place, end in ends.items():
                behind += end - await within(ANSWER, consumer.position(place), what)
        except Unavailable:
            del self._stuck[self._name]  # an outage says nothing of the client
            if self._is_late():
                await self.leave()
            raise
        except self._fenced:
            return  # the partitions have just passed to another
        if not behind:
            self._progressed = self._probed
            del self._stuck[self._name]
        elif self._is_late():
            await self.leave()
            raise self._verdict(behind)

    def _is_late(self) -> bool:
        return self._clock.monotonic() - self._progressed > STUCK

    def _verdict(self, behind: int) -> Unavailable | Stalled:
        """Return what a client that is stuck is to the consumer: one more, or one too many."""
        self._stuck[self._name] += 1
        what = f"{self._name}: {behind} records wait, but for {STUCK:g} s none has arrived"
        if self._stuck[self._name] < CLIENTS:
            return Unavailable(f"{what}; the consumer is replaced")
        return Stalled(
            f"{what}, with {CLIENTS} clients one after the other: start the process again"
        )


def records_of(fetched: dict[Any, list[Any]]) -> list[Record]:
    """Return the records of what a consumer fetched, partition by partition."""
    records: list[Record] = []
    for place, messages in fetched.items():
        channel, partition = place.topic, place.partition
        stamp, appended = 0, _EPOCH
        for message in messages:
            if message.timestamp != stamp:
                stamp = message.timestamp
                appended = _EPOCH + timedelta(milliseconds=stamp)
            records.append(
                Record(
                    channel=channel,
                    partition=partition,
                    offset=message.offset,
                    key=message.key or b"",
                    value=message.value or b"",
                    headers=dict(message.headers),
                    appended=appended,
                )
            )
    return records
