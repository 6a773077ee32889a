"""Sends to Kafka through a plain producer, and replaces one that makes no progress."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from monitor.brokers.kafka_client import retire, start, within
from monitor.brokers.partition import cut
from monitor.channels import Channel
from monitor.errors import Unavailable
from monitor.events import NewRecord
from monitor.protocols import Clock

CONNECT = 10.0  # seconds that connecting may take
SEND = 15.0  # seconds that appending may take
BARREN = 60.0  # seconds of failing sends after which the producer is replaced
STOP = 5.0  # seconds that a producer may take to stop


class KafkaSender:
    """Owns an aiokafka producer, which `new_producer` makes.

    `translate` runs a call and raises our errors instead of the client's.
    """

    def __init__(
        self,
        new_producer: Callable[[], Any],
        translate: Callable[[Awaitable[Any], str], Awaitable[Any]],
        clock: Clock,
    ) -> None:
        self._new_producer = new_producer
        self._translate = translate
        self._clock = clock
        self._started = False
        self._producer: Any = None
        self._acknowledged = 0.0
        self._connecting = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect; raises Unavailable."""
        self._started = True
        await self._connected()

    async def stop(self) -> None:
        """Disconnect within a few seconds; never raises."""
        self._started = False
        self._abandon()
        if self._retiring:
            await asyncio.wait(self._retiring, timeout=STOP + 2)

    async def send(self, channel: Channel, partitions: int, records: Sequence[NewRecord]) -> None:
        """Append all records; raises Unavailable, then a part may be appended, and Rejected."""
        producer = await self._connected()
        what = f"sending to {channel.name}"
        now = int(self._clock.now().timestamp() * 1000)
        appending = _append(producer, channel, cut(channel, partitions, records), now)
        try:
            await within(SEND, self._translate(appending, what), what)
        except Unavailable as error:
            barren = self._clock.monotonic() - self._acknowledged > BARREN
            # What the client itself would try again may work with it; nothing else can.
            lasting = not getattr(error.__cause__, "retriable", False)
            if producer is self._producer and (barren or lasting):
                self._abandon()
            raise
        self._acknowledged = self._clock.monotonic()

    async def _connected(self) -> Any:
        async with self._connecting:
            if not self._started:
                raise Unavailable("Kafka: the broker is not started")
            if self._producer is None:
                what = "connecting to Kafka"
                producer = self._new_producer()
                await self._translate(start(producer, CONNECT, what), what)
                self._producer = producer
                self._acknowledged = self._clock.monotonic()
            return self._producer

    def _abandon(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            task = asyncio.create_task(retire(producer, STOP))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)


async def _append(
    producer: Any, channel: Channel, batches: Iterable[tuple[int, Sequence[NewRecord]]], now: int
) -> None:
    sent = []
    for partition, records in batches:
        batch = producer.create_batch()
        for record in records:
            batch.append(
                timestamp=now,
                key=record.key,
                value=record.value,
                headers=list(record.headers.items()),
            )
        batch.close()
        future = await producer.send_batch(batch, channel.name, partition=partition)
        future.add_done_callback(_notice)
        sent.append(future)
    # Unlike `gather` it leaves them alone where nobody waits for them any more: the client shields
    # its own futures with these, and nobody else looks at the errors of those.
    done, _ = await asyncio.wait(sent, return_when=asyncio.FIRST_EXCEPTION)
    for future in done:
        future.result()


def _notice(future: asyncio.Future[Any]) -> None:
    """Look at an error that nobody waits for any more, so that it is not logged as forgotten."""
    if not future.cancelled():
        future.exception()
