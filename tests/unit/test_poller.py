"""Visits on a real store: what counts as the source's failure, and what does not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.errors import Rejected, Unavailable
from monitor.model import (
    Document,
    Known,
    Memory,
    NotModified,
    PageText,
    Parsed,
    Poll,
    Source,
    SourceState,
    Survey,
)
from monitor.poller import Poller
from monitor.store import SqlStore
from monitor.telemetry import Health
from monitor.visitor import Visitor
from tests.support.articles import an_article
from tests.support.clock import START, FakeClock

SOURCE = Source(name="wire", type="feed", location="http://feed.example/")


class Outage(SqlStore):
    """A store whose database is away when it is asked what is known, or refuses articles."""

    away = False
    refuses = False

    async def known(self, article_ids: Sequence[str]) -> Mapping[str, Known]:
        if self.away:
            raise Unavailable("the database is away")
        return await super().known(article_ids)

    async def record_polls(self, polls: Sequence[Poll], owner: str) -> Sequence[int]:
        if self.refuses and any(poll.articles for poll in polls):
            raise Rejected("the database refuses a row")
        return await super().record_polls(polls, owner)


class OneArticle:
    """A source with one article; `error` is raised instead of an answer, which waits for `go`."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()

    async def fetch(self, state: SourceState) -> Document | NotModified:
        self.asked.set()
        await self.go.wait()
        if self.error:
            raise self.error
        return Document(url=SOURCE.location, body=b"feed", body_hash="hash", fetched=START)

    async def get(self, url: str, *, max_bytes: int = 0, user_agent: str = "") -> Document:
        raise Unavailable("there is nothing else", status=404)

    async def parse(self, source: Source, document: Document, memory: Memory) -> Parsed:
        return Parsed(articles=(an_article(body="A word. " * 100),))

    async def extract(self, document: Document) -> PageText:
        return PageText()

    async def survey(self, document: Document) -> Survey:
        return Survey()

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Outage]:
    opened = Outage.from_url(f"sqlite+aiosqlite:///{tmp_path}/monitor.db")
    assert isinstance(opened, Outage)
    await opened.start()
    await opened.migrate()
    await opened.declare([SOURCE], START)
    yield opened
    await opened.stop()


def a_poller(store: Outage, source: OneArticle) -> Poller:
    clock = FakeClock()
    visitor = Visitor(store, {"feed": source}, source, source, clock, "newsmonitor/1")
    return Poller(
        store=store,
        visitor=visitor,
        clock=clock,
        health=Health(),
        owner="test",
        recorded=asyncio.Event(),
    )


async def polled(
    store: Outage, source: OneArticle, poller: Poller | None = None, after: float = 0.0
) -> SourceState:
    poller = poller or a_poller(store, source)
    assert isinstance(poller.clock, FakeClock)
    poller.clock.advance(after)
    assert await poller.poll_due() == 1
    while poller._running:
        await asyncio.wait(poller._running)
    (state,) = await store.sources()
    return state


async def test_a_poll_records_its_articles_and_its_validators(store: Outage) -> None:
    memory = (await polled(store, OneArticle())).memory
    assert (memory.body_hash, memory.failures, memory.last_outcome) == ("hash", 0, "changed")
    assert (await store.outbox_size()).unsent == 1


async def test_an_outage_of_the_database_is_no_failure_of_the_source(store: Outage) -> None:
    store.away = True
    state = await polled(store, OneArticle())
    assert (state.memory, state.next_poll_at) == (Memory(), START)


async def test_a_source_that_breaks_is_a_warning_and_one_that_recovers_is_none(
    store: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "monitor.poller")
    source = OneArticle()
    await polled(store, source)
    poller = a_poller(store, source)
    for error, days in ((Rejected("no feed"), 3), (None, 1)):
        source.error = error
        for _ in range(days):
            await polled(store, source, poller, after=86_400)
    told = [(one.levelname, one.message) for one in caplog.records if "' is " in one.message]
    assert told == [
        ("WARNING", "'wire' is failing: no feed, since Tuesday"),
        ("INFO", "'wire' is working: answers again after 3 days"),
    ]


async def by_hand(store: Outage, poller: Poller) -> Poll:
    turns = await store.lease_sources([], poller.clock.now(), "test", 60)
    ((poll, _),) = await poller.poll_turns(turns)
    return poll


async def test_polls_by_hand_that_fail_leave_the_schedule_as_it_is(store: Outage) -> None:
    source = OneArticle()
    before = await polled(store, source)
    source.error = Unavailable("answered 500", None, 500)
    poller = a_poller(store, source)
    for count in range(1, 4):
        poll = await by_hand(store, poller)
        (state,) = await store.sources()
        assert state.next_poll_at == before.next_poll_at
        assert (state.memory.failures, len(state.memory.polls)) == (0.5, 1 + count)
        assert poll.memory.last_error == "answered 500"
    source.error = None
    assert (await by_hand(store, poller)).memory.failures == 0


async def test_a_poll_by_hand_asks_nobody_before_a_retry_after_ends(store: Outage) -> None:
    source = OneArticle()
    await polled(store, source)
    source.error = Unavailable("answered 429", 7_200.0, 429)
    poller = a_poller(store, source)
    await by_hand(store, poller)
    (held,) = await store.sources()
    until = held.memory.quiet_until
    assert until == START + timedelta(hours=2)
    assert held.next_poll_at >= until
    source.error = None
    source.asked.clear()
    poll = await by_hand(store, poller)
    assert poll.postponed
    assert not source.asked.is_set()
    assert (await store.sources())[0].memory == held.memory
    await store.poll_soon("wire", START)
    state = await polled(store, source, poller, after=60)
    assert state.next_poll_at >= until, "nor does the service ask"
    assert not source.asked.is_set()
    assert (await polled(store, source, poller, after=7_200)).memory.quiet_until is None
    assert source.asked.is_set()


@pytest.mark.parametrize("error", [Unavailable("answered 503"), ZeroDivisionError("a bug")])
async def test_what_the_source_or_a_bug_in_its_fetcher_does_backs_off(
    store: Outage, error: Exception
) -> None:
    source = OneArticle()
    source.error = error
    state = await polled(store, source)
    assert state.memory.failures > 0
    assert state.memory.body_hash == ""
    assert str(error) in state.memory.last_error
    assert state.next_poll_at > START


async def test_articles_that_the_database_refuses_are_a_failed_poll(store: Outage) -> None:
    store.refuses = True
    memory = (await polled(store, OneArticle())).memory
    assert "the database refuses a row" in memory.last_error
    assert memory.body_hash == "", "so the same body comes again"
    assert (await store.outbox_size()).unsent == 0


async def test_who_drains_gives_up_what_has_no_answer_yet(store: Outage) -> None:
    source = OneArticle()
    source.go.clear()
    poller = a_poller(store, source)
    assert await poller.poll_due() == 1
    await source.asked.wait()
    await poller.drain()
    (state,) = await store.sources()
    assert (state.memory, state.next_poll_at) == (Memory(), START)
    assert await poller.poll_due() == 0
