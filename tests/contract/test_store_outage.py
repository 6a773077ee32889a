"""What a store does while its database is away, and after."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from monitor.errors import Unavailable
from monitor.store import SqlStore
from tests.support.articles import NOW, an_article
from tests.support.clock import FakeClock
from tests.support.postgres import PostgresServer

postgres = pytest.mark.postgres


@pytest.fixture
async def remote(postgres_url: str, clock: FakeClock) -> AsyncIterator[SqlStore]:
    """A store on PostgreSQL, which is running again at the end."""
    store = SqlStore.from_url(postgres_url, clock)
    await store.start()
    await store.migrate()
    yield store
    await store.stop()


@pytest.fixture
async def local(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SqlStore]:
    """A store on a SQLite file."""
    store = SqlStore.from_url(f"sqlite+aiosqlite:///{tmp_path}/monitor.db", clock)
    await store.start()
    await store.migrate()
    yield store
    await store.stop()


@postgres
async def test_nothing_is_seen_of_a_restart(
    remote: SqlStore, postgres_server: PostgresServer
) -> None:
    await asyncio.gather(*(remote.claim({f"key{number}": "a"}) for number in range(20)))
    await asyncio.to_thread(postgres_server.restart)
    assert await remote.claim({"key1": "b"}) == {"key1": "a"}
    await remote.ping()


@postgres
@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_an_outage_is_unavailable_and_ends(
    remote: SqlStore, postgres_server: PostgresServer, how: str
) -> None:
    await remote.save_articles([an_article(id="kept")], NOW)
    try:
        await asyncio.to_thread(getattr(postgres_server, how))
        for call in (
            remote.ping(),
            remote.claim({"key": "a"}),
            remote.known(["a"]),
            remote.save_articles([an_article()], NOW),
            remote.migrate(),
        ):
            with pytest.raises(Unavailable, match="postgresql"):
                await call
    finally:
        await asyncio.to_thread(postgres_server.start)
    await remote.ping()
    assert await remote.article("kept") is not None, "what was committed survives a kill"
    assert await remote.claim({"key": "b"}) == {"key": "b"}


@postgres
async def test_a_frozen_server_fails_a_ping_in_time_and_lets_the_store_stop(
    postgres_url: str, postgres_server: PostgresServer
) -> None:
    store = SqlStore.from_url(postgres_url)
    await store.start()
    postgres_server.pause()
    try:
        async with asyncio.timeout(20):
            with pytest.raises(Unavailable):
                await store.ping()
            await store.stop()
    finally:
        postgres_server.resume()


@postgres
async def test_a_frozen_server_lets_idle_connections_go_and_nothing_is_said(
    postgres_url: str, postgres_server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    store = SqlStore.from_url(postgres_url, SystemClock())
    await store.start()
    await store.migrate()
    await asyncio.gather(*(store.claim({f"key{number}": "a"}) for number in range(10)))
    postgres_server.pause()
    try:
        await asyncio.wait_for(store.stop(), 10)
    finally:
        postgres_server.resume()
    assert not caplog.records


@postgres
async def test_sessions_that_are_terminated_are_replaced(
    remote: SqlStore, postgres_url: str, postgres_server: PostgresServer
) -> None:
    calls = [remote.claim({f"key{number}": "a"}) for number in range(50)]
    tasks = [asyncio.ensure_future(call) for call in calls]
    await tasks[0]
    await asyncio.to_thread(postgres_server.terminate_sessions)
    answers = await asyncio.gather(*tasks)
    assert answers == [{f"key{number}": "a"} for number in range(50)]


@postgres
@pytest.mark.parametrize(
    ("user", "database"), [("nobody", "postgres"), ("monitor", "no such database")]
)
async def test_a_server_that_does_not_let_us_in_is_unavailable(
    postgres_server: PostgresServer, user: str, database: str
) -> None:
    address = f"{user}@127.0.0.1:{postgres_server.port}/{database}"
    store = SqlStore.from_url(f"postgresql+asyncpg://{address}")
    with pytest.raises(Unavailable, match="does not exist"):
        await store.start()
    await store.stop()


async def test_nobody_at_the_address_is_unavailable(clock: FakeClock) -> None:
    store = SqlStore.from_url("postgresql+asyncpg://monitor:secret@127.0.0.1:1/monitor", clock)
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1") as caught:
        await store.start()
    assert "secret" not in str(caught.value)
    await store.stop()


async def test_a_writer_waits_for_another_process(local: SqlStore, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "monitor.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.ensure_future(local.claim({"key": "a"}))
    assert await local.known(["a"]) == {}, "a reader does not wait"
    assert not waiting.done()
    other.execute("COMMIT")
    other.close()
    assert await waiting == {"key": "a"}


async def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = SqlStore.from_url(f"sqlite+aiosqlite:///{tmp_path}/file/monitor.db")
    with pytest.raises(Unavailable, match=r"monitor\.db"):
        await store.start()
    await store.stop()


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "monitor.db").write_bytes(b"not a database " * 100)
    store = SqlStore.from_url(f"sqlite+aiosqlite:///{tmp_path}/monitor.db")
    with pytest.raises(Unavailable, match="not a database"):
        await store.start()
    await store.stop()


async def test_a_full_disk_is_unavailable_and_ends(local: SqlStore) -> None:
    await local.claim({"before": "a"})
    pages = await limit_pages(local, 1)
    big = [an_article(id=str(number), body="x" * 100_000) for number in range(20)]
    with pytest.raises(Unavailable, match="full"):
        await local.save_articles(big, NOW)
    assert await local.claim({"before": "b"}) == {"before": "a"}
    await limit_pages(local, pages)
    await local.save_articles(big, NOW)
    assert len(await local.articles_after(0, 100)) == 20


async def limit_pages(store: SqlStore, pages: int) -> int:
    """Let SQLite believe that the disk ends there; return where it ended before."""
    work = "PRAGMA max_page_count"
    before = await store._database.write(lambda c: c.exec_driver_sql(work).scalar_one())
    await store._database.write(lambda c: c.exec_driver_sql(f"{work}={pages}").scalar_one())
    return int(before)


async def test_a_cancelled_call_leaves_the_store_in_order(local: SqlStore) -> None:
    for number in range(20):
        call = asyncio.ensure_future(local.claim({f"key{number}": "a"}))
        for _ in range(number):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    keys = {f"key{number}": "b" for number in range(20)}
    assert set((await local.claim(keys)).values()) <= {"a", "b"}
