"""Turns of hosts, on every database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from monitor.errors import Rejected
from monitor.model import (
    Asked,
    Condition,
    Document,
    HostReport,
    Known,
    Memory,
    PollNote,
    Source,
    SourceChange,
)
from monitor.store import SqlStore
from tests.support.articles import NOW, an_article
from tests.support.polls import LATER, SOON, a_poll, a_source, names, sent
from tests.support.stores import OpenStore

BODY = an_article().body


def shared(name: str, **fields: Any) -> Source:
    return a_source(name, location=f"https://{name}.shared.example/feed", **fields)


async def test_a_new_source_has_its_turn_at_once(store: SqlStore) -> None:
    await store.declare([a_source("wire")], NOW)
    (turn,) = await store.lease_turns(NOW, "me", 10, 60)
    assert (turn.host, turn.state, turn.page) == ("wire.example", await store.source("wire"), None)
    assert await store.lease_turns(NOW, "other", 10, 60) == []


async def test_the_host_that_waits_longest_is_first(store: SqlStore) -> None:
    await store.declare([a_source("late")], NOW)
    await store.declare([a_source("late"), a_source("early")], NOW - timedelta(1))
    assert names(await store.lease_turns(NOW, "me", 1, 60)) == ["early"]
    assert names(await store.lease_turns(NOW, "me", 9, 60)) == ["late"]
    assert await store.lease_turns(NOW, "me", 9, 60) == []


async def test_a_host_has_one_turn_at_a_time_and_a_pause_after_it(store: SqlStore) -> None:
    await store.declare([shared("b")], NOW)
    await store.declare([shared("b"), shared("a")], NOW - timedelta(1))
    assert names(await store.lease_turns(NOW, "me", 9, 60)) == ["a"]
    await store.record_polls([a_poll("a", host="shared.example")], "me")
    assert await store.lease_turns(NOW + timedelta(seconds=1), "me", 9, 60) == []
    (turn,) = await store.lease_turns(SOON, "me", 9, 60)
    assert (names([turn]), turn.host_next_at) == (["b"], SOON)
    after = LATER + timedelta(seconds=1)
    await store.record_polls([a_poll("b", host="shared.example", next_poll_at=after)], "me")
    assert await store.lease_turns(LATER - timedelta(seconds=1), "me", 9, 60) == []
    assert names(await store.lease_turns(LATER, "me", 9, 60)) == ["a"]


async def test_what_is_no_host_of_the_web_shares_none(store: SqlStore) -> None:
    await store.declare(
        [
            a_source("x", type="text", location="x.txt"),
            a_source("y", location="imaps://m.x.example"),
        ],
        NOW,
    )
    turns = await store.lease_turns(NOW, "me", 9, 60)
    assert sorted(turn.host for turn in turns) == ["source:x", "x.example"]


async def test_disabled_and_retired_sources_have_no_turn(store: SqlStore) -> None:
    await store.declare([a_source("off", enabled=False), a_source("old")], NOW)
    assert names(await store.lease_turns(NOW, "me", 9, 60)) == ["old"]
    await store.record_polls([a_poll("old", memory=Memory(condition=Condition.RETIRED))], "me")
    assert await store.lease_turns(LATER + timedelta(9), "me", 9, 60) == []
    assert names(await store.lease_sources(["old", "off"], NOW, "me", 60)) == ["off", "old"]
    await store.record_polls([a_poll("old"), a_poll("off")], "me")
    assert names(await store.lease_turns(LATER, "me", 9, 60)) == ["old"]


async def test_a_poll_is_remembered(store: SqlStore) -> None:
    await store.declare([a_source("wire")], NOW)
    await store.lease_turns(NOW, "me", 1, lease=3600)
    note = PollNote(at=NOW, outcome="new", status=200, new=1)
    memory = Memory(
        etag='"2"', failures=0.5, children={"a": "b"}, digests=b"\0", polls=(note.pack(),)
    )
    change = SourceChange(
        source="wire", condition=Condition.WORKING, before=Condition.NEW, at=NOW, reason="It works."
    )
    articles = (an_article(id="a"), an_article(id="b"), an_article(id="a"))
    polls = [a_poll("wire", memory=memory, change=change, articles=articles, throttled_by="https:")]
    assert await store.record_polls(polls, "me") == [2]
    state = await store.source("wire")
    assert state is not None
    assert (state.memory, state.next_poll_at) == (memory, LATER)
    assert await sent(store) == [("a", 1, BODY), ("b", 1, BODY)]
    ((row, unsent),) = await store.unsent_changes(9)
    assert unsent == change
    await store.drop_changes([row])
    assert await store.unsent_changes(9) == []
    (turn,) = await store.lease_turns(LATER, "other", 1, 60)
    assert turn.throttled_by == "https:"


async def test_a_poll_recorded_twice_makes_its_rows_once(store: SqlStore) -> None:
    await store.declare([a_source("wire")], NOW)
    await store.lease_turns(NOW, "me", 1, 60)
    poll = a_poll("wire", articles=(an_article(id="a"),))
    assert await store.record_polls([poll, poll], "me") == [1, 0]
    assert await store.record_polls([poll], "me") == [0]
    assert await sent(store) == [("a", 1, BODY)]
    assert await store.record_polls([], "me") == []


async def test_a_lapsed_turn_passes_on_and_its_poll_leaves_the_schedule(store: SqlStore) -> None:
    await store.declare([a_source("wire")], NOW)
    await store.lease_turns(NOW, "slow", 1, lease=60)
    assert await store.lease_turns(NOW + timedelta(seconds=60), "quick", 1, 60) == []
    assert names(await store.lease_turns(NOW + timedelta(seconds=61), "quick", 1, 60)) == ["wire"]
    change = SourceChange(
        source="wire", condition=Condition.FAILING, before=Condition.NEW, at=NOW, reason="x"
    )
    slow = a_poll("wire", articles=(an_article(),), change=change)
    assert await store.record_polls([slow], "slow") == [1], "its articles are kept"
    state = await store.source("wire")
    assert state is not None
    assert (state.next_poll_at, state.memory) == (NOW, Memory())
    assert await store.unsent_changes(9) == []
    assert await store.lease_turns(NOW + timedelta(seconds=62), "slow", 1, 60) == []
    await store.record_polls([a_poll("wire", memory=Memory(etag='"2"'))], "quick")
    state = await store.source("wire")
    assert state is not None
    assert (state.next_poll_at, state.memory.etag) == (LATER, '"2"')


async def test_a_crash_before_the_record_loses_nothing(open_store: OpenStore) -> None:
    crashed, after = await open_store(), await open_store()
    await crashed.declare([a_source("wire")], NOW)
    (before,) = await crashed.lease_turns(NOW, "crashed", 1, lease=3600)
    assert await after.lessees() == ["crashed"]
    await after.release(["crashed"], NOW)
    assert await after.lessees() == []
    (turn,) = await after.lease_turns(NOW, "after", 1, 60)
    assert turn.state == before.state
    poll = a_poll("wire", articles=(an_article(),))
    assert await after.record_polls([poll], "after") == [1]
    assert await crashed.record_polls([poll], "crashed") == [0]
    assert await sent(after) == [("a1", 1, BODY)]


async def test_processes_at_once_never_hold_one_host(open_store: OpenStore) -> None:
    stores = [await open_store() for _ in range(3)]
    await stores[0].declare([a_source(f"s{number:02}") for number in range(40)], NOW)
    leases = await asyncio.gather(
        *(stores[turn % 3].lease_turns(NOW, f"owner{turn}", 7, 60) for turn in range(12))
    )
    leased = [turn.host for turns in leases for turn in turns]
    assert len(leased) == len(set(leased))
    leased += [turn.host for turn in await stores[0].lease_turns(NOW, "rest", 40, 60)]
    assert sorted(leased) == [f"s{number:02}.example" for number in range(40)]


async def test_sources_added_while_others_are_recorded_are_due(open_store: OpenStore) -> None:
    stores = [await open_store() for _ in range(3)]
    await stores[0].declare([shared("wire")], NOW)
    for round_ in range(10):
        now = NOW + timedelta(hours=round_)
        turns = await stores[0].lease_turns(now, "me", 9, 60)
        polls = [
            a_poll(name, host="shared.example", next_poll_at=now + timedelta(hours=1))
            for name in names(turns)
        ]
        await asyncio.gather(
            stores[0].record_polls(polls, "me"),
            stores[1].add_source(shared(f"b{round_}"), now),
            stores[2].add_source(shared(f"c{round_}"), now),
        )
        later = now + timedelta(minutes=1)
        for _ in range(2):
            (turn,) = await stores[0].lease_turns(later, "me", 9, 60)
            (name,) = names([turn])
            poll = a_poll(name, host="shared.example", next_poll_at=NOW + timedelta(99))
            assert name in (f"b{round_}", f"c{round_}")
            await stores[1].record_polls([poll], "me")


async def test_named_sources_have_turns_whether_due_or_not(store: SqlStore) -> None:
    await store.declare([a_source(n, enabled=n != "off") for n in ("a", "b", "c", "off")], NOW)
    await store.lease_turns(NOW, "me", 9, 60)
    await store.record_polls([a_poll(name) for name in "abc"], "me")
    assert names(await store.lease_sources(["b", "off", "none"], NOW, "me", 60)) == ["b", "off"]
    assert names(await store.lease_sources([], NOW, "other", 60)) == ["a", "c"]
    assert names(await store.lease_sources([], NOW, "me", 60)) == ["b"], "one's own come again"


async def test_several_turns_of_one_host_end_with_the_last(store: SqlStore) -> None:
    await store.declare([shared("a"), shared("b"), shared("c")], NOW)
    assert names(await store.lease_sources(["a", "b"], NOW, "me", 60)) == ["a", "b"]
    assert await store.lease_sources(["c"], NOW, "other", 60) == []
    await store.record_polls([a_poll("a", host="shared.example")], "me")
    assert await store.lease_turns(SOON, "other", 9, 60) == []
    await store.record_polls([a_poll("b", host="shared.example")], "me")
    assert names(await store.lease_turns(SOON, "other", 9, 60)) == ["c"]
    states = await store.sources()
    assert [state.next_poll_at for state in states] == [LATER, LATER, NOW]


async def test_a_chosen_location_moves_a_source_to_its_host(store: SqlStore) -> None:
    await store.declare([a_source("site", type="site")], NOW)
    await store.lease_turns(NOW, "me", 9, 60)
    memory = Memory(chosen_type="feed", chosen_location="https://feeds.other.example/site")
    await store.record_polls([a_poll("site", memory=memory)], "me")
    (turn,) = await store.lease_turns(LATER, "me", 9, 60)
    assert turn.host == "other.example"
    assert turn.state is not None
    assert turn.state.source == a_source("site", type="site")


async def test_a_moved_source_keeps_the_operators_address_but_not_a_users(
    store: SqlStore,
) -> None:
    await store.declare([a_source("theirs")], NOW)
    await store.add_source(a_source("mine"), NOW)
    await store.lease_turns(NOW, "me", 9, 60)
    new = "https://new.example/feed"
    memory = Memory(chosen_location=new, moved_from="https://theirs.example/feed")
    await store.record_polls(
        [a_poll("theirs", location=new, memory=memory), a_poll("mine", location=new + "2")], "me"
    )
    mine, theirs = await store.sources()
    assert mine.source.location == new + "2"
    assert theirs.source == a_source("theirs")
    assert [turn.host for turn in await store.lease_turns(LATER, "me", 9, 60)] == ["new.example"]
    await store.declare([a_source("theirs")], LATER)
    assert await store.source("theirs") == theirs
    with pytest.raises(Rejected, match="mine"):
        await store.add_source(a_source("again", location=new + "2"), NOW)


async def test_what_was_asked_of_a_host_adds_up(store: SqlStore) -> None:
    await store.declare([shared("a"), shared("b"), a_source("z")], NOW)
    await store.lease_sources(["a", "b"], NOW, "me", 60)
    asked = Asked(requests=2, conditional=1, not_modified=1, throttled=1, failed=1, size=10**10)
    polls = [a_poll(name, host="shared.example", asked=asked) for name in "ab"]
    await store.record_polls(polls, "me")
    twice = Asked(requests=4, conditional=2, not_modified=2, throttled=2, failed=2, size=2 * 10**10)
    assert await store.hosts() == [
        HostReport(host="shared.example", sources=2, asked=twice, next_at=SOON),
        HostReport(host="z.example", sources=1, asked=Asked()),
    ]


async def test_a_refused_document_is_kept_and_cut(store: SqlStore) -> None:
    await store.declare([a_source("wire")], NOW)
    await store.lease_turns(NOW, "me", 9, 60)
    document = Document(url="https://wire.example/", body=b"x" * 1_000_001, fetched=NOW)
    memory = Memory(last_error="no\0 feed", last_polled_at=NOW)
    await store.record_polls([a_poll("wire", refused=document, memory=memory)], "me")
    failure = await store.last_failure("wire")
    assert failure is not None
    assert (failure.error, failure.at, len(failure.document.body)) == ("no feed", NOW, 1_000_000)
    assert await store.last_failure("other") is None


async def test_a_part_that_is_refused_is_kept_with_its_own_reason(store: SqlStore) -> None:
    await store.declare([a_source("wire")], NOW)
    await store.lease_turns(NOW, "me", 9, 60)
    part = Document(url="", body=b"Subject: x", fetched=NOW)
    await store.record_polls([a_poll("wire", refused=part, why="message 3 is left out")], "me")
    failure = await store.last_failure("wire")
    assert failure is not None
    assert (failure.error, failure.document) == ("message 3 is left out", part)


async def test_only_the_newest_failures_are_kept(store: SqlStore) -> None:
    sources = [a_source(f"s{number:03}") for number in range(205)]
    await store.declare(sources, NOW)
    await store.lease_turns(NOW, "me", 999, 60)
    polls = [
        a_poll(
            source.name,
            refused=Document(url="", body=b"x", fetched=NOW),
            memory=Memory(last_polled_at=NOW + timedelta(seconds=number)),
        )
        for number, source in enumerate(sources)
    ]
    await store.record_polls(polls[:100], "me")
    await store.record_polls(polls[100:], "me")
    assert await store.last_failure("s004") is None
    assert await store.last_failure("s005") is not None


async def test_a_poll_that_the_database_refuses_leaves_no_trace(store: SqlStore) -> None:
    await store.declare([a_source("wire"), a_source("bad")], NOW)
    await store.lease_turns(NOW, "me", 9, 60)
    bad = a_poll("bad", articles=(an_article(id="a\0"),))
    with pytest.raises(Rejected):
        await store.record_polls([a_poll("wire", articles=(an_article(),)), bad], "me")
    assert await store.known(["a1"]) == {}
    assert await store.record_polls([a_poll("wire", articles=(an_article(),))], "me") == [1]


async def test_a_revision_whose_number_was_taken_follows_as_the_next(store: SqlStore) -> None:
    first = an_article(id="a", content_hash="1")
    await store.record_articles([first, an_article(id="a", revision=2, content_hash="1")])
    await store.declare([a_source("wire")], NOW)
    await store.lease_turns(NOW, "me", 9, 60)
    late = an_article(id="a", revision=2, content_hash="2", body="late")
    assert await store.record_polls([a_poll("wire", articles=(late,))], "me") == [1]
    assert await store.record_polls([a_poll("wire", articles=(late,))], "me") == [0]
    assert (await sent(store))[2:] == [("a", 3, "late")]
    assert (await store.known(["a"]))["a"] == Known(
        revision=3, content_hash="2", hashes=frozenset({"1", "2"})
    )


async def test_a_host_without_anything_due_is_left_alone(store: SqlStore) -> None:
    await store.declare([a_source("wire")], NOW)
    await store.declare([], NOW)
    assert await store.lease_turns(NOW, "me", 9, 60) == []
    assert [report.sources for report in await store.hosts()] == [0]
