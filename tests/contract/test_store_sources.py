"""Sources: how they are declared, added, changed and removed, on every database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitor.errors import Rejected
from monitor.model import Condition, Document, FullText, Known, Memory, Owner, SourceState
from monitor.store import SqlStore
from tests.support.articles import NOW, an_article
from tests.support.polls import LATER, a_poll, a_source, names
from tests.support.stores import OpenStore


async def polled(store: SqlStore, name: str, **fields: object) -> SourceState:
    """Poll a source and return how it stands after."""
    await store.lease_sources([name], NOW, "me", 60)
    await store.record_polls([a_poll(name, **fields)], "me")
    state = await store.source(name)
    assert state is not None
    return state


async def test_a_source_comes_back_as_it_was_declared(store: SqlStore) -> None:
    source = a_source(
        "wire",
        title="The Wire — 通信",
        interval=60,
        cron="0 6 * * *",
        full_text=FullText.ALWAYS,
        backlog=None,
        links="a.title",
        user_agent="x",
        password="${SECRET}",
    )
    await store.declare([source], NOW)
    assert await store.sources() == [SourceState(source=source, next_poll_at=NOW)]
    assert await store.source("wire") == SourceState(source=source, next_poll_at=NOW)
    assert await store.source("other") is None
    assert await store.source("\0") is None


async def test_how_many_sources_could_not_be_read(store: SqlStore) -> None:
    assert await store.failing(9) == (0, 0)
    sources = [a_source(name) for name in ("a", "b", "c", "gone")]
    await store.declare([*sources, a_source("paused", enabled=False)], NOW)
    assert await store.failing(9) == (0, 4), "one that waits for its first poll does not fail"
    await polled(store, "a", memory=Memory(failures=1))
    await polled(store, "b", memory=Memory(failures=0.25))
    await polled(store, "gone", memory=Memory(failures=2, condition=Condition.RETIRED))
    assert await store.failing(9) == (2, 3)
    assert await store.failing(1) == (1, 1)
    await polled(store, "a")
    assert await store.failing(9) == (1, 3)


async def test_a_declaration_keeps_the_schedule_and_removes_what_is_missing(
    store: SqlStore,
) -> None:
    await store.declare([a_source("wire"), a_source("gone")], NOW)
    state = await polled(store, "wire", articles=(an_article(),))
    changed = a_source("wire", title="Wire", enabled=False)
    await store.declare([changed], LATER)
    assert await store.sources() == [replace(state, source=changed)]
    assert await store.lease_turns(LATER, "me", 9, 60) == []
    await store.declare([a_source("wire")], LATER)
    assert names(await store.lease_turns(LATER, "me", 9, 60)) == ["wire"]
    await store.declare([], LATER)
    assert await store.sources() == []
    assert await store.known(["a1"]), "the articles stay"


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({"interval": 60}, NOW + timedelta(seconds=60)),
        ({"interval": 86_400}, LATER),
        ({"cron": "0 6 * * *"}, NOW),
        ({"title": "x"}, LATER),
    ],
)
async def test_a_new_schedule_counts_at_once(
    store: SqlStore, fields: dict[str, object], due: object
) -> None:
    await store.declare([a_source("wire")], NOW)
    before = await polled(store, "wire")
    await store.declare([a_source("wire", **fields)], NOW)
    state = await store.source("wire")
    assert state is not None
    assert (state.next_poll_at, state.memory) == (due, before.memory)


@pytest.mark.parametrize("fields", [{"location": "https://moved.example"}, {"type": "page"}])
async def test_a_new_type_or_location_starts_afresh(
    store: SqlStore, fields: dict[str, object]
) -> None:
    await store.declare([a_source("wire")], NOW)
    await polled(store, "wire", refused=Document(url="", body=b"", fetched=NOW))
    moved = a_source("wire", **fields)
    await store.declare([moved], NOW)
    assert await store.sources() == [SourceState(source=moved, next_poll_at=NOW)]
    assert await store.last_failure("wire") is None


async def test_a_poll_of_the_old_location_no_longer_counts(store: SqlStore) -> None:
    await store.declare([a_source("wire")], NOW)
    await store.lease_turns(NOW, "me", 10, 60)
    moved = a_source("wire", location="https://wire.example/other")
    await store.declare([moved], NOW)
    assert await store.lease_turns(NOW, "other", 9, 60) == [], "the host is being asked still"
    await store.record_polls([a_poll("wire")], "me")
    assert await store.sources() == [SourceState(source=moved, next_poll_at=NOW)]
    assert names(await store.lease_turns(LATER, "other", 9, 60)) == ["wire"]


async def test_a_declared_name_takes_a_users_source_over(store: SqlStore) -> None:
    await store.add_source(a_source("wire"), NOW)
    await store.add_source(a_source("mine"), NOW)
    state = await polled(store, "wire")
    await store.declare([a_source("wire")], LATER)
    wire = await store.source("wire")
    assert wire == replace(state, source=a_source("wire", owner=Owner.CONFIG))
    await store.declare([], LATER)
    assert [state.source.name for state in await store.sources()] == ["mine"]


async def test_a_user_adds_changes_and_removes_a_source(store: SqlStore) -> None:
    await store.add_source(a_source("mine"), NOW)
    state = await polled(store, "mine")
    assert state.source == a_source("mine", owner=Owner.USER)
    await store.change_source(a_source("mine", title="Mine"), LATER)
    titled = a_source("mine", title="Mine", owner=Owner.USER)
    assert await store.source("mine") == replace(state, source=titled)
    moved = a_source("mine", location="https://b.example", owner=Owner.USER)
    await store.change_source(moved, LATER)
    assert await store.source("mine") == SourceState(source=moved, next_poll_at=LATER)
    (turn,) = await store.lease_turns(LATER, "me", 9, 60)
    assert turn.host == "b.example"
    await store.remove_source("mine")
    assert await store.sources() == []


async def test_many_sources_are_added_at_once_less_those_that_are_taken(store: SqlStore) -> None:
    await store.declare([a_source("wire")], NOW)
    taken = a_source("copy", location="https://wire.example/feed")
    twice = a_source("twice", location="https://new.example/feed")
    refused = await store.add_sources([a_source("new"), a_source("wire"), taken, twice], NOW)
    assert refused == {
        "wire": "there is a source 'wire' already",
        "copy": "https://wire.example/feed is followed already, as source 'wire'",
        "twice": "https://new.example/feed is followed already, as source 'new'",
    }
    followed = {state.source.name: state.source.owner for state in await store.sources()}
    assert followed == {"wire": Owner.CONFIG, "new": Owner.USER}
    assert set(names(await store.lease_turns(NOW, "me", 9, 60))) == {"new", "wire"}


async def test_a_host_is_forgotten_once_nothing_of_it_is_followed(store: SqlStore) -> None:
    await store.declare([a_source("wire"), a_source("other"), a_source("off", enabled=False)], NOW)
    await polled(store, "wire")
    assert await store.prune_hosts(LATER) == 0
    await store.declare([a_source("other"), a_source("off", enabled=False)], NOW)
    assert await store.prune_hosts(NOW - timedelta(days=1)) == 0, "it is to be left alone still"
    assert await store.prune_hosts(LATER) == 1
    assert [report.host for report in await store.hosts()] == ["off.example", "other.example"]
    await store.add_source(a_source("wire"), LATER)
    assert set(names(await store.lease_turns(LATER, "me", 9, 60))) == {"other", "wire"}


Change = Callable[[SqlStore], Awaitable[None]]


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.add_source(a_source("wire", location="https://x.example"), NOW),
        lambda store: store.add_source(a_source("x", location="https://wire.example/feed"), NOW),
        lambda store: store.change_source(a_source("wire"), NOW),
        lambda store: store.change_source(a_source("none"), NOW),
        lambda store: store.change_source(replace(a_source("wire"), name="mine"), NOW),
        lambda store: store.remove_source("wire"),
        lambda store: store.remove_source("none"),
    ],
)
async def test_what_is_not_the_users_is_refused(store: SqlStore, change: Change) -> None:
    await store.declare([a_source("wire")], NOW)
    await store.add_source(a_source("mine"), NOW)
    before = await store.sources()
    with pytest.raises(Rejected, match="source '"):
        await change(store)
    assert await store.sources() == before


async def test_of_users_at_once_one_gets_the_name(open_store: OpenStore) -> None:
    stores = [await open_store() for _ in range(3)]
    added = await asyncio.gather(
        *(store.add_source(a_source("mine"), NOW) for store in stores), return_exceptions=True
    )
    assert sorted(str(result is None) for result in added) == ["False", "False", "True"]


async def test_a_memory_that_cannot_be_read_starts_afresh(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.declare([a_source("wire")], NOW)
    with monkeypatch.context() as patch:
        patch.setattr("monitor.store.polls.pack", lambda memory: b"\xc1")
        await store.lease_turns(NOW, "me", 9, 60)
        await store.record_polls([a_poll("wire")], "me")
    state = await store.source("wire")
    assert state is not None
    assert (state.memory, state.next_poll_at) == (Memory(), LATER)


async def test_known_tells_the_newest_revision_and_every_text(store: SqlStore) -> None:
    articles = [
        an_article(id="a", revision=1, content_hash="h1"),
        an_article(id="a", revision=2, content_hash="h2"),
        an_article(id="b", content_hash="h3"),
    ]
    await store.record_articles(articles)
    assert await store.known(["a", "b", "c"]) == {
        "a": Known(revision=2, content_hash="h2", hashes=frozenset({"h1", "h2"})),
        "b": Known(revision=1, content_hash="h3", hashes=frozenset({"h3"})),
    }
    assert await store.known([]) == {}


async def test_recorded_articles_are_told_from_known_ones(store: SqlStore) -> None:
    assert await store.record_articles([]) == []
    assert await store.record_articles([an_article(id="b"), an_article(id="a")]) == ["b", "a"]
    again = [an_article(id="a"), an_article(id="a", revision=2), an_article(id="c")]
    assert await store.record_articles(again) == ["a", "c"]


async def test_lists_are_read_in_parts(store: SqlStore) -> None:
    await store.declare([a_source(name) for name in ("c", "a", "d", "b")], NOW)

    async def listed(*wanted: Any) -> list[str]:
        return [state.source.name for state in await store.sources(*wanted)]

    assert await listed() == ["a", "b", "c", "d"]
    assert await listed("", 2) == ["a", "b"]
    assert await listed("b", 2) == ["c", "d"]
    assert await listed("b") == ["c", "d"]
    assert await listed("bb", 1) == ["c"]
    assert await listed("d", 2) == []
    assert await listed("", 2, "b") == ["b", "c"]
    assert await listed("", None, "bb") == ["c", "d"]
    assert await listed("c", None, "a") == ["d"]


async def test_titles_are_read_alone(store: SqlStore) -> None:
    sources = [a_source("b", title="The Wire — 通信"), a_source("a"), a_source("c", title="C")]
    await store.declare(sources, NOW)
    titles = await store.titles()
    assert list(titles.items()) == [("a", "a"), ("b", "The Wire — 通信"), ("c", "C")]
    assert await store.titles({"c", "a", "none"}) == {"a": "a", "c": "C"}
    assert await store.titles([]) == {}
    assert await store.titles(limit=2) == {"a": "a", "b": "The Wire — 通信"}
