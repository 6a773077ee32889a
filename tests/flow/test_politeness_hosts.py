"""How hosts are asked: one request at a time, with pauses, by any number of processes."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import psutil

from monitor.model import NotModified, Source, SourceState
from tests.support.clock import FakeClock
from tests.support.publishers import Feed, Publishers, by_host
from tests.support.simulation import Scheduler, a_feed, on_sqlite, together
from tests.support.stores import OpenStore

log = logging.getLogger(__name__)

FULL = os.environ.get("MONITOR_TEST_FULL") == "1"
GAP = timedelta(seconds=2)
MINUTE = 60
ONE = "127.6.0.1"


def feeds_of(publishers: Publishers) -> list[Source]:
    """Return fifty feeds of one host, and sixty of as many others."""
    places = [(ONE, f"/feed/{number}") for number in range(50)]
    places += [(f"127.6.1.{number}", "/feed") for number in range(1, 61)]
    return [
        a_feed(f"{host}{path}", publishers.answer(host, Feed(etag='"{n}"'), path))
        for host, path in places
    ]


def hasty(publishers: Publishers, gap: timedelta = GAP) -> list[tuple[str, timedelta]]:
    """Return the pauses between two requests to a host that were too short."""
    return [
        (host, b.at - a.at)
        for host, asked in by_host(publishers.requests).items()
        for a, b in pairwise(asked)
        if b.at - a.at < gap
    ]


def under_way(schedulers: Sequence[Scheduler]) -> int:
    """Return how many requests should be waiting for their answers."""
    return sum(min(one.poller.at_once, len(one.poller._running)) for one in schedulers)


async def polled_slowly(
    publishers: Publishers, clock: FakeClock, schedulers: Sequence[Scheduler], rounds: int
) -> Counter[str]:
    """Poll what is due, again and again, from servers that take five seconds for an answer,
    and then a few times none; return how many turns each process took."""
    taken: Counter[str] = Counter()
    for number in range(rounds):
        schedulers = schedulers[::-1]  # it is no use to be the first by habit
        publishers.hold()
        for pause in (0 if number % 4 else 5, 0):
            turns = await asyncio.gather(*(one.poller.poll_due() for one in schedulers))
            taken.update({one.owner: count for one, count in zip(schedulers, turns, strict=True)})
            await publishers.waits_for(under_way(schedulers))
            clock.advance(pause)
        publishers.release()
        for one in schedulers:
            await one.settled()
        clock.advance(1)
    return taken


async def test_fifty_feeds_of_a_host_are_asked_one_by_one_and_twenty_hosts_at_once(
    open_store: OpenStore, publishers: Publishers, clock: FakeClock
) -> None:
    store = await open_store()
    feeds = feeds_of(publishers)
    await store.declare(feeds, clock.now())
    scheduler = Scheduler(store, clock)
    await polled_slowly(publishers, clock, [scheduler], rounds=160)
    await scheduler.close()
    assert len({(one.host, one.target) for one in publishers.requests}) == len(feeds)
    assert (publishers.busiest, publishers.busiest_host) == (20, 1)
    assert hasty(publishers) == []


async def test_two_processes_ask_nobody_twice_or_at_the_same_time(
    open_store: OpenStore, publishers: Publishers, clock: FakeClock
) -> None:
    stores = [await open_store(), await open_store()]
    feeds = feeds_of(publishers)
    await stores[0].declare(feeds, clock.now())
    schedulers = [
        Scheduler(store, clock, owner=f"process {number}") for number, store in enumerate(stores)
    ]
    taken = await polled_slowly(publishers, clock, schedulers, rounds=160)
    await together(90 * MINUTE, *schedulers)
    for one in schedulers:
        await one.close()
    assert publishers.busiest_host == 1
    assert hasty(publishers) == []
    times: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for request in publishers.requests:
        times[request.host, request.target].append(request.at)
    assert len(times) == len(feeds)
    gaps = [b - a for asked in times.values() for a, b in pairwise(asked)]
    assert min(gaps) >= timedelta(minutes=15)
    hosts = await stores[0].hosts()
    assert sum(host.asked.requests for host in hosts) == len(publishers.requests)
    assert min(taken.values()) > 0, taken


class Unchanged:
    """Answers every source that nothing has changed, and watches how hosts are asked."""

    def __init__(self, clock: FakeClock) -> None:
        self.polls: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._clock = clock
        self._last: dict[str, datetime] = {}
        self._under_way: set[str] = set()

    async def fetch(self, state: SourceState) -> NotModified:
        """Return that nothing has changed."""
        host, now = state.source.location.split("/")[2], self._clock.now()
        if host in self._under_way:
            self.wrong.append(f"{host} is asked already")
        if host in self._last and now - self._last[host] < GAP:
            self.wrong.append(f"{host} was asked {now - self._last[host]} ago")
        self._under_way.add(host)
        self._last[host] = now
        self.polls[state.source.name] += 1
        await asyncio.sleep(0)
        self._under_way.discard(host)
        return NotModified(etag='"1"', last_modified="", body_hash="1")

    async def close(self) -> None:
        """Nothing is open."""


@on_sqlite
async def test_fifty_thousand_sources_keep_the_rules_in_the_same_memory(
    open_store: OpenStore, clock: FakeClock
) -> None:
    """Fifty sources each of 1,000 hosts, on a real database; the fetcher answers 304 by itself,
    without a network."""
    store = await open_store()
    names = [(f"{n}", f"http://wire.site{n % 1_000}.example/{n}") for n in range(50_000)]
    await store.declare([a_feed(name, url) for name, url in names], clock.now())
    fetcher = Unchanged(clock)
    scheduler = Scheduler(store, clock, fetcher=fetcher)
    process = psutil.Process()
    sizes = []
    for _ in range(50 if FULL else 8):
        await scheduler.run(2)
        sizes.append(process.memory_info().rss)
    await scheduler.close()
    assert fetcher.wrong == []
    assert set(fetcher.polls.values()) == {1}
    log.info("%d polls, MB: %s", len(fetcher.polls), [size >> 20 for size in sizes])
    assert len(fetcher.polls) >= 1_000 * len(sizes)
    assert sizes[-1] - sizes[len(sizes) // 2] < 10_000_000
