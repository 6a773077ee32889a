"""What a broker that is away does to those who use it: a clear error in time, and no more."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest
from aiokafka.conn import AIOKafkaConnection

from monitor.brokers import sqlite_thread
from monitor.brokers.kafka import KafkaBroker
from monitor.brokers.sqlite import SqliteBroker
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


@pytest.mark.kafka
async def test_a_question_that_is_cut_off_leaves_no_connection_open(
    kafka_server: KafkaServer, channel: Channel
) -> None:
    async with running(kafka_server.url) as broker:
        await broker.send(channel, records("one"))
        before = _open_connections()
        for moment in range(40):
            asking = asyncio.ensure_future(broker.lag(channel, "cut off"))
            await asyncio.wait({asking}, timeout=moment * 0.0005)
            asking.cancel()
            await asyncio.wait({asking})
        assert _open_connections() == before


async def test_a_file_that_is_locked_for_a_while_is_waited_for(
    tmp_path: Path, channel: Channel
) -> None:
    path = tmp_path / "log.db"
    async with running(f"sqlite:///{path}") as broker:
        await broker.send(channel, records("before"))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        sending = asyncio.ensure_future(broker.send(channel, records("meanwhile")))
        assert await broker.lag(channel, "readers go on") == 1
        await asyncio.wait({sending}, timeout=0.5)
        assert not sending.done()
        other.execute("COMMIT")
        other.close()
        await sending
        assert await broker.lag(channel, "readers go on") == 2


async def test_a_file_that_stays_locked_is_unavailable(
    tmp_path: Path, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_thread, "PATIENCE", 0.3)
    monkeypatch.setattr(sqlite_thread, "BUSY", 0.1)
    path = tmp_path / "log.db"
    async with running(f"sqlite:///{path}") as broker:
        await broker.send(channel, records("before"))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match=r"log\.db: database is locked"):
            await broker.send(channel, records("never"))
        async with asyncio.timeout(5):
            await asyncio.gather(
                *(_refused(broker, channel, f"never-{number}") for number in range(3))
            )
        other.close()
        await broker.send(channel, records("after"))
        assert await broker.lag(channel, "nobody") == 2


async def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    broker = SqliteBroker(tmp_path / "file" / "log.db")
    with pytest.raises(Unavailable):
        await broker.start()
    await broker.stop()
    (tmp_path / "text.db").write_text("this is not a database, and long enough to be read as one")
    broker = SqliteBroker(tmp_path / "text.db")
    with pytest.raises(Unavailable, match="not a database"):
        await broker.start()
    await broker.stop()


async def _refused(broker: Broker, channel: Channel, value: str) -> None:
    with pytest.raises(Unavailable):
        await broker.send(channel, records(value))


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


def _open_connections() -> int:
    gc.collect()
    living = [thing for thing in gc.get_objects() if isinstance(thing, AIOKafkaConnection)]
    return sum(connection.connected() for connection in living)
