"""Topics and word lists, on every database product."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from monitor.errors import Rejected
from monitor.model import CatalogChange, Expectations, Owner, Priority, Topic, WordList
from monitor.store import SqlStore
from monitor.store.topics import _TOPICS_SINCE
from tests.support.articles import NOW, an_article

STORM = Topic(id="storm", name="Storms", query="storm OR hurricane")
NAVY = Topic(
    id="navy",
    name="Navies",
    query="navy @ships",
    stem="en",
    description="At sea",
    priority=Priority.HIGH,
    expect=Expectations(match=("a",), no_match=("b", "c")),
)
SHIPS = WordList(name="ships", terms=("frigate", "patrol boat"))


async def test_what_is_declared_is_there_as_it_was(store: SqlStore) -> None:
    assert await store.catalog_revision() == 0
    await store.declare_topics([STORM, NAVY], [SHIPS])
    assert await store.topics() == [NAVY, STORM]
    assert await store.topic("navy") == NAVY
    assert await store.topic("nothing") is None
    assert await store.word_lists() == [SHIPS]


async def test_what_a_user_made_is_told_once_it_is_declared(store: SqlStore) -> None:
    await store.add_topic(NAVY)
    await store.add_topic(STORM)
    await store.remove_topic("storm")
    assert await store.declare_topics([STORM, NAVY], []) == ["navy"]
    assert await store.declare_topics([STORM, NAVY], []) == []


async def test_only_a_change_raises_the_revision(store: SqlStore) -> None:
    await store.declare_topics([STORM, NAVY], [SHIPS])
    first = await store.catalog_revision()
    await store.declare_topics([NAVY, STORM], [SHIPS])
    assert await store.catalog_revision() == first
    await store.declare_topics([NAVY, STORM], [replace(SHIPS, terms=("frigate",))])
    await store.declare_topics([NAVY, STORM], [])
    await store.declare_topics([STORM], [])
    assert await store.catalog_revision() == first + 3
    assert await store.topics() == [STORM]
    assert await store.word_lists() == []


async def test_a_query_that_somebody_else_has_changed_meanwhile_stays(store: SqlStore) -> None:
    await store.add_topic(NAVY)
    seen = await store.topic(NAVY.id)
    assert seen is not None
    await store.change_topic(replace(seen, query="navy"))
    with pytest.raises(Rejected, match="was changed meanwhile"):
        await store.change_topic(replace(seen, query="fleet"))
    found = await store.topic(NAVY.id)
    assert found is not None
    assert found.query == "navy"


async def test_another_query_or_stemmer_is_another_version(store: SqlStore) -> None:
    await store.declare_topics([STORM], [])
    renamed = replace(STORM, name="Bad weather")
    await store.declare_topics([renamed], [])
    assert await store.topic("storm") == renamed
    await store.declare_topics([replace(renamed, query="storm")], [])
    await store.declare_topics([replace(renamed, query="storm", stem="en")], [])
    found = await store.topic("storm")
    assert found is not None
    assert found.version == 3


async def test_a_user_adds_changes_and_removes_a_topic(store: SqlStore) -> None:
    await store.declare_topics([STORM], [])
    await store.add_topic(replace(NAVY, version=9))
    assert await store.topic("navy") == replace(NAVY, owner=Owner.USER)
    await store.change_topic(replace(NAVY, query="navy"))
    changed = await store.topic("navy")
    assert changed is not None
    assert (changed.query, changed.version, changed.owner) == ("navy", 2, Owner.USER)
    await store.declare_topics([STORM], [])
    assert len(await store.topics()) == 2
    await store.remove_topic("navy")
    assert await store.topics() == [STORM]
    assert await store.catalog_revision() == 4


async def test_only_what_has_changed_is_read_again(store: SqlStore) -> None:
    await store.declare_topics([STORM], [SHIPS])
    assert await store.catalog_since(-1) == CatalogChange(
        revision=1, topics=(STORM,), lists=(SHIPS,)
    )
    assert await store.catalog_since(1) == CatalogChange(revision=1)
    await store.add_topic(NAVY)
    mine = replace(NAVY, owner=Owner.USER)
    assert await store.catalog_since(1) == CatalogChange(revision=2, topics=(mine,))
    await store.remove_topic("navy")
    assert await store.catalog_since(1) == CatalogChange(revision=3, removed_topics=("navy",))
    await store.declare_topics([], [])
    gone = CatalogChange(revision=4, removed_topics=("storm",), removed_lists=("ships",))
    assert await store.catalog_since(3) == gone


async def test_what_has_changed_is_found_without_walking_through_all(store: SqlStore) -> None:
    def plan(connection: Connection) -> str:
        explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        statement = _TOPICS_SINCE.params(after=1).compile(
            connection, compile_kwargs={"literal_binds": True}
        )
        rows = connection.execute(text(f"{explain} {statement}"))
        return "\n".join(str(row) for row in rows)

    assert "ix_topic_revision" in await store._database.read(plan)


async def test_a_parsed_query_stays_until_its_topic_changes(store: SqlStore) -> None:
    await store.declare_topics([STORM], [SHIPS])
    await store.add_topic(NAVY)
    revision = await store.catalog_revision()
    await store.keep_trees({"storm": b"\x00parsed", "navy": b"of another"}, revision - 1)
    assert await store.catalog_revision() == revision
    assert (await store.catalog_since(-1)).trees == {"storm": b"\x00parsed"}
    assert (await store.catalog_since(revision)).trees == {}
    await store.keep_trees({f"t{number}": b"x" for number in range(2_500)}, revision)
    await store.declare_topics([STORM], [])
    assert (await store.catalog_since(-1)).trees == {"storm": b"\x00parsed"}
    await store.declare_topics([replace(STORM, query="storm")], [])
    assert (await store.catalog_since(-1)).trees == {}


async def test_a_version_never_stands_for_two_queries(store: SqlStore) -> None:
    for query, version in (("navy", 1), ("navies", 2), ("navies", 2)):
        await store.add_topic(replace(NAVY, query=query))
        found = await store.topic("navy")
        assert found is not None
        assert found.version == version
        await store.remove_topic("navy")
        assert await store.topic("navy") is None


async def test_a_topic_is_not_called_as_a_list_is(store: SqlStore) -> None:
    await store.declare_topics([], [SHIPS])
    with pytest.raises(Rejected, match="a word list is called 'ships'"):
        await store.add_topic(replace(STORM, id="ships"))


async def test_matches_are_counted_from_a_time_on(store: SqlStore) -> None:
    old, new = NOW - timedelta(days=8), NOW
    for number, (fetched, topics) in enumerate(((old, ("a",)), (new, ("a", "b")), (new, ("b",)))):
        article = an_article(id=f"a{number}", fetched=fetched, topics=topics)
        await store.save_articles([article], NOW)
    assert await store.matches_since(NOW - timedelta(days=7)) == {"a": 1, "b": 2}


async def test_what_is_declared_is_changed_in_its_file_alone(store: SqlStore) -> None:
    await store.declare_topics([STORM], [])
    with pytest.raises(Rejected, match="there is a topic 'storm' already"):
        await store.add_topic(STORM)
    for change in (store.change_topic(STORM), store.remove_topic("storm")):
        with pytest.raises(Rejected, match="'storm' is declared in the operator's file"):
            await change
    with pytest.raises(Rejected, match="there is no topic 'navy'"):
        await store.remove_topic("navy")


async def test_a_users_topic_under_a_declared_name_becomes_the_operators(store: SqlStore) -> None:
    await store.add_topic(STORM)
    await store.declare_topics([replace(STORM, query="storm")], [])
    found = await store.topic("storm")
    assert found is not None
    assert (found.owner, found.query, found.version) == (Owner.CONFIG, "storm", 2)
