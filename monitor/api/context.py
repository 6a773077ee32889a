"""What the routers need of the process, kept in `app.state.context`, and the store behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from monitor.api.live import Live
from monitor.declarations import SourceRules
from monitor.errors import Unavailable
from monitor.protocols import Archive, Clock
from monitor.telemetry import Health


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One per application."""

    health: Health
    clock: Clock
    live: Live
    started: float
    source_rules: SourceRules


def archive_of(app: FastAPI, health: Health) -> Archive:
    """Return the store; raises Unavailable as long as the database has not answered yet."""
    archive: Archive | None = app.state.store
    if archive is None:
        _, text = health.parts.get("database", ("down", ""))
        raise Unavailable(
            f"the database is not reachable yet: {text or 'it has not answered since the start'}"
        )
    return archive


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


def _archive(request: Request) -> Archive:
    return archive_of(request.app, _context(request).health)


ContextOf = Annotated[Context, Depends(_context)]
ArchiveOf = Annotated[Archive, Depends(_archive)]
