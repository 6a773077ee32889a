"""What every broker must do with several members of a group, some of which die."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

from monitor.channels import Channel
from monitor.events import Record
from monitor.protocols import Broker, Subscription
from tests.support.brokers import (
    DEADLINE,
    MemberProcess,
    numbered,
    records,
    running,
    take,
    until,
    values_of,
)

SERIAL = count()
"""Numbers the values of all calls: the id of a list may come back after its end."""


class Consuming:
    """A member that receives and commits in a task until it is told to end."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self._end = asyncio.Event()
        self.received: list[Record] = []

    async def run(self) -> None:
        while not self._end.is_set():
            batch = await self._subscription.receive(5, wait=0.2)
            self.received += batch
            await self._subscription.commit(batch)

    def end(self) -> None:
        self._end.set()


@asynccontextmanager
async def member(broker: Broker, channel: Channel, group: str) -> AsyncIterator[Consuming]:
    """Run a member of a group; at the end it leaves in good order."""
    async with broker.subscribe(channel, group) as subscription, asyncio.TaskGroup() as tasks:
        consuming = Consuming(subscription)
        tasks.create_task(consuming.run())
        try:
            yield consuming
        finally:
            consuming.end()


async def keep_sending_until_all_have(
    broker: Broker, channel: Channel, members: Sequence[Consuming]
) -> int:
    """Send until each member has received something from now on; return how many were sent."""
    marks = [len(one.received) for one in members]
    sent = 0

    async def all_have() -> bool:
        nonlocal sent
        await broker.send(channel, records(*(f"sent-{next(SERIAL)}" for _ in range(20))))
        sent += 20
        return all(len(one.received) > mark for one, mark in zip(members, marks, strict=True))

    await until(all_have)
    return sent


def partitions_of(received: Sequence[Record]) -> set[int]:
    """Return the partitions that records came from."""
    return {record.partition for record in received}


async def test_members_share_the_partitions_and_take_over_from_who_leaves(
    broker: Broker, channel: Channel
) -> None:
    async with member(broker, channel, "share") as first:
        async with member(broker, channel, "share") as second:
            sent = await keep_sending_until_all_have(broker, channel, [first, second])
            await until(lambda: _nothing_left(broker, channel, "share"))
            settled = len(first.received), len(second.received)
            sent += await keep_sending_until_all_have(broker, channel, [first, second])
            await until(lambda: _nothing_left(broker, channel, "share"))
            ours = partitions_of(first.received[settled[0] :])
            theirs = partitions_of(second.received[settled[1] :])
            assert len(ours) == len(theirs) == channel.partitions // 2
            assert not ours & theirs
        await broker.send(channel, records(*numbered(40)))
        await until(lambda: _nothing_left(broker, channel, "share"))
        assert partitions_of(first.received[-40:]) == set(range(channel.partitions))
    values = set(values_of(first.received)) | set(values_of(second.received))
    assert len(values) == sent + 40


async def test_more_members_than_partitions_leave_one_standing_by(
    broker: Broker, channel: Channel
) -> None:
    single = Channel(channel.name, partitions=1)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(broker.subscribe(single, "standby"))
        await broker.send(single, records("one"))
        assert len(await take(first, 1, commit=True)) == 1
        async with member(broker, single, "standby") as second:
            await stack.aclose()
            await broker.send(single, records("two"))
            await until(lambda: _nothing_left(broker, single, "standby"))
            assert values_of(second.received)[-1] == "two"


async def test_a_commit_of_who_has_left_is_harmless(broker: Broker, channel: Channel) -> None:
    await broker.send(channel, records(*numbered(30)))
    async with broker.subscribe(channel, "fenced") as gone:
        stale = await take(gone, 10)
    async with broker.subscribe(channel, "fenced") as present:
        received = await take(present, 30)
        await gone.commit(stale)
        assert await broker.lag(channel, "fenced") == 30
        await present.commit(received)
        await gone.commit(stale)
        assert await broker.lag(channel, "fenced") == 0
        assert not await present.receive(10, wait=0.3)
    assert sorted(values_of(received)) == sorted(numbered(30))


async def test_another_member_takes_over_from_a_killed_process(
    shared_url: str, channel: Channel
) -> None:
    async with running(shared_url) as broker:
        killed = MemberProcess(shared_url, channel, "killed")
        await killed.start()
        async with member(broker, channel, "killed") as survivor:
            await broker.send(channel, records(*numbered(40)))
            await until(lambda: _nothing_left(broker, channel, "killed"))
            lines = await killed.kill()
            await broker.send(channel, records(*(f"after-{at}" for at in range(40))))
            await until(lambda: _nothing_left(broker, channel, "killed"))
    received = {*lines, *values_of(survivor.received)}
    assert received == {*numbered(40), *(f"after-{at}" for at in range(40))}
    assert partitions_of(survivor.received[-40:]) == set(range(channel.partitions))


async def test_no_record_is_lost_when_the_consuming_process_is_killed(
    shared_url: str, channel: Channel
) -> None:
    async with running(shared_url) as broker:
        await broker.send(channel, records(*numbered(1_000)))
        processed: list[str] = []
        for _ in range(2):
            process = MemberProcess(shared_url, channel, "restarted")
            await process.start()
            for _ in range(130):
                await process.line()
            processed += await process.kill()
        async with broker.subscribe(channel, "restarted") as subscription:
            async with asyncio.timeout(DEADLINE):
                while await broker.lag(channel, "restarted"):
                    batch = await subscription.receive(500, wait=1)
                    processed += values_of(batch)
                    await subscription.commit(batch)
    assert set(processed) == set(numbered(1_000))
    assert len(processed) - 1_000 < 2 * 100  # what a kill repeats is about a batch


async def _nothing_left(broker: Broker, channel: Channel, group: str) -> bool:
    return await broker.lag(channel, group) == 0
