"""The application on a real port, with a real store in a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from fastapi import FastAPI
from starlette.types import ASGIApp

from monitor.api.app import create_app
from monitor.api.server import bind, serving
from monitor.clock import SystemClock
from monitor.declarations import SourceRules
from monitor.model import Topic
from monitor.protocols import Clock
from monitor.store import SqlStore
from monitor.telemetry import Health
from tests.support.news import TOPICS

RULES = SourceRules({"auto": "url", "feed": "url", "page": "url", "mail": "url", "text": "path"})


@dataclass
class Site:
    """One served application; `store` is also there where the application has none yet."""

    app: FastAPI
    store: SqlStore
    health: Health
    url: str
    client: aiohttp.ClientSession = field(repr=False)

    async def shown(self, path: str, status: int = 200) -> str:
        """Return what is answered to a request."""
        async with self.client.get(path) as answer:
            assert answer.status == status, path
            return await answer.text()


@asynccontextmanager
async def a_store(folder: Path) -> AsyncIterator[SqlStore]:
    """Open a store in a file."""
    store = SqlStore.from_url(f"sqlite+aiosqlite:///{folder / 'monitor.db'}")
    await store.start()
    await store.migrate()
    try:
        yield store
    finally:
        await store.stop()


@asynccontextmanager
async def a_site(
    folder: Path,
    *,
    connected: bool = True,
    clock: Clock | None = None,
    topics: Sequence[Topic] = TOPICS,
    allowed_hosts: Sequence[str] = (),
) -> AsyncIterator[Site]:
    """Serve an application on a free port while the block runs."""
    health = Health()
    async with a_store(folder) as store:
        app = create_app(
            store if connected else None,
            health,
            clock=clock or SystemClock(),
            allowed_hosts=allowed_hosts,
            source_rules=RULES,
        )
        await store.declare_topics(topics, ())
        async with served(app) as (url, client):
            yield Site(app, store, health, url, client)


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    """Serve any application on a free port while the block runs; yield its address, and a client
    of it."""
    listener = bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    # A server that stops waits for idle connections of its clients, so the client goes first.
    async with serving(app, listener), aiohttp.ClientSession(url) as client:
        yield url, client
