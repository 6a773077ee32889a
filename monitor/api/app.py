"""The application factory: everything that HTTP reaches in a process with the role `api`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi import FastAPI

from monitor import __version__
from monitor.api.alerts import router as alerts_router
from monitor.api.articles import router as articles_router
from monitor.api.context import Context, archive_of
from monitor.api.cursor import Position
from monitor.api.docs import describe
from monitor.api.docs import router as docs_router
from monitor.api.health import router as health_router
from monitor.api.live import INTERVAL, Live
from monitor.api.marks import router as marks_router
from monitor.api.methods import HeadAsGet
from monitor.api.origin import OwnSiteOnly
from monitor.api.problem import install
from monitor.api.security import HostCheck, SecurityHeaders
from monitor.api.sources import router as sources_router
from monitor.api.stream import router as stream_router
from monitor.api.topics import router as topics_router
from monitor.api.websub import router as websub_router
from monitor.declarations import SourceRules
from monitor.protocols import Archive, Clock
from monitor.telemetry import Health
from monitor.web.pages import Pages

_DESCRIPTION = """\
Articles from the polled sources, each with the topics that it is about, and the alerts they raised.

Times are ISO 8601 in UTC. Listings are paged by an opaque `cursor`. Errors are problem JSON
(RFC 9457) whose `detail` says what to do.
"""
_TAGS = [
    {"name": "articles", "description": "The archive, the latest change first."},
    {"name": "alerts", "description": "Matches of alert rules, and their deliveries."},
    {"name": "stream", "description": "Server-sent events: what is new, as it comes."},
    {"name": "topics", "description": "The news subjects that articles are sorted by."},
    {"name": "sources", "description": "What is followed, and how the polls go."},
    {"name": "health", "description": "For orchestrators and Prometheus."},
]
_RESOURCES = (
    articles_router,
    alerts_router,
    stream_router,
    topics_router,
    marks_router,
    sources_router,
    websub_router,
)


def create_app(
    store: Archive | None,
    health: Health,
    *,
    clock: Clock,
    allowed_hosts: Sequence[str] = (),
    public_url: str = "",
    source_rules: SourceRules | None = None,
) -> FastAPI:
    """Return the application: API, pages, health and metrics.

    `store` may come later, as `app.state.store`: until then whatever needs it answers 503.
    `allowed_hosts` are the Host headers to answer to, none means any (see `hosts_for`);
    `public_url` is where hubs reach the callbacks, and no more.
    `source_rules` are what a source that somebody adds is held against.
    """
    app = _application()

    def archive() -> Archive:
        return archive_of(app, health)

    app.state.store = store
    app.state.context = Context(
        health=health,
        clock=clock,
        live=Live(archive, clock),
        started=clock.monotonic(),
        source_rules=source_rules or SourceRules(),
    )
    pages = Pages(archive, clock=clock, position=_position)
    for router in (health_router, *_RESOURCES, docs_router, pages.router):
        app.include_router(router)
    app.mount("/static", pages.static)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    install(app, pages.error)
    _protect(app, allowed_hosts, urlsplit(public_url).hostname or "")
    return app


def _application() -> FastAPI:
    return FastAPI(
        title="News Monitor",
        version=__version__,
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )


def _protect(app: FastAPI, allowed_hosts: Sequence[str], public_host: str) -> None:
    app.add_middleware(HeadAsGet)
    app.add_middleware(OwnSiteOnly)
    if allowed_hosts:
        app.add_middleware(HostCheck, allowed=allowed_hosts, public_host=public_host)
    app.add_middleware(SecurityHeaders)  # the last one added is the outermost


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: Context = app.state.context
    watch = asyncio.create_task(_end_streams_when_draining(context), name="drain watch")
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.wait([watch])
        await context.live.stop()


async def _end_streams_when_draining(context: Context) -> None:
    """A server that shuts down waits for its answers to end, and a stream has no end of its own."""
    while not context.health.draining:
        await context.clock.sleep(INTERVAL)
    context.live.end()


def _position(newest: tuple[int, int]) -> str:
    return str(Position(*newest))
