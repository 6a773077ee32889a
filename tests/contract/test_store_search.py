"""Searching the archive finds, on every database product, what reading all of it would find."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.errors import Rejected
from monitor.model import Article, ArticleFilter, Tagging
from monitor.search import Order, search
from monitor.store import SqlStore
from monitor.store import search as search_module
from monitor.topics.query import QueryError, parse
from monitor.topics.search import plan_of
from tests.support.articles import NOW, an_article
from tests.support.queries import some_article, some_node
from tests.support.reference import reference_holds

DAY = timedelta(days=1)
ARTICLES = [
    an_article(id="a", title="The harbour", body="Minister's visit", source="afp"),
    an_article(
        id="b", title="Harbour", summary="“Don't” 100% of back\\slash", body="", topics=("sea",)
    ),
    an_article(id="c", title="x", body="Zürich has no harbour, says ministry"),
    an_article(id="d", title="上海合作组织", body="x" * 300 + " हिन्दी Ёлка"),
]


async def found(store: SqlStore, query: str, which: ArticleFilter | None = None) -> list[str]:
    """Return the ids of what a query finds, in order."""
    page = await search(store, query, which or ArticleFilter(), NOW)
    return [row.article.id for row in page.rows]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("harbour", ["c", "b", "a"]),
        ("HARBOUR -title:harbour", ["c"]),
        ("minist*", ["c", "a"]),
        ("ministries^", ["c"]),
        ('"the harbour"', ["a"]),
        ("don't", ["b"]),
        ("harbour NEAR/1 says", ["c"]),
        ("zurich", ["c"]),
        ("=zurich", []),
        ("上海合作", ["d"]),
        ("合海", []),
        ("हिन्दी елка", ["d"]),
        ("x" * 300, ["d"]),
        ("harbor~1", ["c", "b", "a"]),
        ("source:af*", ["a"]),
        ("title:/^The/", ["a"]),
        ("nothing", []),
    ],
)
async def test_a_query_finds(store: SqlStore, query: str, ids: list[str]) -> None:
    await store.save_articles(ARTICLES, NOW)
    assert await found(store, query) == ids


async def test_topic_and_source_narrow_a_search(store: SqlStore) -> None:
    await store.save_articles(ARTICLES, NOW)
    assert await found(store, "harbour", ArticleFilter(topic="sea")) == ["b"]
    assert await found(store, "harbour", ArticleFilter(source="afp")) == ["a"]


ALL = ArticleFilter()
OTHERS = [
    an_article(id="afp", title="storm", source="AFP", language="fr", published=NOW - 9 * DAY),
    an_article(id="bbc", title="storm", source="bbc-world", language="en-GB", topics=("sea",)),
    an_article(id="new", title="storm", source="bbc", language="en", published=NOW),
    an_article(id="old", title="x", source="bbc", language="", fetched=NOW - 9 * DAY),
]


@pytest.mark.parametrize(
    ("query", "which", "looked_at"),
    [
        ("source:afp title:/./", ALL, "afp"),
        ("source:bbc* storm", ALL, "new bbc"),
        ("-source:bbc* title:/./", ALL, "afp"),
        ("source:none", ALL, ""),
        ("lang:en", ALL, "new bbc"),
        ("(lang:en OR lang:fr) source:bbc*", ALL, "new bbc"),
        ("-lang:en -lang:fr storm", ALL, ""),
        ("lang:en source:afp", ALL, ""),
        ("published:2026-03-01", ALL, "new bbc"),
        ("published:<2026-02-25 storm", ALL, "afp"),
        ("published:<2026-02-25 -published:2026-01", ALL, "old afp"),
        ("in:2d", ALL, "new bbc"),
        ("title:/./", ArticleFilter(topic="sea"), "bbc"),
        ("storm", ArticleFilter(source="bbc"), "new"),
        # What need not hold of an article is no condition.
        ("storm (source:afp OR title:/./)", ALL, "new bbc afp"),
        ("score>=1:(source:afp storm)", ALL, "old new bbc afp"),
    ],
)
async def test_only_what_the_fields_allow_is_looked_at(
    store: SqlStore, query: str, which: ArticleFilter, looked_at: str
) -> None:
    await store.save_articles(OTHERS, NOW)
    plan, seen = plan_of(parse(query).root, NOW), []

    def holds(article: Article) -> bool:
        seen.append(article.id)
        return plan.holds(article)

    page = await store.search(replace(plan, holds=holds), which)
    assert seen == looked_at.split()
    meant = [item.id for item in reversed(OTHERS) if item.id in seen and plan.holds(item)]
    assert [row.article.id for row in page.rows] == meant
    assert page.before is None


async def test_pages_follow_each_other_to_the_end(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "AT_ONCE", 3)
    monkeypatch.setattr(search_module, "MOST", 6)
    articles = [an_article(id=f"a{n}", title="storm" if n % 5 == 0 else "x") for n in range(40)]
    await store.save_articles(articles, NOW)
    seen: list[str] = []
    for query in ("storm", "title:/storm/"):
        which, seen = ArticleFilter(limit=2), []
        while True:
            page = await search(store, query, which, NOW)
            seen += [row.article.id for row in page.rows]
            if page.before is None:
                break
            which = replace(which, before=page.before)
        assert seen == [f"a{n}" for n in range(35, -1, -5)]


async def test_the_index_follows_revisions_and_new_topics(store: SqlStore) -> None:
    await store.save_articles(ARTICLES, NOW)
    await store.save_articles([replace(ARTICLES[0], title="The port", revision=2)], NOW)
    assert await found(store, "harbour") == ["c", "b"]
    assert await found(store, "port") == ["a"]
    await store.retag([Tagging(article_id="c", revision=1, topics=("sea",), versions=(1,))])
    assert await found(store, "harbour") == ["c", "b"]
    assert await store.document_counts(["harbour", "minist*", "nothing"]) == {
        "harbour": 2,
        "minist*": 2,
        "nothing": 0,
    }
    assert await store.article_count() == 4


async def test_words_are_counted_from_a_moment_on(store: SqlStore) -> None:
    assert await store.newest_since(NOW, 9) == (0, 0)
    fetched = [NOW - 9 * DAY, NOW - 2 * DAY, NOW - DAY, NOW]
    articles = [
        an_article(id=f"a{n}", title=f"w{n} storm", fetched=at) for n, at in enumerate(fetched)
    ]
    await store.save_articles(articles, NOW)
    assert await store.newest_since(NOW - 2 * DAY, 9) == (2, 3)
    assert await store.newest_since(NOW - 2 * DAY, 2) == (3, 2)
    assert await store.newest_since(NOW + DAY, 9) == (0, 0)
    asked = ["w0", "w1", "storm", "w*", "x" * 300]
    assert await store.document_counts(asked, 2) == {
        "w0": 0, "w1": 1, "storm": 3, "w*": 3, "x" * 300: 0,
    }  # fmt: skip


async def test_a_word_without_end_is_counted_by_its_beginning(store: SqlStore) -> None:
    await store.save_articles(ARTICLES, NOW)
    assert await store.document_counts(["x" * 300, "x" * 99, "x" * 100]) == {
        "x" * 300: 1, "x" * 99: 0, "x" * 100: 1,
    }  # fmt: skip


async def test_the_best_come_first(store: SqlStore) -> None:
    articles = [
        an_article(id="much", title="Harbour", body="harbour harbour"),
        an_article(id="none", title="x", body="no such word"),
        an_article(id="little", title="x", body="a harbour " + "x " * 300),
    ]
    await store.save_articles(articles, NOW)
    page = await search(store, "harbour", ArticleFilter(), NOW, Order.BEST)
    assert [row.article.id for row in page.rows] == ["much", "little"]


async def test_the_best_of_what_was_looked_at_are_not_all_there_are(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.save_articles(ARTICLES, NOW)
    every = await search(store, "title:/arb/", ArticleFilter(), NOW, Order.BEST)
    assert every.total == 2
    for name, value in (
        ("store.search.AT_ONCE", 3),
        ("store.search.MOST", 3),
        ("search.RANKED", 3),
    ):
        monkeypatch.setattr(f"monitor.{name}", value)
    page = await search(store, "title:/arb/", ArticleFilter(), NOW, Order.BEST)
    assert ([row.article.id for row in page.rows], page.total) == (["b"], None)


async def test_a_query_that_does_not_hold_is_told(store: SqlStore) -> None:
    with pytest.raises(QueryError, match="column 3: AND needs something") as caught:
        await search(store, "a AND", ArticleFilter(), NOW)
    assert isinstance(caught.value, Rejected)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
async def test_a_search_finds_what_reading_everything_finds(
    store: SqlStore, chance: Random
) -> None:
    if not await store.article_count():
        made = [replace(some_article(Random(n)), id=f"a{n}") for n in range(60)]
        await store.save_articles(made, NOW)
    stored = [row.article for row in await store.articles(ArticleFilter(limit=100))]
    for _ in range(5):
        query = some_node(chance)
        page = await store.search(plan_of(query, NOW), ArticleFilter(limit=100))
        expected = [item.id for item in stored if reference_holds(query, item, NOW)]
        assert [row.article.id for row in page.rows] == expected
