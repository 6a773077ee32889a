"""What a broker that is away does to those who use it: a clear error in time, and no more."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.conn import AIOKafkaConnection

from monitor.brokers import kafka_subscription, sqlite_thread
from monitor.brokers.kafka_client import retire, start
from monitor.brokers.kafka_subscription import KafkaSubscription
from monitor.brokers.sqlite import SqliteBroker
from monitor.channels import Channel
from monitor.errors import Stalled, Unavailable
from monitor.events import Record
from monitor.protocols import Broker
from tests.support.brokers import DEADLINE, records, running, take, until, values_of
from tests.support.kafka import KafkaServer


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


@pytest.mark.kafka
async def test_a_topic_that_the_server_does_not_know_yet_is_soon_asked_for_again(
    kafka_server: KafkaServer, channel: Channel
) -> None:
    server = kafka_server.url.removeprefix("kafka://")
    consumer = AIOKafkaConsumer(
        bootstrap_servers=server, group_id="early", metadata_max_age_ms=10**6
    )
    async with running(kafka_server.url) as broker:
        starting = asyncio.ensure_future(start(consumer, DEADLINE, "joining", topic=channel.name))
        await asyncio.wait({starting}, timeout=1.0)
        await broker.ensure([channel])
        await starting
        await until(lambda: _assigned(consumer, channel.partitions))
        await retire(consumer, DEADLINE)


@pytest.mark.kafka
async def test_a_channel_that_somebody_has_deleted_is_created_anew_for_its_reader(
    kafka_server: KafkaServer, channel: Channel
) -> None:
    async with running(kafka_server.url) as broker:
        await broker.ensure([channel])
        await kafka_server.delete(channel.name)
        receiving = asyncio.ensure_future(_first(broker, channel))
        await asyncio.wait({receiving}, timeout=1.0)
        await broker.send(channel, records("the first"))
        assert values_of(await receiving) == ["the first"]


@pytest.mark.kafka
async def test_a_client_that_gets_nothing_is_replaced_and_the_third_in_a_row_is_the_last(
    kafka_server: KafkaServer, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_subscription, "PROBE", 0.1)
    monkeypatch.setattr(kafka_subscription, "STUCK", 0.3)
    async with running(kafka_server.url) as broker:
        await broker.send(channel, records("first", "second", key="one"))
        for _ in range(2):
            with pytest.raises(Unavailable, match="the consumer is replaced"):
                await _receive_nothing(broker, channel)
        assert values_of(await _first(broker, channel)) == ["first"]
        for _ in range(2):
            with pytest.raises(Unavailable, match="the consumer is replaced"):
                await _receive_nothing(broker, channel)
        with pytest.raises(Stalled, match=r"for readers: 1 records wait.*start the process again"):
            await _receive_nothing(broker, channel)


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


async def _assigned(consumer: AIOKafkaConsumer, partitions: int) -> bool:
    """Return whether a consumer has all partitions."""
    return len(consumer.assignment()) == partitions


async def _first(broker: Broker, channel: Channel) -> Sequence[Record]:
    async with broker.subscribe(channel, "readers") as subscription:
        return await take(subscription, 1, commit=True)


async def _receive_nothing(broker: Broker, channel: Channel) -> None:
    """Receive with a client that keeps its partitions and gets nothing of them."""
    async with broker.subscribe(channel, "readers") as subscription:
        assert isinstance(subscription, KafkaSubscription)
        consumer = subscription._consumer
        await until(lambda: _assigned(consumer, channel.partitions))
        consumer.pause(*consumer.assignment())
        async with asyncio.timeout(DEADLINE):
            while True:
                assert not await subscription.receive(1, wait=0.1)


async def _refused(broker: Broker, channel: Channel, value: str) -> None:
    with pytest.raises(Unavailable):
        await broker.send(channel, records(value))


def _open_connections() -> int:
    gc.collect()
    living = [thing for thing in gc.get_objects() if isinstance(thing, AIOKafkaConnection)]
    return sum(connection.connected() for connection in living)
