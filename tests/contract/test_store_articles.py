"""The archive, on every database."""

from __future__ import annotations

import asyncio
import random
from dataclasses import fields
from datetime import timedelta

import pytest

from monitor.errors import Rejected
from monitor.model import Alert, Article, ArticleFilter, ArticleRow, Sighting
from monitor.store import SqlStore
from tests.support.articles import NOW, an_article
from tests.support.stores import OpenStore

LATER = NOW + timedelta(hours=1)

FULL = Article(
    id="full",
    source="wire",
    title="«Überschwemmung» 🌊 ist vorbei",
    fetched=NOW,
    content_hash="h",
    url="https://news.example/ü?a=1&b=%20",
    item_id="urn:1",
    summary="It's over — 'quoted' \"twice\" \\ and %_",
    body="Zeile eins\nZeile zwei\t∑ " * 200,
    authors=("Ada Ä.", 'Bob "B" \\'),
    categories=("weather", ""),
    image="https://news.example/i.jpg",
    language="de",
    place="Zürich",
    published=NOW - timedelta(days=40_000, microseconds=1),
    updated=NOW + timedelta(microseconds=999_999),
    revision=7,
    topics=("floods", "zürich"),
    topic_versions=(1, 12),
    replayed=True,
    muted=True,
    backlog=True,
)


def ids(rows: list[ArticleRow]) -> list[str]:
    return [row.article.id for row in rows]


async def listed(store: SqlStore, which: ArticleFilter | None = None) -> list[str]:
    return ids(list(await store.articles(which or ArticleFilter())))


async def test_every_field_comes_back_as_it_was(store: SqlStore) -> None:
    plain = an_article(id="plain")
    assert all(getattr(FULL, field.name) for field in fields(Article))
    await store.save_articles([FULL, plain], LATER)
    assert await store.article("full") == ArticleRow(seq=1, article=FULL, stored=LATER)
    assert await store.article("plain") == ArticleRow(seq=2, article=plain, stored=LATER)
    assert await store.article("none") is None
    await store.save_articles([], LATER)


async def test_a_newer_revision_replaces_and_an_older_one_does_not(store: SqlStore) -> None:
    first, second = an_article(title="1"), an_article(title="2", revision=2)
    await store.save_articles([second], NOW)
    await store.save_articles([first], LATER)
    assert await store.article("a1") == ArticleRow(seq=1, article=second, stored=NOW)
    third = an_article(title="3", revision=3)
    await store.save_articles([third], LATER)
    assert await store.article("a1") == ArticleRow(seq=2, article=third, stored=LATER)


async def test_the_same_revision_again_changes_nothing(store: SqlStore) -> None:
    article = an_article(topics=("a", "b"))
    await store.save_articles([article], NOW)
    await store.save_articles([article, an_article(topics=("c",))], LATER)
    assert await store.article("a1") == ArticleRow(seq=1, article=article, stored=NOW)
    assert await listed(store, ArticleFilter(topic="c")) == []


async def test_of_several_revisions_in_a_batch_the_newest_is_stored(store: SqlStore) -> None:
    batch = [an_article(revision=number, title=str(number)) for number in (2, 3, 1)]
    await store.save_articles(batch, NOW)
    found = await store.article("a1")
    assert found is not None
    assert found.article == batch[1]


async def test_a_revision_brings_its_own_topics(store: SqlStore) -> None:
    await store.save_articles([an_article(topics=("a", "b", "a")), an_article(id="x")], NOW)
    await store.save_articles([an_article(topics=("b", "c"), revision=2)], NOW)
    topics = [topic for topic in "abc" if await listed(store, ArticleFilter(topic=topic))]
    assert topics == ["b", "c"]


async def test_listings_show_the_latest_change_first_page_by_page(store: SqlStore) -> None:
    for name in "abcde":
        topics = ("even",) if name in "bd" else ()
        source = "other" if name in "cd" else "wire"
        await store.save_articles([an_article(id=name, topics=topics, source=source)], NOW)
    await store.save_articles([an_article(id="b", topics=("even",), revision=2)], NOW)
    assert await listed(store) == ["b", "e", "d", "c", "a"]
    first = await store.articles(ArticleFilter(limit=2))
    rest = ArticleFilter(before=first[-1].seq, limit=2)
    assert [*ids(list(first)), *await listed(store, rest)] == ["b", "e", "d", "c"]
    assert await listed(store, ArticleFilter(topic="even")) == ["b", "d"]
    assert await listed(store, ArticleFilter(topic="even", before=first[0].seq)) == ["d"]
    assert await listed(store, ArticleFilter(source="other")) == ["d", "c"]
    assert await listed(store, ArticleFilter(source="other", topic="even", before=99)) == ["d"]


async def test_a_listing_counts_copies_and_names_the_rules_that_were_met(store: SqlStore) -> None:
    articles = [an_article(id=name) for name in "abc"]
    await store.save_articles(articles, NOW)
    await store.record_sightings(
        [
            Sighting(article_id=name, original_id="a", source="s", url="", seen=NOW)
            for name in ("x", "y")
        ]
    )
    alerts = [
        Alert(id=rule + a.id, rule=rule, rule_name="", article=a, topics=(), raised=NOW)
        for rule, a in (("r2", articles[0]), ("r1", articles[0]), ("r1", articles[1]))
    ]
    await store.raise_alerts([(alert, ()) for alert in alerts], NOW)
    rows = {row.article.id: row for row in await store.articles(ArticleFilter())}
    assert [(rows[name].copies, rows[name].alerted) for name in "abc"] == [
        (2, ("r1", "r2")),
        (0, ("r1",)),
        (0, ()),
    ]
    assert await store.article("a") == rows["a"]


async def test_changes_are_followed_in_their_order(store: SqlStore) -> None:
    assert await store.newest() == (0, 0)
    await store.save_articles([an_article(id="a"), an_article(id="b")], NOW)
    (first,) = await store.articles_after(0, 1)
    assert first.article.id == "a"
    await store.save_articles([an_article(id="a", revision=2)], NOW)
    assert ids(list(await store.articles_after(first.seq, 10))) == ["b", "a"]
    (last, _) = await store.newest()
    assert await store.articles_after(last, 10) == []


async def test_ids_by_their_beginning(store: SqlStore) -> None:
    await store.save_articles([an_article(id=id_) for id_ in ("0af1", "0aff", "0b00", "1")], NOW)
    assert sorted(await store.article_ids("0a", 9)) == ["0af1", "0aff"]
    assert len(await store.article_ids("0", 2)) == 2
    assert await store.article_ids("2", 9) == []


async def test_a_follower_misses_nothing_of_savers_at_once(open_store: OpenStore) -> None:
    stores = [await open_store() for _ in range(3)]
    order = random.Random(1)
    done = asyncio.Event()
    seen: dict[str, int] = {}

    async def save(store: SqlStore, name: str) -> None:
        for revision in range(1, 13):
            batch = [
                an_article(id=f"{name}{order.randrange(20)}", revision=revision),
                an_article(id=f"shared{revision}"),
                an_article(id=f"{name}-{revision}"),
            ]
            await store.save_articles(batch, NOW)

    async def follow(store: SqlStore) -> None:
        last = 0
        while True:
            finished = done.is_set()
            rows = await store.articles_after(last, 5)
            for row in rows:
                assert row.seq > last
                last = row.seq
                seen[row.article.id] = row.article.revision
            if finished and not rows:
                return

    async def save_all() -> None:
        await asyncio.gather(*(save(stores[n % 2], name) for n, name in enumerate("pqrs")))
        done.set()

    await asyncio.gather(save_all(), follow(stores[2]))
    rows = await stores[0].articles(ArticleFilter(limit=1000))
    assert seen == {row.article.id: row.article.revision for row in rows}
    assert len({row.seq for row in rows}) == len(rows)


@pytest.mark.parametrize(
    "bad",
    [
        {"title": "nul\0"},
        {"body": "nul\0"},
        {"place": "nul\0"},
        {"body": "\ud800"},
        {"authors": ("\ud800",)},
        {"revision": 2**70},
    ],
)
async def test_an_article_that_no_database_takes_is_rejected(
    store: SqlStore, bad: dict[str, object]
) -> None:
    with pytest.raises(Rejected):
        await store.save_articles([an_article(id="good"), an_article(id="bad", **bad)], NOW)
    assert await listed(store) == []
    await store.save_articles([an_article(id="good")], NOW)
    assert await listed(store) == ["good"]


async def test_a_large_batch_is_one_batch(store: SqlStore) -> None:
    articles = [an_article(id=f"a{number}", topics=("t",)) for number in range(3000)]
    assert len(await store.record_articles(articles)) == 3000
    await store.save_articles(articles, NOW)
    assert len(await store.known([article.id for article in articles])) == 3000
    assert await store.unfinished([article.id for article in articles]) == 0


async def test_the_sources_and_topics_of_the_newest_are_told(store: SqlStore) -> None:
    rows = (("old", ("x",)), ("wire", ("a", "b")), ("sea", ("b",)), ("wire", ("b", "c", "a")))
    for number, (source, topics) in enumerate(rows):
        article = an_article(id=f"a{number}", source=source, topics=topics)
        await store.save_articles([article], NOW)
    assert await store.frequent(3, 9) == (["sea", "wire"], ["a", "b", "c"])
    assert await store.frequent(3, 2) == (["sea", "wire"], ["a", "b"])
    assert await store.frequent(9, 1) == (["wire"], ["b"])
