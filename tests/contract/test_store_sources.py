"""Sources, their schedule and what is known of their items, on every database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from monitor.model import Known, Owner, Poll, Source, SourceState
from monitor.store import SqlStore
from tests.support.articles import NOW, an_article
from tests.support.stores import OpenStore

LATER = NOW + timedelta(minutes=15)


def a_source(name: str, **fields: Any) -> Source:
    return Source(**{"name": name, "type": "feed", "location": f"https://{name}.example", **fields})


def a_poll(source: str, **fields: Any) -> Poll:
    return Poll(
        **{
            "source": source,
            "outcome": "new",
            "polled_at": NOW,
            "next_poll_at": LATER,
            "etag": '"1"',
            "last_modified": "yesterday",
            "body_hash": "b1",
            **fields,
        }
    )


def names(states: Any) -> list[str]:
    return [state.source.name for state in states]


async def test_a_new_source_is_due_at_once_and_comes_back_as_it_was_declared(
    store: SqlStore,
) -> None:
    source = a_source("wire", title="The Wire — 通信", interval=60)
    await store.declare([source], NOW)
    assert await store.sources() == [SourceState(source=source, next_poll_at=NOW)]
    assert await store.lease_due(NOW, "me", 10, 60) == await store.sources()


async def test_a_declaration_keeps_the_schedule_and_removes_what_is_missing(
    store: SqlStore,
) -> None:
    await store.declare([a_source("wire"), a_source("gone")], NOW)
    await store.lease_due(NOW, "me", 10, 60)
    await store.record_poll(a_poll("wire", articles=(an_article(),)), "me")
    changed = a_source("wire", interval=30, enabled=False)
    await store.declare([changed], LATER)
    (state,) = await store.sources()
    assert state.source == changed
    assert (state.next_poll_at, state.etag) == (LATER, '"1"')
    assert state.last_polled_at == NOW
    await store.declare([], LATER)
    assert await store.sources() == []
    assert await store.known(["a1"]), "the articles stay"


async def test_a_new_location_starts_afresh(store: SqlStore) -> None:
    await store.declare([a_source("wire")], NOW)
    await store.lease_due(NOW, "me", 10, 60)
    await store.record_poll(a_poll("wire", failures=3, error="x"), "me")
    moved = a_source("wire", location="https://moved.example")
    await store.declare([moved], NOW)
    assert await store.sources() == [SourceState(source=moved, next_poll_at=NOW)]


async def test_a_poll_of_the_old_location_no_longer_counts(store: SqlStore) -> None:
    await store.declare([a_source("wire")], NOW)
    await store.lease_due(NOW, "me", 10, 60)
    await store.declare([a_source("wire", location="https://moved.example")], NOW)
    await store.record_poll(a_poll("wire"), "me")
    (state,) = await store.sources()
    assert (state.next_poll_at, state.etag) == (NOW, "")


async def test_a_source_of_a_user_is_left_alone(store: SqlStore) -> None:
    await store.declare([a_source("mine", owner=Owner.USER), a_source("wire")], NOW)
    await store.declare([a_source("wire")], NOW)
    assert names(await store.sources()) == ["mine", "wire"]


async def test_the_one_that_waits_longest_is_leased_first(store: SqlStore) -> None:
    await store.declare([a_source("late")], NOW)
    await store.declare([a_source("late"), a_source("early")], NOW - timedelta(1))
    await store.declare(
        [a_source("late"), a_source("early"), a_source("off", enabled=False)], NOW - timedelta(2)
    )
    assert names(await store.lease_due(NOW, "me", 1, 60)) == ["early"]
    assert names(await store.lease_due(NOW, "me", 9, 60)) == ["late"]
    assert await store.lease_due(NOW, "me", 9, 60) == []


async def test_a_lapsed_lease_passes_on_and_its_poll_leaves_the_schedule(store: SqlStore) -> None:
    await store.declare([a_source("wire")], NOW)
    await store.lease_due(NOW, "slow", 1, lease=60)
    assert await store.lease_due(NOW + timedelta(seconds=60), "quick", 1, 60) == []
    assert names(await store.lease_due(NOW + timedelta(seconds=61), "quick", 1, 60)) == ["wire"]
    assert await store.record_poll(a_poll("wire", articles=(an_article(),)), "slow") == 1
    (state,) = await store.sources()
    assert (state.next_poll_at, state.etag) == (NOW, ""), "but its articles are kept"
    await store.record_poll(a_poll("wire", etag='"2"'), "quick")
    (state,) = await store.sources()
    assert (state.next_poll_at, state.etag) == (LATER, '"2"')


async def test_a_poll_gives_its_lease_back(store: SqlStore) -> None:
    await store.declare([a_source("wire")], NOW)
    await store.lease_due(NOW, "me", 1, lease=3600)
    await store.record_poll(a_poll("wire", outcome="failed", failures=2, error="503"), "me")
    (state,) = await store.lease_due(LATER, "other", 1, 60)
    assert (state.failures, state.last_outcome, state.last_error) == (2, "failed", "503")


async def test_leasers_at_once_never_get_the_same_source(open_store: OpenStore) -> None:
    stores = [await open_store() for _ in range(3)]
    await stores[0].declare([a_source(f"s{number:02}") for number in range(40)], NOW)
    leases = await asyncio.gather(
        *(stores[turn % 3].lease_due(NOW, f"owner{turn}", 7, 60) for turn in range(12))
    )
    leased = [name for lease in leases for name in names(lease)]
    assert len(leased) == len(set(leased))
    leased += names(await stores[0].lease_due(NOW, "rest", 40, 60))
    assert sorted(leased) == [f"s{number:02}" for number in range(40)]


async def test_named_sources_are_leased_whether_due_or_not(store: SqlStore) -> None:
    await store.declare([a_source(n, enabled=n != "off") for n in ("a", "b", "c", "off")], NOW)
    await store.lease_due(NOW, "me", 9, 60)
    for name in "abc":
        await store.record_poll(a_poll(name), "me")
    assert names(await store.lease_named(["b", "off", "none"], NOW, "me", 60)) == ["b", "off"]
    assert names(await store.lease_named([], NOW, "other", 60)) == ["a", "c"]
    assert names(await store.lease_named([], NOW, "me", 60)) == ["b"], "one's own come again"


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


async def test_a_poll_recorded_twice_makes_its_rows_once(store: SqlStore) -> None:
    await store.declare([a_source("wire")], NOW)
    poll = a_poll("wire", articles=(an_article(id="a"), an_article(id="b"), an_article(id="a")))
    assert await store.record_poll(poll, "me") == 2
    assert await store.record_poll(poll, "me") == 0
    assert [row.article.id for row in await store.unsent(10)] == ["a", "b"]


async def test_recorded_articles_are_told_from_known_ones(store: SqlStore) -> None:
    assert await store.record_articles([]) == []
    assert await store.record_articles([an_article(id="b"), an_article(id="a")]) == ["b", "a"]
    again = [an_article(id="a"), an_article(id="a", revision=2), an_article(id="c")]
    assert await store.record_articles(again) == ["a", "c"]
