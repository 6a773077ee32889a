"""Articles that wait for their pages, on every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from monitor.model import Asked, Known, PageVisit, PendingPage, Robots, Turn
from monitor.store import SqlStore
from tests.support.articles import NOW, an_article
from tests.support.polls import LATER, SOON, a_page, a_poll, a_source, a_visit, names, sent
from tests.support.stores import OpenStore

BODY = an_article().body


async def wait_for(store: SqlStore, *pages: PendingPage) -> None:
    """Record a poll that found these pages."""
    await store.declare([a_source("wire")], NOW)
    await store.lease_sources(["wire"], NOW, "poller", 60)
    assert await store.record_polls([a_poll("wire", pages=pages)], "poller") == [len(pages)]


async def lease(store: SqlStore) -> tuple[Turn, PendingPage]:
    (turn,) = await store.lease_turns(SOON, "me", 9, 60)
    assert turn.page is not None
    return turn, turn.page


async def test_an_article_waits_for_the_turn_of_its_pages_host(store: SqlStore) -> None:
    await wait_for(store, a_page())
    assert await sent(store) == []
    assert (await store.known(["a1"]))["a1"].revision == 1
    turn, page = await lease(store)
    assert (turn.host, turn.state, page) == ("news.example", None, a_page())
    await store.record_visits([a_visit(page, "all of it")], "me")
    assert await sent(store) == [("a1", 1, "all of it")]
    assert await store.lease_turns(LATER - timedelta(seconds=1), "me", 9, 60) == []
    assert await store.release_pages(LATER) == 0


async def test_the_page_or_source_that_waits_longest_is_first(store: SqlStore) -> None:
    on_its_host = a_source("wire", location="https://news.example/feed")
    await store.declare([on_its_host], NOW)
    await store.lease_turns(NOW, "me", 9, 60)
    pages = (a_page("b", due_at=LATER + timedelta(1)), a_page("a", due_at=LATER - timedelta(1)))
    await store.record_polls([a_poll("wire", host="news.example", pages=pages)], "me")
    turns = []
    for hours in range(1, 100):
        now = LATER + timedelta(hours=hours)
        found = await store.lease_turns(now, "me", 9, 60)
        turns += names(found)
        for turn in found:
            if turn.page is not None:
                await store.record_visits([a_visit(turn.page, host_next_at=now)], "me")
            else:
                poll = a_poll("wire", host="news.example", next_poll_at=now + timedelta(9))
                await store.record_polls([replace(poll, host_next_at=now)], "me")
    assert turns == ["a", "wire", "b"]


async def test_late_articles_go_out_and_their_pages_follow_as_a_revision(store: SqlStore) -> None:
    await wait_for(store, a_page(), a_page("a2", due_at=LATER, give_up_at=LATER + timedelta(1)))
    assert await store.release_pages(LATER - timedelta(seconds=1)) == 0
    assert await store.release_pages(LATER) == 1
    assert await store.release_pages(LATER) == 0
    assert await sent(store) == [("a1", 1, BODY)]
    _, page = await lease(store)
    assert page.released
    await store.record_visits([a_visit(page, "all of it")], "me")
    assert await sent(store) == [("a1", 1, BODY), ("a1", 2, "all of it")]
    hash_ = page.article.content_hash
    newest = Known(revision=2, content_hash=hash_, hashes=frozenset({hash_}))
    assert (await store.known(["a1"]))["a1"] == newest, "the unchanged item is no revision"


async def test_how_many_articles_wait_is_known_by_source(store: SqlStore) -> None:
    assert await store.awaiting_pages() == {}
    late = a_page("a3", give_up_at=LATER + timedelta(hours=1))
    await wait_for(store, a_page("a1"), a_page("a2"), late)
    assert await store.awaiting_pages() == {"wire": 3}
    assert await store.awaiting_pages(["other"]) == {}
    assert await store.release_pages(LATER) == 2
    assert await store.awaiting_pages(["other", "wire"]) == {"wire": 1}, "what is out waits no more"


async def test_pages_are_released_in_batches(store: SqlStore) -> None:
    await wait_for(store, *(a_page(f"a{number}") for number in range(1_001)))
    assert await store.release_pages(LATER) == 1_001
    assert (await store.outbox_size()).unsent == 1_001


async def test_a_page_that_was_released_during_its_visit_is_revised(store: SqlStore) -> None:
    await wait_for(store, a_page())
    _, page = await lease(store)
    await store.release_pages(LATER)
    await store.record_visits([a_visit(page, "all of it")], "me")
    assert await sent(store) == [("a1", 1, BODY), ("a1", 2, "all of it")]


async def test_a_released_page_without_anything_new_makes_no_revision(store: SqlStore) -> None:
    await wait_for(store, a_page())
    _, page = await lease(store)
    await store.release_pages(LATER)
    await store.record_visits([a_visit(page, article=page.article)], "me")
    assert await sent(store) == [("a1", 1, BODY)]
    assert await store.lease_turns(LATER - timedelta(seconds=1), "me", 9, 60) == []


async def test_an_article_whose_page_is_given_up_goes_out_as_it_was(store: SqlStore) -> None:
    await wait_for(store, a_page())
    _, page = await lease(store)
    await store.record_visits([a_visit(page)], "me")
    assert await sent(store) == [("a1", 1, BODY)]


async def test_a_page_that_is_to_be_fetched_again_waits(store: SqlStore) -> None:
    await wait_for(store, a_page())
    _, page = await lease(store)
    again = replace(page, due_at=LATER, attempts=1)
    await store.record_visits([a_visit(page, again=again)], "me")
    assert await sent(store) == []
    assert await store.lease_turns(LATER - timedelta(seconds=1), "me", 9, 60) == []
    turns = await store.lease_turns(LATER, "me", 9, 60)
    assert [turn.page for turn in turns if turn.page] == [again]


async def test_a_visit_that_sends_and_comes_again_is_revised_next_time(store: SqlStore) -> None:
    await wait_for(store, a_page())
    _, page = await lease(store)
    await store.record_visits([a_visit(page, "half", again=replace(page, due_at=SOON))], "me")
    (turn,) = await store.lease_turns(SOON, "me", 9, 60)
    assert turn.page is not None
    await store.record_visits([a_visit(turn.page, "all of it")], "me")
    assert await sent(store) == [("a1", 1, "half"), ("a1", 2, "all of it")]
    assert await store.release_pages(LATER) == 0


async def test_a_newer_revision_waits_in_place_of_the_older(store: SqlStore) -> None:
    await wait_for(store, a_page())
    _, page = await lease(store)
    newer = a_page(revision=2)
    await store.lease_sources(["wire"], NOW, "poller", 60)
    await store.record_polls([a_poll("wire", pages=(newer,))], "poller")
    await store.record_visits([a_visit(page, "old")], "me")
    assert await sent(store) == [], "the visit was for the older one"
    _, page = await lease(store)
    await store.record_visits([a_visit(page, "new")], "me")
    assert await sent(store) == [("a1", 2, "new")]


async def test_a_revision_that_goes_out_at_once_ends_the_wait(store: SqlStore) -> None:
    await wait_for(store, a_page())
    await store.lease_sources(["wire"], NOW, "poller", 60)
    whole = an_article(revision=2, body="whole")
    await store.record_polls([a_poll("wire", articles=(whole,))], "poller")
    assert await store.lease_turns(SOON, "me", 9, 60) == []
    assert await store.release_pages(LATER) == 0
    assert await sent(store) == [("a1", 2, "whole")]


async def test_a_visit_whose_turn_has_passed_changes_nothing(store: SqlStore) -> None:
    await wait_for(store, a_page())
    _, page = await lease(store)
    later = SOON + timedelta(seconds=61)
    (turn,) = await store.lease_turns(later, "other", 9, 60)
    await store.record_visits([a_visit(page, "mine")], "me")
    assert await sent(store) == []
    assert turn.page is not None
    await store.record_visits([a_visit(turn.page, "theirs")], "other")
    await store.record_visits([a_visit(turn.page, "twice")], "other")
    assert await sent(store) == [("a1", 1, "theirs")]


async def test_a_poll_recorded_again_waits_for_no_page_that_came(store: SqlStore) -> None:
    await wait_for(store, a_page())
    _, page = await lease(store)
    await store.record_visits([a_visit(page, "all of it")], "me")
    assert await store.record_polls([a_poll("wire", pages=(a_page(),))], "poller") == [0]
    assert await store.release_pages(LATER) == 0
    assert await store.lease_turns(SOON, "me", 9, 60) == []


async def test_a_release_and_a_visit_at_once_send_each_revision_once(
    open_store: OpenStore,
) -> None:
    first, second = await open_store(), await open_store()
    ids = [f"a{number}" for number in range(10)]
    await wait_for(first, *(a_page(id_, host=f"{id_}.example") for id_ in ids))
    turns = await first.lease_turns(SOON, "me", 99, 60)
    visits = [
        a_visit(turn.page, "all of it", host=turn.host) for turn in turns if turn.page is not None
    ]
    assert len(visits) == 10
    await asyncio.gather(
        *(first.record_visits([visit], "me") for visit in visits),
        second.release_pages(LATER),
        first.release_pages(LATER),
    )
    rows = await sent(first)
    assert len({(id_, revision) for id_, revision, _ in rows}) == len(rows)
    newest = {id_: (revision, body) for id_, revision, body in sorted(rows)}
    assert {body for _, body in newest.values()} == {"all of it"}
    assert newest.keys() == set(ids)
    assert len(rows) == sum(revision for revision, _ in newest.values())


async def test_the_pages_of_a_removed_source_are_released(store: SqlStore) -> None:
    await wait_for(store, a_page(), a_page("a2"))
    await store.release_pages(NOW)
    _, page = await lease(store)
    await store.declare([], NOW)
    assert [row[:2] for row in await sent(store)] == [("a1", 1), ("a2", 1)]
    await store.record_visits([a_visit(page, "too late")], "me")
    assert len(await sent(store)) == 2
    assert await store.lease_turns(LATER, "me", 9, 60) == []


async def test_robots_are_kept_by_origin_and_come_with_the_turn(store: SqlStore) -> None:
    await wait_for(store, a_page())
    turn, page = await lease(store)
    assert turn.robots == {}
    old = Robots(body="old", fetched=NOW - timedelta(1))
    texts = {f"https://{n}.news.example": replace(old, body=str(n)) for n in range(25)}
    new = {"https://news.example": Robots(fetched=NOW, allow_all=True)}
    again = replace(page, due_at=SOON)
    asked = Asked(requests=2)
    visits: list[PageVisit] = [a_visit(page, again=again, robots={**texts, **new}, asked=asked)]
    await store.record_visits(visits, "me")
    (turn,) = await store.lease_turns(SOON, "me", 9, 60)
    assert turn.robots["https://news.example"] == new["https://news.example"]
    assert len(turn.robots) == 20
    (report,) = [report for report in await store.hosts() if report.host == "news.example"]
    assert (report.asked, report.next_at) == (asked, SOON)
