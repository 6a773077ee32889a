"""Kafka dies or freezes under its client: a clear error in time, a stop in time, and no more."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from monitor.brokers.kafka import KafkaBroker
from monitor.channels import Channel
from monitor.errors import Unavailable
from monitor.protocols import Broker, Subscription
from tests.support.brokers import Stopwatch, numbered, records, running, take, values_of
from tests.support.kafka import KafkaServer

SEND = 20.0  # seconds within which a send to a dead broker must fail
STOP = 12.0  # seconds within which everything must be stopped

# A client whose broker dies may drop a connection without closing it.
forgiving = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@forgiving
@pytest.mark.kafka
@pytest.mark.parametrize("death", ["kill", "pause"])
async def test_a_dead_kafka_is_unavailable_in_time_and_everything_resumes(
    mortal_kafka: KafkaServer, channel: Channel, death: str
) -> None:
    async with running(mortal_kafka.url) as broker:
        await broker.send(channel, records(*numbered(10)))
        async with broker.subscribe(channel, "outage") as subscription:
            first = await take(subscription, 10)
            getattr(mortal_kafka, death)()
            took = Stopwatch()
            with pytest.raises(Unavailable):
                await broker.send(channel, records("lost?"))
            assert float(took) < SEND
            took = Stopwatch()
            with pytest.raises(Unavailable):
                await subscription.commit(first)
            assert float(took) < SEND
            with pytest.raises(Unavailable):
                await asyncio.wait_for(_receive_for_ever(subscription), 40)
            took = Stopwatch()
        assert float(took) < STOP
        mortal_kafka.resume() if death == "pause" else mortal_kafka.start()
        await _send_when_it_is_back(broker, channel)
        again: set[str] = set()
        # The commit without an answer may have come through when Kafka woke up.
        while "back" not in again:
            # One that has just woken up may name no broker yet.
            with suppress(Unavailable):
                async with broker.subscribe(channel, "outage") as subscription:
                    while "back" not in again:
                        again |= set(values_of(await take(subscription, 1, commit=True)))


@forgiving
@pytest.mark.kafka
@pytest.mark.parametrize("death", ["kill", "pause"])
async def test_stopping_is_not_kept_up_by_a_dead_kafka(
    mortal_kafka: KafkaServer, channel: Channel, death: str
) -> None:
    broker = KafkaBroker.from_url(mortal_kafka.url)
    await broker.start()
    async with broker.subscribe(channel, "stop") as subscription:
        await broker.send(channel, records("one"))
        await take(subscription, 1)
        getattr(mortal_kafka, death)()
        took = Stopwatch()
    await broker.stop()
    assert float(took) < 2 * STOP
    with pytest.raises(Unavailable):
        await broker.send(channel, records("two"))
    if death == "kill":
        with pytest.raises(Unavailable):
            await broker.start()
        await broker.stop()


async def _receive_for_ever(subscription: Subscription) -> None:
    while True:
        await subscription.receive(10, wait=1)


async def _send_when_it_is_back(broker: Broker, channel: Channel) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                await broker.send(channel, records("back"))
            except Unavailable:
                await asyncio.sleep(0.2)
            else:
                return
