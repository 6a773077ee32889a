"""What every broker must do with one member of a group; the members' sharing is beside it."""

from __future__ import annotations

import asyncio
import os
import random
from collections import defaultdict
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from monitor.channels import Channel
from monitor.errors import ConfigError, Rejected
from monitor.events import NewRecord
from monitor.protocols import Broker
from tests.support.brokers import DEADLINE, connect, numbered, records, running, take, values_of


async def test_order_is_kept_per_key(broker: Broker, channel: Channel) -> None:
    chance = random.Random(3)
    sent: dict[bytes, list[bytes]] = defaultdict(list)
    for start in range(0, 300, 30):
        batch = []
        for number in range(start, start + 30):
            key = f"key-{chance.randrange(9)}".encode()
            batch.append(NewRecord(key=key, value=str(number).encode()))
            sent[key].append(batch[-1].value)
        await broker.send(channel, batch)
    async with broker.subscribe(channel, "order") as subscription:
        received = await take(subscription, 300, limit=7, commit=True)
    got: dict[bytes, list[bytes]] = defaultdict(list)
    places: dict[bytes, set[int]] = defaultdict(set)
    for record in received:
        got[record.key].append(record.value)
        places[record.key].add(record.partition)
    assert got == sent
    assert all(len(partitions) == 1 for partitions in places.values())
    assert len({record.partition for record in received}) > 1


async def test_keys_values_and_headers_are_kept_to_the_byte(
    broker: Broker, channel: Channel
) -> None:
    every = bytes(range(256))
    headers = {"ce_id": every, "leer": b"", "ключ": "é".encode()}
    await broker.send(channel, [NewRecord(key=every, value=every * 3, headers=headers)])
    await broker.send(channel, [NewRecord(key=b"", value=b"")])
    async with broker.subscribe(channel, "bytes") as subscription:
        first, second = sorted(
            await take(subscription, 2), key=lambda record: len(record.key), reverse=True
        )
    assert (first.key, first.value, first.headers) == (every, every * 3, headers)
    assert (second.key, second.value, second.headers) == (b"", b"", {})
    assert first.channel == channel.name
    assert first.appended.tzinfo is not None


async def test_offsets_count_the_records_of_a_partition(broker: Broker) -> None:
    channel = Channel(f"test.{os.urandom(8).hex()}", partitions=1)
    for start in range(0, 200, 70):
        await broker.send(channel, records(*numbered(200)[start : start + 70]))
    async with broker.subscribe(channel, "offsets") as subscription:
        received = await take(subscription, 200, limit=33)
    assert [record.offset for record in received] == list(range(200))
    assert values_of(received) == numbered(200)


async def test_a_record_at_the_limit_passes_and_one_beyond_is_rejected(
    broker: Broker, channel: Channel
) -> None:
    small = replace(channel, max_bytes=100_000)
    large = NewRecord(key=b"k", value=os.urandom(100_000 - 300), headers={"h": b"x" * 50})
    await broker.send(small, [large, large])
    with pytest.raises(Rejected) as caught:
        await broker.send(small, [NewRecord(key=b"k", value=os.urandom(100_001))])
    assert small.name in str(caught.value)
    assert "100000 bytes" in str(caught.value)
    default = replace(channel, name=f"{channel.name}.default")
    huge = NewRecord(key=b"k", value=os.urandom(default.max_bytes - 1_000))
    await broker.send(default, [huge, huge, huge])
    async with broker.subscribe(small, "large") as subscription:
        assert [record.value for record in await take(subscription, 2)] == [large.value] * 2
    async with broker.subscribe(default, "large") as subscription:
        assert [record.value for record in await take(subscription, 3)] == [huge.value] * 3


async def test_ten_thousand_records(broker: Broker, channel: Channel) -> None:
    names = numbered(10_000)
    for start in range(0, 10_000, 1_000):
        await broker.send(channel, records(*names[start : start + 1_000]))
    async with broker.subscribe(channel, "many") as subscription:
        received = await take(subscription, 10_000, commit=True)
        assert not await subscription.receive(10, wait=0.1)
    assert sorted(values_of(received)) == sorted(names)
    assert await broker.lag(channel, "many") == 0


async def test_an_unknown_channel_is_created_as_declared(broker: Broker, channel: Channel) -> None:
    declared = replace(channel, partitions=3, retention=3_600, max_bytes=200_000)
    async with broker.subscribe(declared, "early") as subscription:
        await broker.send(declared, records(*numbered(50)))
        received = await take(subscription, 50)
    assert {record.partition for record in received} == {0, 1, 2}
    assert await broker.ensure([declared]) == []


async def test_settings_that_differ_are_named_with_a_cure(broker: Broker, channel: Channel) -> None:
    assert await broker.ensure([channel]) == []
    other = Channel(channel.name, partitions=9, retention=60, max_bytes=4_321)
    sentences = await broker.ensure([other])
    assert len(sentences) == 3
    for sentence, parts in zip(
        sentences, (("4", "9"), ("604800", "60"), ("1048576", "4321")), strict=True
    ):
        assert sentence.endswith(".")
        assert all(part in sentence for part in (*parts, channel.name, "declare "))


async def test_reading_from_the_start_ends_with_what_was_there(
    broker: Broker, channel: Channel
) -> None:
    await broker.send(channel, records(*numbered(700)))
    seen: list[str] = []
    async for record in broker.read(channel, from_start=True, follow=False):
        if not seen:
            await broker.send(channel, records("later"))
        seen.append(record.value.decode())
    assert sorted(seen) == sorted(numbered(700))
    assert [r async for r in broker.read(channel, from_start=False, follow=False)] == []


async def test_following_from_now_sees_only_what_comes(broker: Broker, channel: Channel) -> None:
    await broker.send(channel, records("old"))
    tail = broker.read(channel, from_start=False, follow=True)
    reading = asyncio.ensure_future(anext(tail))
    sent = 0
    async with asyncio.timeout(DEADLINE):
        while not reading.done():  # when "now" was is for the reader to say
            await broker.send(channel, records(f"new-{sent}"))
            sent += 1
            await asyncio.wait({reading}, timeout=0.1)
    assert (await reading).value.startswith(b"new-")
    assert isinstance(tail, AsyncGenerator)
    await tail.aclose()


async def test_groups_are_independent_and_begin_at_the_first_record(
    broker: Broker, channel: Channel
) -> None:
    await broker.send(channel, records(*numbered(20)))
    for group in ("one", "two"):
        assert await broker.lag(channel, group) == 20
        async with broker.subscribe(channel, group) as subscription:
            assert len(await take(subscription, 20, commit=True)) == 20
        assert await broker.lag(channel, group) == 0


async def test_a_group_resumes_after_its_commit(broker: Broker, channel: Channel) -> None:
    single = replace(channel, partitions=1)
    await broker.send(single, records(*numbered(30)))
    async with broker.subscribe(single, "resume") as subscription:
        first = await take(subscription, 20)
        await subscription.commit(first[:8])
        assert await broker.lag(single, "resume") == 22
    async with broker.subscribe(single, "resume") as subscription:
        again = await take(subscription, 22)
    assert values_of(again) == numbered(30)[8:]


async def test_nothing_is_received_twice(broker: Broker, channel: Channel) -> None:
    await broker.send(channel, records(*numbered(40)))
    async with broker.subscribe(channel, "once") as subscription:
        assert len(await take(subscription, 40, limit=9)) == 40
        assert not await subscription.receive(10, wait=0.5)


async def test_receiving_waits_for_what_is_sent(broker: Broker, channel: Channel) -> None:
    async with broker.subscribe(channel, "waiting") as subscription:
        await broker.send(channel, records("first"))
        await take(subscription, 1)  # now the partitions are ours
        waiting = asyncio.ensure_future(subscription.receive(10, wait=DEADLINE))
        await broker.send(channel, records("hello"))
        async with asyncio.timeout(5):
            assert values_of(await waiting) == ["hello"]


async def test_lag_of_what_nobody_knows_is_nothing(broker: Broker, channel: Channel) -> None:
    assert await broker.lag(channel, "nobody") == 0


async def test_sending_nothing_does_nothing(broker: Broker, channel: Channel) -> None:
    await broker.send(channel, [])
    assert await broker.lag(channel, "nobody") == 0


async def test_what_was_sent_is_there_after_a_restart(shared_url: str, channel: Channel) -> None:
    async with running(shared_url) as broker:
        await broker.send(channel, records(*numbered(10)))
    async with running(shared_url) as broker:
        assert await broker.lag(channel, "restart") == 10
        async with broker.subscribe(channel, "restart") as subscription:
            assert sorted(values_of(await take(subscription, 10))) == numbered(10)


async def test_another_process_s_records_arrive(shared_url: str, channel: Channel) -> None:
    async with (
        running(shared_url) as here,
        running(shared_url) as there,
        here.subscribe(channel, "far") as subscription,
    ):
        await there.send(channel, records("from afar"))
        assert values_of(await take(subscription, 1)) == ["from afar"]


@pytest.mark.parametrize(
    "url", ["sqlite:", "sqlite://", "sqlite:///", "kafka://", "kafka://host", "kafka://h:x"]
)
def test_a_url_that_names_nothing_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"write (sqlite|kafka)://"):
        connect(url)
