"""The schema and its migrations, on every database."""

from __future__ import annotations

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from monitor.clock import SystemClock
from monitor.errors import ConfigError, Rejected, Unavailable
from monitor.store import SqlStore
from monitor.store.migrate import config_for
from monitor.store.sql import Database
from monitor.store.tables import metadata
from monitor.store.version import is_current, newest
from tests.support.articles import an_article
from tests.support.stores import OpenStore


async def test_migrations_make_the_schema_that_the_tables_declare(
    store: SqlStore, database_url: str
) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                # The index of words is another thing in each product, and has no class.
                "include_name": lambda name, kind, _: (
                    kind != "table" or not name.startswith("article_words")
                ),
            },
        )
        return list(compare_metadata(context, metadata))

    def indexes(connection: Connection) -> set[str | None]:
        tables = inspect(connection)
        return {i["name"] for table in metadata.tables for i in tables.get_indexes(table)}

    database = Database(database_url, SystemClock())
    await database.start()
    try:
        assert await database.read(differences) == []
        declared = {i.name for table in metadata.tables.values() for i in table.indexes}
        assert await database.read(indexes) >= declared
    finally:
        await database.stop()


async def test_there_is_one_head(store: SqlStore, database_url: str) -> None:
    def heads(connection: Connection) -> list[str]:
        return list(ScriptDirectory.from_config(config_for(connection)).get_heads())

    database = Database(database_url, SystemClock())
    await database.start()
    assert await database.read(heads) == [newest()]
    assert await database.read(is_current)
    await database.stop()


@pytest.mark.parametrize("found", ["UPDATE alembic_version SET version_num = '9999'",
                                   "DELETE FROM alembic_version"])  # fmt: skip
async def test_a_schema_of_another_version_is_not_taken_for_ours(
    store: SqlStore, database_url: str, found: str
) -> None:
    database = Database(database_url, SystemClock())
    await database.start()
    await database.write(lambda connection: connection.execute(text(found)))
    assert not await database.read(is_current)
    await database.stop()


async def test_a_schema_of_a_newer_release_is_refused(store: SqlStore, database_url: str) -> None:
    newer = text("UPDATE alembic_version SET version_num = '9999'")
    database = Database(database_url, SystemClock())
    await database.start()
    await database.write(lambda connection: connection.execute(newer))
    await database.stop()
    with pytest.raises(Rejected, match="newer release"):
        await store.migrate()


async def test_processes_that_migrate_at_once_do_it_once(database_url: str) -> None:
    stores = [SqlStore.from_url(database_url) for _ in range(3)]
    await asyncio.gather(*(store.start() for store in stores))
    await asyncio.gather(*(store.migrate() for store in stores))
    assert await stores[0].record_articles([an_article()]) == ["a1"]
    for store in stores:
        await store.stop()


async def test_a_migration_keeps_what_is_there(open_store: OpenStore) -> None:
    first = await open_store()
    await first.record_articles([an_article()])
    second = await open_store()
    assert await second.record_articles([an_article()]) == []


async def test_a_database_without_schema_is_unavailable_and_says_why(database_url: str) -> None:
    store = SqlStore.from_url(database_url)
    await store.start()
    try:
        with pytest.raises(Unavailable, match="migrate"):
            await store.sources()
    finally:
        await store.stop()


async def test_a_store_starts_and_stops_more_than_once(store: SqlStore) -> None:
    await store.ping()
    await store.start()
    await store.stop()
    await store.stop()
    with pytest.raises(Unavailable, match="not open"):
        await store.ping()
    await store.start()
    await store.ping()


@pytest.mark.parametrize("url", ["mysql://host/db", "monitor.db", ""])
def test_a_url_of_no_database_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="sqlite"):
        SqlStore.from_url(url)


@pytest.mark.parametrize("url", ["sqlite+aiosqlite://", "sqlite:///:memory:"])
async def test_a_database_in_memory_is_shared_by_all_of_a_store(url: str) -> None:
    store = SqlStore.from_url(url)
    await store.start()
    await store.migrate()
    articles = [an_article(id=f"a{number}") for number in range(20)]
    results = await asyncio.gather(
        *(store.record_articles([article]) for article in articles),
        *(store.known([article.id]) for article in articles),
    )
    assert len(results) == 40
    assert (await store.outbox_size()).unsent == 20
    await store.stop()
