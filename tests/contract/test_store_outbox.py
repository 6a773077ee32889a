"""The outbox, on every database."""

from __future__ import annotations

from datetime import timedelta

from monitor.model import OutboxSize
from monitor.store import SqlStore
from tests.support.articles import NOW, an_article
from tests.support.clock import FakeClock

MINUTE = timedelta(minutes=1)


async def test_rows_leave_in_the_order_in_which_they_came(store: SqlStore) -> None:
    articles = [
        an_article(id=name, title=f"Zürich – “{name}” 🌊", authors=("Ä",)) for name in "cab"
    ]
    await store.record_articles(articles)
    rows = await store.unsent(2)
    assert [row.article for row in rows] == articles[:2]
    await store.mark_sent([row.id for row in rows], NOW)
    (last,) = await store.unsent(10)
    assert last.article == articles[2]
    assert last.id > rows[1].id > rows[0].id
    await store.mark_sent([], NOW)


async def test_what_was_sent_and_never_stored_is_sent_again(store: SqlStore) -> None:
    await store.record_articles([an_article(id=name) for name in "abc"])
    rows = await store.unsent(10)
    await store.mark_sent([row.id for row in rows[:2]], NOW)
    await store.save_articles([rows[0].article], NOW)
    assert await store.resend_unstored(NOW) == 0
    assert await store.resend_unstored(NOW + MINUTE) == 1
    assert [row.article.id for row in await store.unsent(10)] == ["b", "c"]


async def test_a_stored_revision_settles_itself_and_those_before(store: SqlStore) -> None:
    revisions = [an_article(revision=number) for number in (1, 2, 3)]
    await store.record_articles([*revisions, an_article(id="other")])
    assert await store.unfinished(["a1", "other", "unknown"]) == 2
    await store.save_articles([revisions[1]], NOW)
    assert [row.article for row in await store.unsent(10)] == [revisions[2], an_article(id="other")]
    assert await store.unfinished(["a1"]) == 1
    await store.save_articles([revisions[0], revisions[2]], NOW)
    assert await store.unfinished(["a1"]) == 0
    assert await store.unfinished([]) == 0


async def test_several_revisions_in_one_batch_are_all_settled(store: SqlStore) -> None:
    revisions = [an_article(revision=number) for number in (2, 1)]
    await store.record_articles(revisions)
    await store.save_articles(revisions, NOW)
    assert await store.unfinished(["a1"]) == 0


async def test_to_settle_an_article_settles_this_revision_alone(store: SqlStore) -> None:
    revisions = [an_article(revision=number) for number in (1, 2, 3)]
    await store.record_articles(revisions)
    await store.settle([revisions[1], an_article(id="unknown")], NOW)
    assert [row.article.revision for row in await store.unsent(10)] == [1, 3]
    await store.settle([], NOW)
    await store.settle([revisions[0], revisions[2]], NOW)
    assert await store.unsent(10) == []


async def test_the_size_counts_what_waits_and_since_when(store: SqlStore, clock: FakeClock) -> None:
    assert await store.outbox_size() == OutboxSize(unsent=0, unstored=0)
    await store.record_articles([an_article(id="a")])
    first = clock.now()
    clock.advance(60)
    await store.record_articles([an_article(id="b")])
    assert await store.outbox_size() == OutboxSize(unsent=2, unstored=2, oldest=first)
    (row, _) = await store.unsent(2)
    await store.mark_sent([row.id], NOW)
    assert await store.outbox_size() == OutboxSize(unsent=1, unstored=2, oldest=clock.now())


async def test_pruned_rows_do_not_let_an_article_pass_again(store: SqlStore) -> None:
    articles = [an_article(id="a"), an_article(id="b")]
    await store.record_articles(articles)
    await store.settle(articles[:1], NOW)
    assert await store.prune_outbox(NOW) == 0
    assert await store.prune_outbox(NOW + MINUTE) == 1
    assert await store.record_articles(articles) == []
    assert await store.outbox_size() == OutboxSize(
        unsent=1, unstored=1, oldest=(await store.outbox_size()).oldest
    )


async def test_ids_are_not_used_again_after_pruning(store: SqlStore) -> None:
    await store.record_articles([an_article(id="a")])
    (old,) = await store.unsent(1)
    await store.settle([old.article], NOW)
    await store.prune_outbox(NOW + MINUTE)
    await store.record_articles([an_article(id="b")])
    (new,) = await store.unsent(1)
    assert new.id > old.id
