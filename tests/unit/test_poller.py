"""Polls on a real store: what counts as the source's failure, and what does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest

from monitor.errors import Unavailable
from monitor.model import Article, Document, Known, NotModified, Source, SourceState
from monitor.poller import Poller
from monitor.store import SqlStore
from monitor.telemetry import Health
from tests.support.articles import an_article
from tests.support.clock import START, FakeClock

SOURCE = Source(name="wire", type="feed", location="http://feed.example/")


class Outage(SqlStore):
    """A store whose database is away when it is asked what is known."""

    away = False

    async def known(self, article_ids: Sequence[str]) -> Mapping[str, Known]:
        if self.away:
            raise Unavailable("the database is away")
        return await super().known(article_ids)


class OneArticle:
    """A source with one article; `error` is raised instead of an answer."""

    error: Exception | None = None

    async def fetch(self, state: SourceState) -> Document | NotModified:
        if self.error:
            raise self.error
        return Document(url=SOURCE.location, body=b"feed", body_hash="hash", fetched=START)

    async def parse(self, source: Source, document: Document) -> tuple[Article, ...]:
        return (an_article(),)

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


async def polled(store: Outage, source: OneArticle) -> SourceState:
    poller = Poller(
        store=store,
        fetchers={"feed": source},
        parser=source,
        clock=FakeClock(),
        health=Health(),
        owner="test",
        recorded=asyncio.Event(),
    )
    assert await poller.poll_due() == 1
    while poller._running:
        await asyncio.wait(poller._running)
    (state,) = await store.sources()
    return state


async def test_a_poll_records_its_articles_and_its_validators(store: Outage) -> None:
    state = await polled(store, OneArticle())
    assert (state.body_hash, state.failures, state.last_outcome) == ("hash", 0, "changed")
    assert (await store.outbox_size()).unsent == 1


async def test_an_outage_of_the_database_is_no_failure_of_the_source(store: Outage) -> None:
    store.away = True
    state = await polled(store, OneArticle())
    assert (state.failures, state.body_hash, state.next_poll_at) == (0, "", START)


@pytest.mark.parametrize("error", [Unavailable("answered 503"), ZeroDivisionError("a bug")])
async def test_what_the_source_or_a_bug_in_its_fetcher_does_backs_off(
    store: Outage, error: Exception
) -> None:
    source = OneArticle()
    source.error = error
    state = await polled(store, source)
    assert (state.failures, state.body_hash) == (1, "")
    assert str(error) in state.last_error
    assert state.next_poll_at > START
