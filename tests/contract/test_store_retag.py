"""Topics for what is stored already, and marks of users, on every database."""

from __future__ import annotations

from datetime import timedelta

from monitor.model import AlertRow, Article, ArticleFilter, ArticleRow, Tagging, TopicMark
from monitor.store import SqlStore
from tests.support.articles import NOW, an_article

DAY = timedelta(days=1)


def ids(rows: list[ArticleRow]) -> list[str]:
    return [row.article.id for row in rows]


async def stored(store: SqlStore, *articles: Article) -> None:
    for article in articles:
        await store.save_articles([article], NOW)


async def topics_of(store: SqlStore, article_id: str) -> tuple[int, tuple[str, ...]]:
    row = await store.article(article_id)
    assert row is not None
    return row.seq, row.article.topics


async def pages_since(store: SqlStore, days: int, limit: int) -> list[list[str]]:
    """Return the ids of all pages of the articles of the last days."""
    pages, when, seq = [], NOW - days * DAY, 0
    while rows := list(await store.articles_since(when, seq, limit)):
        pages.append(ids(rows))
        when, seq = rows[-1].article.fetched, rows[-1].seq
    return pages


async def test_articles_since_a_moment_come_page_by_page(store: SqlStore) -> None:
    await stored(
        store,
        an_article(id="new", fetched=NOW),
        an_article(id="old", fetched=NOW - 40 * DAY),
        an_article(id="just", fetched=NOW - 30 * DAY),
        an_article(id="same", fetched=NOW),
        an_article(id="mid", fetched=NOW - DAY),
    )
    assert await pages_since(store, 30, 2) == [["just", "mid"], ["new", "same"]]
    assert await pages_since(store, 30, 1) == [["just"], ["mid"], ["new"], ["same"]]
    assert await pages_since(store, 0, 9) == [["new", "same"]]


async def test_a_retagged_article_is_listed_by_its_new_topics_alone(store: SqlStore) -> None:
    await stored(store, an_article(topics=("a", "b")), an_article(id="x", topics=("b",)))
    taggings = [Tagging(article_id="a1", revision=1, topics=("b", "c"), versions=(2, 7))]
    assert await store.retag(taggings) == 1
    assert await topics_of(store, "a1") == (1, ("b", "c"))
    row = await store.article("a1")
    assert row is not None
    assert row.article.topic_versions == (2, 7)
    assert await topics_of(store, "x") == (2, ("b",))
    listed = {topic: ids(list(await store.articles(ArticleFilter(topic=topic)))) for topic in "abc"}
    assert listed == {"a": [], "b": ["x", "a1"], "c": ["a1"]}


async def test_all_else_of_a_retagged_article_stays(store: SqlStore) -> None:
    article = an_article(topics=("a",), summary="s", authors=("Ada",))
    await stored(store, article)
    before = await store.article("a1")
    await store.retag([Tagging(article_id="a1", revision=1, topics=(), versions=())])
    after = await store.article("a1")
    assert before is not None
    assert after == ArticleRow(
        seq=1, article=an_article(summary="s", authors=("Ada",)), stored=before.stored
    )


async def test_what_fits_already_or_is_not_there_is_no_change(store: SqlStore) -> None:
    await stored(store, an_article(topics=("a",)))
    same = Tagging(article_id="a1", revision=1, topics=("a",), versions=(1,))
    unknown = Tagging(article_id="nobody", revision=1, topics=("a",), versions=(1,))
    assert await store.retag([same, unknown]) == 0
    assert await store.retag([]) == 0
    assert await topics_of(store, "a1") == (1, ("a",))


async def test_a_revision_that_came_meanwhile_keeps_its_topics(store: SqlStore) -> None:
    await stored(store, an_article(topics=("a",)), an_article(topics=("b",), revision=2))
    assert (
        await store.retag([Tagging(article_id="a1", revision=1, topics=("c",), versions=(1,))]) == 0
    )
    assert await topics_of(store, "a1") == (2, ("b",))


async def test_nobody_is_alerted_and_nothing_is_sent(store: SqlStore) -> None:
    await stored(store, an_article())
    await store.retag([Tagging(article_id="a1", revision=1, topics=("a",), versions=(1,))])
    alerts: list[AlertRow] = list(await store.alerts(None, 9))
    assert alerts == []
    assert (await store.outbox_size()).unsent == 0


async def test_lists_keep_their_order_and_no_reader_of_changes_is_told(store: SqlStore) -> None:
    await stored(store, *(an_article(id=name) for name in ("old", "mid", "new")))
    taggings = [
        Tagging(article_id=name, revision=1, topics=("a",), versions=(1,))
        for name in ("mid", "old")
    ]
    assert await store.retag(taggings) == 2
    assert ids(list(await store.articles(ArticleFilter()))) == ["new", "mid", "old"]
    assert ids(list(await store.articles(ArticleFilter(topic="a")))) == ["mid", "old"]
    assert await store.articles_after(3, 9) == []


async def test_a_batch_larger_than_any_list_of_parameters(store: SqlStore) -> None:
    articles = [an_article(id=f"a{number}") for number in range(2_000)]
    await store.save_articles(articles, NOW)
    taggings = [
        Tagging(article_id=each.id, revision=1, topics=("a",), versions=(1,)) for each in articles
    ]
    assert await store.retag(taggings) == 2_000
    assert len(await store.articles(ArticleFilter(topic="a", limit=3_000))) == 2_000


async def test_marks_are_kept_by_topic_and_the_first_one_stands(store: SqlStore) -> None:
    await stored(store, an_article(), an_article(id="b"))
    assert await store.mark_wrong("sco", ["a1", "a1", "nobody"], NOW) == {"nobody"}
    assert await store.mark_wrong("sco", ["a1", "b"], NOW + DAY) == set()
    assert await store.mark_wrong("nato", ["b"], NOW) == set()
    assert await store.wrong_for("sco") == [
        TopicMark(topic="sco", article_id="b", marked=NOW + DAY),
        TopicMark(topic="sco", article_id="a1", marked=NOW),
    ]
    assert await store.unmark_wrong("sco", ["a1", "nobody"]) == 1
    assert [mark.article_id for mark in await store.wrong_for("sco")] == ["b"]
    assert [mark.article_id for mark in await store.wrong_for("nato")] == ["b"]
