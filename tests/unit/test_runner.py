"""The consume loop on the embedded broker: fates of records, bisecting, limits, resuming."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from monitor.brokers.sqlite import SqliteBroker
from monitor.channels import Channel, dead_letters_of, group_of
from monitor.consumer import Consumer, Outgoing, Process, derive, originate
from monitor.errors import DeadLetterLimitExceeded, Rejected, Stalled, Unavailable
from monitor.events import Event, NewRecord, Record, encode, load
from monitor.retry import DeadLetterLimit
from monitor.runner import Runner
from monitor.telemetry import Health
from tests.support.clock import START, FakeClock

IN = Channel("test.in", partitions=1)
OUT = Channel("test.out", partitions=1)


@pytest.fixture
async def broker() -> AsyncIterator[SqliteBroker]:
    opened = SqliteBroker.from_url("sqlite://:memory:")
    await opened.start()
    await opened.ensure([IN, OUT])
    yield opened
    await opened.stop()


class Doubling:
    """Sends each number doubled; what it does with some of them is the test's choice."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.bad: dict[int, Exception] = {}
        self.outages = 0

    async def __call__(self, events: Sequence[Event]) -> Sequence[Outgoing]:
        numbers = [load(int, event.data) for event in events]
        self.seen.append(numbers)
        if self.outages:
            self.outages -= 1
            raise Unavailable("the database is away")
        for number in numbers:
            if number in self.bad:
                raise self.bad[number]
        return [
            derive(event, OUT, number * 2) for event, number in zip(events, numbers, strict=True)
        ]


async def put_aside(record: Record) -> None:
    """Nobody waits for these."""


def records(numbers: Sequence[int]) -> list[NewRecord]:
    return [encode(originate(IN, "s", "key", str(n), START, n).event) for n in numbers]


async def all_of(broker: SqliteBroker, channel: Channel) -> list[Record]:
    return [item async for item in broker.read(channel, from_start=True, follow=False)]


@asynccontextmanager
async def running(
    broker: SqliteBroker, process: Process, **fields: object
) -> AsyncIterator[Runner]:
    consumer = Consumer(name="double", reads=IN, process=process, sends=(OUT,))
    runner = Runner(consumer, broker, FakeClock(), Health(), asyncio.Event(), put_aside)
    runner = replace(runner, **fields)  # type: ignore[arg-type]
    task = asyncio.ensure_future(runner.run())
    try:
        yield runner
        await asyncio.wait_for(_done(broker, task), 20)
    finally:
        runner.stop.set()
        await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 5)


async def _done(broker: SqliteBroker, task: asyncio.Task[None]) -> None:
    while await broker.lag(IN, group_of("double")) and not task.done():
        await asyncio.wait({task}, timeout=0.01)


async def test_every_record_is_processed_once_and_in_order(broker: SqliteBroker) -> None:
    async with running(broker, Doubling()):
        await broker.send(IN, records(range(500)))
    sent = [load(int, item.value) for item in await all_of(broker, OUT)]
    assert sent == [number * 2 for number in range(500)]


async def test_a_rejected_record_is_dead_lettered_alone_with_its_reason(
    broker: SqliteBroker,
) -> None:
    process = Doubling()
    process.bad = {7: Rejected("seven is no good")}
    await broker.send(IN, records(range(20)))
    async with running(broker, process):
        pass
    sent = [load(int, item.value) for item in await all_of(broker, OUT)]
    assert sent == [number * 2 for number in range(20) if number != 7]
    (dead,) = await all_of(broker, dead_letters_of(IN, "double"))
    assert dead.value == b"7"
    wanted = {"dlq_reason": b"seven is no good", "dlq_stage": b"process", "dlq_error": b"Rejected"}
    assert wanted.items() <= dead.headers.items()
    assert (dead.headers["dlq_channel"], dead.headers["dlq_offset"]) == (b"test.in", b"7")


async def test_a_record_that_is_no_event_is_dead_lettered_at_decoding(
    broker: SqliteBroker,
) -> None:
    await broker.send(IN, [*records([1]), NewRecord(key=b"key", value=b"junk"), *records([2])])
    async with running(broker, Doubling()):
        pass
    assert [load(int, item.value) for item in await all_of(broker, OUT)] == [2, 4]
    (dead,) = await all_of(broker, dead_letters_of(IN, "double"))
    assert dead.headers["dlq_stage"] == b"decode"


async def test_a_bug_is_tried_again_before_its_record_is_dead_lettered(
    broker: SqliteBroker,
) -> None:
    process = Doubling()
    process.bad = {1: ZeroDivisionError("a bug")}
    await broker.send(IN, records([1]))
    async with running(broker, process):
        pass
    assert process.seen == [[1], [1], [1]]
    (dead,) = await all_of(broker, dead_letters_of(IN, "double"))
    assert dead.headers["dlq_error"] == b"ZeroDivisionError"


async def test_an_outage_dead_letters_nothing_and_resumes_at_the_commit(
    broker: SqliteBroker,
) -> None:
    process = Doubling()
    process.outages = 3
    await broker.send(IN, records(range(5)))
    async with running(broker, process) as runner:
        pass
    assert process.seen == [list(range(5))] * 4
    assert [load(int, item.value) for item in await all_of(broker, OUT)] == [0, 2, 4, 6, 8]
    assert await all_of(broker, dead_letters_of(IN, "double")) == []
    assert runner.health.parts["consumer double"][0] == "ok"


async def test_too_many_dead_letters_stop_the_consumer_and_its_readiness(
    broker: SqliteBroker,
) -> None:
    process = Doubling()
    process.bad = {number: Rejected("all are bad") for number in range(200)}
    await broker.send(IN, records(range(200)))
    runner = Runner(
        Consumer(name="double", reads=IN, process=process, sends=(OUT,)),
        broker,
        FakeClock(),
        Health(),
        asyncio.Event(),
        put_aside,
    )
    with pytest.raises(DeadLetterLimitExceeded):
        await asyncio.wait_for(runner.run(), 20)
    assert len(await all_of(broker, dead_letters_of(IN, "double"))) == DeadLetterLimit().in_a_row
    assert not runner.health.ready()
    assert await broker.lag(IN, group_of("double")) == 200


async def test_a_broker_that_gives_up_stops_the_consumer_and_its_readiness() -> None:
    class Stalling(SqliteBroker):
        @asynccontextmanager
        async def subscribe(self, channel: Channel, group: str) -> AsyncIterator[Any]:
            raise Stalled("nothing arrives")
            yield

    health = Health()
    consumer = Consumer(name="double", reads=IN, process=Doubling(), sends=(OUT,))
    broker = Stalling.from_url("sqlite://:memory:")
    runner = Runner(consumer, broker, FakeClock(), health, asyncio.Event(), put_aside)
    with pytest.raises(Stalled):
        await asyncio.wait_for(runner.run(), 5)
    assert health.parts["consumer double"] == ("down", "nothing arrives")


async def test_what_cannot_be_sent_is_dead_lettered_and_stops_nobody(
    broker: SqliteBroker,
) -> None:
    class Swelling(Doubling):
        async def __call__(self, events: Sequence[Event]) -> Sequence[Outgoing]:
            sent = list(await super().__call__(events))
            large = [load(int, event.data) == 3 for event in events]
            return [
                derive(event, OUT, "x" * OUT.max_bytes) if too_large else item
                for event, item, too_large in zip(events, sent, large, strict=True)
            ]

    await broker.send(IN, records(range(6)))
    async with running(broker, Swelling()):
        pass
    sent = {load(int, item.value) for item in await all_of(broker, OUT)}
    assert sent == {0, 2, 4, 8, 10}
    (dead,) = await all_of(broker, dead_letters_of(IN, "double"))
    assert dead.value == b"3"


async def test_a_channel_that_was_not_declared_is_a_bug(broker: SqliteBroker) -> None:
    async def astray(events: Sequence[Event]) -> Sequence[Outgoing]:
        return [derive(event, Channel("test.elsewhere"), 1) for event in events]

    await broker.send(IN, records([1]))
    async with running(broker, astray):
        pass
    (dead,) = await all_of(broker, dead_letters_of(IN, "double"))
    assert b"did not declare test.elsewhere" in dead.headers["dlq_reason"]
