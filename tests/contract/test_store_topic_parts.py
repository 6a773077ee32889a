"""Topics in parts: pages of them, some with what they use, what they match and what is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection, text

from monitor.model import CatalogChange, Topic, TopicMark, WordList
from monitor.store import SqlStore
from tests.support.articles import NOW, an_article

PACT = Topic(id="pact", name="Pact", query="pact")
SEA = Topic(id="z-sea", name="arms at sea", query="ship @ships")
ELAN = Topic(id="elan", name="Élan vital", query="elan @pact")
SAME = Topic(id="a-sea", name="Arms at Sea", query="frigate")
SHIPS = WordList(name="ships", terms=("frigate",))


async def filled(store: SqlStore) -> None:
    await store.declare_topics([PACT, SEA, ELAN, SAME], [SHIPS])


def ids(topics: object) -> list[str]:
    assert isinstance(topics, list)
    return [topic.id for topic in topics]


async def test_topics_by_id_go_on_after_one(store: SqlStore) -> None:
    await filled(store)
    assert ids(await store.topics_by_id("", 3)) == ["a-sea", "elan", "pact"]
    assert await store.topics_by_id("pact", 3) == [SEA]


async def test_topics_are_sorted_as_people_sort_names(store: SqlStore) -> None:
    await filled(store)
    order = ["a-sea", "z-sea", "elan", "pact"]
    assert ids(await store.topics_by_name("", "", 9)) == order
    assert ids(await store.topics_by_name("a-sea", "", 2)) == order[1:3]
    assert ids(await store.topics_by_name("", "ÉL", 9)) == order[2:]
    assert ids(await store.topics_by_name("z-sea", "elan w", 9)) == order[3:]


async def test_a_topic_that_was_removed_or_renamed_is_listed_so(store: SqlStore) -> None:
    await filled(store)
    await store.declare_topics([PACT, replace(SEA, name="Wet"), SAME], [SHIPS])
    assert ids(await store.topics_by_name("", "", 9)) == ["a-sea", "pact", "z-sea"]
    assert ids(await store.topics_by_name("elan", "", 9)) == ["pact", "z-sea"]
    assert ids(await store.topics_by_name("never-there", "", 9)) == ["pact", "z-sea"]


async def test_a_name_that_no_index_takes_is_sorted_by_its_beginning(store: SqlStore) -> None:
    longest = replace(PACT, name="q\0" + "ﷺ" * 3_000)
    await store.declare_topics([longest, replace(SEA, name="r")], [])
    assert ids(await store.topics_by_name("", "q", 9)) == ["pact", "z-sea"]


async def test_only_the_names_that_are_asked_for_are_read(store: SqlStore) -> None:
    await filled(store)
    await store.declare_topics([PACT, SEA], [SHIPS])
    names = await store.topic_names(["z-sea", "elan", "none", "ships"])
    assert names == {"z-sea": "arms at sea"}
    assert await store.topic_names([]) == {}


async def test_topics_and_lists_by_name_with_what_was_parsed(store: SqlStore) -> None:
    await filled(store)
    await store.keep_trees({"pact": b"\x00p", "a-sea": b"\x00a"}, await store.catalog_revision())
    found = await store.catalog_of(["pact", "ships", "z-sea", "none"])
    assert found == CatalogChange(
        revision=0, topics=(PACT, SEA), lists=(SHIPS,), trees={"pact": b"\x00p"}
    )
    await store.declare_topics([], [])
    assert await store.catalog_of(["pact", "ships"]) == CatalogChange(revision=0)


async def test_topics_that_use_others_are_found_without_the_rest(store: SqlStore) -> None:
    await filled(store)
    assert await store.topics_using() == [ELAN, SEA]
    await store.declare_topics([PACT, SEA, replace(ELAN, query="elan")], [SHIPS])
    assert await store.topics_using() == [SEA]
    await store.declare_topics([PACT], [SHIPS])
    assert await store.topics_using() == []


async def test_the_indexes_serve(store: SqlStore) -> None:
    await filled(store)

    def plans(connection: Connection) -> str:
        explain = "EXPLAIN QUERY PLAN"
        if connection.dialect.name == "postgresql":
            explain = "EXPLAIN"
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        asked = (
            "SELECT definition FROM topic WHERE NOT removed ORDER BY sort_key, id LIMIT 9",
            "SELECT definition FROM topic WHERE NOT removed AND uses_names ORDER BY id",
            "SELECT name FROM source WHERE has_hub ORDER BY name",
        )
        rows = [row for each in asked for row in connection.execute(text(f"{explain} {each}"))]
        return "\n".join(map(str, rows))

    plan = await store._database.read(plans)
    for index in ("ix_topic_sort_key_id", "ix_topic_using", "ix_source_hubbed"):
        assert index in plan


async def test_matches_of_some_topics_are_counted_from_a_time_on(store: SqlStore) -> None:
    old, new = NOW - timedelta(days=8), NOW
    rows = ((new, ("a", "c")), (old, ("a",)), (new, ("a", "b")), (new, ("b",)))
    for number, (fetched, topics) in enumerate(rows):
        article = an_article(id=f"a{number}", fetched=fetched, topics=topics)
        await store.save_articles([article], NOW)
    since = NOW - timedelta(days=7)
    assert await store.match_counts(["a", "b", "none"], since) == {"a": 2, "b": 2}
    assert await store.match_counts(["a"], NOW + timedelta(days=1)) == {}
    assert await store.match_counts([], since) == {}


async def test_marks_go_on_after_one(store: SqlStore) -> None:
    at = {"a": NOW, "b": NOW, "c": NOW + timedelta(days=1), "d": NOW - timedelta(days=1)}
    await store.save_articles([an_article(id=name) for name in at], NOW)
    for name, when in at.items():
        await store.mark_wrong("sco", [name], when)
    await store.mark_wrong("nato", ["a"], NOW)

    async def page(before: TopicMark | None, limit: int) -> list[str]:
        place = (before.marked, before.article_id) if before else None
        return [mark.article_id for mark in await store.marks_of("sco", place, limit)]

    assert await page(None, 9) == ["c", "a", "b", "d"]
    assert await page(None, 2) == ["c", "a"]
    assert await page(TopicMark(topic="sco", article_id="a", marked=NOW), 9) == ["b", "d"]
    assert await store.wrong_topics("a", ["sco", "nato", "eu"]) == {"sco", "nato"}
    assert await store.wrong_topics("d", ["nato"]) == set()
    assert await store.wrong_topics("a", []) == set()
