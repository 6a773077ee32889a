"""Stores for tests, on every database that the service knows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from monitor.store import SqlStore
from tests.support.clock import FakeClock

OpenStore = Callable[[], Awaitable[SqlStore]]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/data/monitor.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def clock() -> FakeClock:
    """The clock of all stores of a test."""
    return FakeClock()


@pytest.fixture
async def open_store(database_url: str, clock: FakeClock) -> AsyncIterator[OpenStore]:
    """Opens one more store on the test's database, as another process would."""
    stores: list[SqlStore] = []

    async def opened() -> SqlStore:
        store = SqlStore.from_url(database_url, clock)
        stores.append(store)
        await store.start()
        await store.migrate()
        return store

    yield opened
    for store in stores:
        await store.stop()


@pytest.fixture
async def store(open_store: OpenStore) -> SqlStore:
    """A store with an up-to-date schema and nothing in it."""
    return await open_store()
