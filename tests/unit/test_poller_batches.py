"""Many visits on a real store: what is done once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from monitor.model import Document, FullText, NotModified, Poll, Source, SourceState, Turn
from monitor.poller import AHEAD
from monitor.store import SqlStore
from tests.support.clock import START, FakeClock
from tests.support.simulation import Scheduler

BODY = b"""<rss version="2.0"><channel><title>Wire</title><item><title>Harbour reopens</title>
<link>http://feed0.example/1</link><guid>1</guid></item></channel></rss>"""


class Watched(SqlStore):
    """A store that notes its transactions."""

    leased: list[int]
    recorded: list[int]

    async def lease_turns(
        self, now: datetime, owner: str, limit: int, lease: float
    ) -> Sequence[Turn]:
        turns = await super().lease_turns(now, owner, limit, lease)
        self.leased.append(len(turns))
        return turns

    async def record_polls(self, batch: Sequence[Poll], owner: str) -> Sequence[int]:
        counts = await super().record_polls(batch, owner)
        self.recorded.append(len(batch))
        return counts


class Publisher:
    """Answers with one article; `silent` sources never get an answer."""

    def __init__(self, *silent: str) -> None:
        self.silent = silent

    async def fetch(self, state: SourceState) -> Document | NotModified:
        if state.source.name in self.silent:
            await asyncio.Event().wait()
        url = state.source.location
        return Document(url=url, body=BODY, body_hash="hash", fetched=START)

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Watched]:
    opened = Watched.from_url(f"sqlite+aiosqlite:///{tmp_path}/monitor.db")
    assert isinstance(opened, Watched)
    opened.leased, opened.recorded = [], []
    await opened.start()
    await opened.migrate()
    yield opened
    await opened.stop()


async def following(store: Watched, publisher: Publisher, count: int) -> Scheduler:
    """Return what polls so many sources, each on a host of its own."""
    sources = [
        Source(
            name=f"feed-{number}",
            type="feed",
            location=f"http://feed{number}.example/",
            full_text=FullText.NEVER,
        )
        for number in range(count)
    ]
    await store.declare(sources, START)
    return Scheduler(store, FakeClock(), fetcher=publisher)


async def test_turns_are_taken_once_at_a_time_and_never_more_than_are_ahead(
    store: Watched,
) -> None:
    scheduler = await following(store, Publisher(), count=130)
    poller = scheduler.poller
    taken = await asyncio.gather(*(poller.poll_due() for _ in range(3)))
    assert taken == [100, 0, 0]
    assert len(poller._visits) == poller.at_once * AHEAD
    await scheduler.settled()
    assert store.leased[0] == 100
    assert sum(store.leased) == 130  # the rest was taken without another tick


async def test_visits_that_finish_together_are_recorded_together(store: Watched) -> None:
    scheduler = await following(store, Publisher(), count=60)
    await scheduler.poller.poll_due()
    await scheduler.settled()
    assert sum(store.recorded) == 60
    assert len(store.recorded) < 30
    assert {state.memory.last_outcome for state in await store.sources()} == {"changed"}


async def test_a_slow_host_does_not_hold_up_what_the_others_brought(store: Watched) -> None:
    scheduler = await following(store, Publisher("feed-0"), count=3)
    await scheduler.poller.poll_due()
    while sum(store.recorded) < 2:
        assert scheduler.poller._running
        await asyncio.sleep(0)
    await scheduler.close()


async def test_draining_records_what_has_its_answer_and_gives_up_the_rest(
    store: Watched,
) -> None:
    scheduler = await following(store, Publisher("feed-0"), count=3)
    await scheduler.poller.poll_due()
    while len(scheduler.poller._visits) > 1:
        await asyncio.sleep(0)
    await scheduler.close()
    outcomes = {state.source.name: state.memory.last_outcome for state in await store.sources()}
    assert outcomes == {"feed-0": "", "feed-1": "changed", "feed-2": "changed"}
    assert await scheduler.poller.poll_due() == 0
