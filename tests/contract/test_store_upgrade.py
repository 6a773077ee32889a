"""A database of an earlier schema, with what is in it, on every database product."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial

import msgspec
import pytest
from alembic import command
from sqlalchemy import Connection, inspect, text

from monitor.clock import SystemClock
from monitor.model import (
    Article,
    ArticleFilter,
    Condition,
    Memory,
    Owner,
    Topic,
    TopicMark,
)
from monitor.search import search
from monitor.store import SqlStore
from monitor.store.columns import to_microseconds
from monitor.store.migrate import config_for
from monitor.store.sql import Database
from monitor.store.wordindex import FTS5, TSVECTOR
from tests.support.articles import NOW
from tests.support.polls import a_source, names

_SOURCES = text(
    "INSERT INTO source VALUES (:name, 'feed', :location, 'Title', 900, :enabled, :owner, :now,"
    " :etag, 'yesterday', 'b1', 2, :polled, :outcome, '503', 'dead', :now)"
)
_ITEM = text("INSERT INTO item VALUES ('a1', 3, 'wire', 'h3', :now)")
_TOPIC = text("INSERT INTO topic (id, revision, removed, definition) VALUES (:id, 7, :gone, :it)")
_MARK = text("INSERT INTO topic_mark VALUES ('sea', 'a1', :now)")
_MEMORY = text("UPDATE source SET memory = :memory WHERE name = :name")
_REVISION = text("UPDATE catalog SET revision = 7")
_ARTICLE = text(
    "INSERT INTO article VALUES ('a1', 1, 'wire', 'Title', :now, 'h', '', '', '', '', '[]', '[]',"
    " '', '', '', NULL, NULL, 3, '[]', :false, :false, :now)"
)


def _fill(connection: Connection) -> None:
    """Bring the schema to its first version and put rows into it."""
    command.upgrade(config_for(connection), "0001")
    now = NOW if connection.dialect.name == "postgresql" else to_microseconds(NOW)
    row = {"now": now, "etag": 'W/"1"', "polled": now, "outcome": "failed", "owner": "config"}
    wire = {**row, "name": "wire", "location": "https://wire.example/feed", "enabled": True}
    off = {**row, "name": "off", "location": "x.txt", "enabled": False, "owner": "user"}
    fresh = {**wire, "name": "fresh", "location": "https://b.wire.example/", "polled": None}
    works = {**wire, "name": "works", "location": "https://works.example/", "outcome": "changed"}
    for each in (wire, off, fresh, works):
        connection.execute(_SOURCES, each)
    connection.execute(_ITEM, {"now": now})
    connection.execute(_ARTICLE, {"now": now, "false": False})


@pytest.fixture
async def old(database_url: str) -> Database:
    """A database of the first schema."""
    database = Database(database_url, SystemClock())
    await database.start()
    await database.migrate(_fill)
    await database.stop()
    return database


@asynccontextmanager
async def migrated(database_url: str) -> AsyncIterator[SqlStore]:
    """Open a store on a database of an earlier schema."""
    store = SqlStore(Database(database_url, SystemClock()))
    await store.start()
    try:
        await store.migrate()
        yield store
    finally:
        await store.stop()


@pytest.fixture
async def upgraded(old: Database, store: SqlStore) -> SqlStore:
    """A store on it, after the migration."""
    return store


async def test_sources_keep_their_schedule_and_their_validators(upgraded: SqlStore) -> None:
    states = {state.source.name: state for state in await upgraded.sources()}
    wire = states["wire"]
    assert wire.source == a_source("wire", title="Title", interval=900)
    assert wire.next_poll_at == NOW
    assert wire.memory == Memory(
        etag='W/"1"',
        last_modified="yesterday",
        body_hash="b1",
        imported=True,
        failures=2,
        last_polled_at=NOW,
        last_outcome="failed",
        last_error="503",
    )
    assert states["works"].memory.condition is Condition.WORKING
    assert states["fresh"].memory.last_polled_at is None
    assert (states["off"].source.owner, states["off"].source.enabled) == (Owner.USER, False)


async def test_hosts_have_their_turns(upgraded: SqlStore) -> None:
    assert await upgraded.lease_turns(NOW - timedelta(seconds=1), "me", 9, 60) == []
    turns = await upgraded.lease_turns(NOW, "me", 9, 60)
    assert sorted(turn.host for turn in turns) == ["wire.example", "works.example"]
    assert await upgraded.lessees() == ["me"]
    assert names(await upgraded.lease_sources(["off"], NOW, "me", 60)) == ["off"]


async def test_a_declaration_that_says_the_same_changes_nothing(upgraded: SqlStore) -> None:
    before = {state.source.name: state for state in await upgraded.sources()}
    await upgraded.declare([before["wire"].source], NOW + timedelta(9))
    assert await upgraded.source("wire") == before["wire"]


async def test_items_and_articles_stay(upgraded: SqlStore) -> None:
    assert (await upgraded.known(["a1"]))["a1"].revision == 3
    row = await upgraded.article("a1")
    assert row is not None
    assert row.article == Article(
        id="a1", source="wire", title="Title", fetched=NOW, content_hash="h", revision=3
    )


async def test_articles_from_before_the_index_are_found(upgraded: SqlStore) -> None:
    page = await search(upgraded, "title", ArticleFilter(), NOW)
    assert [row.article.id for row in page.rows] == ["a1"]


async def test_what_lists_are_found_by_is_filled_in(old: Database, database_url: str) -> None:
    hub = msgspec.msgpack.encode({"hints": {"hub": "https://hub.example/"}})
    topics = (Topic(id="a", name="Straits", query="x"), Topic(id="b", name="Élan", query="y @a"))

    def fill(connection: Connection) -> None:
        command.upgrade(config_for(connection), "0007")
        connection.execute(_MEMORY, {"name": "wire", "memory": hub})
        connection.execute(_MEMORY, {"name": "off", "memory": b"\xc1"})
        for topic in topics:
            row = {"id": topic.id, "gone": False, "it": msgspec.msgpack.encode(topic)}
            connection.execute(_TOPIC, row)

    await old.start()
    await old.migrate(fill)
    await old.stop()
    async with migrated(database_url) as store:
        assert [state.source.name for state in await store.hubbed_sources()] == ["wire"]
        assert await store.topics_by_name("", "", 9) == [topics[1], topics[0]]
        assert await store.topics_using() == [topics[1]]


async def test_words_that_were_cut_otherwise_are_found(old: Database, database_url: str) -> None:
    titles = {2: "L’OTAN", 3: "나토가", 4: "Minis\u00adter", 5: "Harbour"}
    stale = {2: "l'otan", 3: "나토가", 4: "minis ter", 5: "harbour"}

    def fill(connection: Connection) -> None:
        command.upgrade(config_for(connection), "0007")
        product = connection.dialect.name
        for seq, title in titles.items():
            copied = ", ".join(
                {"id": f"'a{seq}'", "seq": f"{seq}", "title": ":title"}.get(name, name)
                for name in (
                    column["name"] for column in inspect(connection).get_columns("article")
                )
            )
            copy = text(f"INSERT INTO article SELECT {copied} FROM article WHERE id = 'a1'")  # noqa: S608
            connection.execute(copy, {"title": title})
            index = FTS5 if product == "sqlite" else TSVECTOR
            connection.execute(index.insert, {"seq": seq, "words": stale[seq]})

    await old.start()
    await old.migrate(fill)
    await old.stop()
    async with migrated(database_url) as store:
        expected = {"OTAN": 2, "l'OTAN": 2, "나토": 3, "minister": 4, "harbour": 5}
        for query, seq in expected.items():
            page = await search(store, query, ArticleFilter(), NOW)
            assert [row.seq for row in page.rows] == [seq]


async def test_topics_and_marks_stay(old: Database, database_url: str) -> None:
    sea = Topic(id="sea", name="Sea", query="ship OR ferry", version=3, owner=Owner.USER)

    def fill(connection: Connection) -> None:
        command.upgrade(config_for(connection), "0004")
        now = NOW if connection.dialect.name == "postgresql" else to_microseconds(NOW)
        for topic, gone in ((sea, False), (replace(sea, id="gone"), True)):
            row = {"id": topic.id, "gone": gone, "it": msgspec.msgpack.encode(topic)}
            connection.execute(_TOPIC, row)
        connection.execute(_MARK, {"now": now})
        connection.execute(_REVISION)

    await old.start()
    await old.migrate(fill)
    await old.stop()
    async with migrated(database_url) as store:
        assert await store.topics() == [sea]
        change = await store.catalog_since(-1)
        assert (change.revision, change.topics, change.removed_topics) == (7, (sea,), ("gone",))
        assert await store.wrong_for("sea") == [TopicMark(topic="sea", article_id="a1", marked=NOW)]


async def test_it_can_go_back(upgraded: SqlStore, old: Database) -> None:
    def back(connection: Connection) -> None:
        command.downgrade(config_for(connection), "0001")

    def read(connection: Connection) -> list[tuple[str, int, str]]:
        found = connection.execute(text("SELECT name, interval, etag FROM source ORDER BY name"))
        return [(name, interval, etag) for name, interval, etag in found]

    await old.start()
    await old.migrate(back)
    assert await old.read(partial(read)) == [
        (name, 900, 'W/"1"') for name in ("fresh", "off", "wire", "works")
    ]
    await old.stop()
