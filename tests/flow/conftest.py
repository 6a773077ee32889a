"""What the tests of the whole flow share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from tests.support.publishers import Publishers
from tests.support.simulation import WHO
from tests.support.world import peers

__all__ = ["peers"]

_MEMORY = Path("/dev/shm")  # noqa: S108


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database; SQLite's file is in memory, for days pass in seconds."""
    if request.param == "postgres":
        yield request.getfixturevalue("postgres_url")
        return
    folder = tempfile.mkdtemp(prefix="monitor-", dir=_MEMORY if _MEMORY.is_dir() else None)
    yield f"sqlite+aiosqlite:///{folder}/monitor.db"
    shutil.rmtree(folder)


@pytest.fixture
async def publishers(clock: FakeClock) -> AsyncIterator[Publishers]:
    """Servers of publishers, on the test's clock; whoever asked them has said who it is."""
    async with Publishers(clock) as server:
        yield server
    assert [one for one in server.requests if not WHO.fullmatch(one.headers["user-agent"])] == []
