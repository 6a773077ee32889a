"""`/api/v1/stream`: new articles and alerts the moment they are stored, as server-sent events."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import Response
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from monitor.api.context import ContextOf
from monitor.api.cursor import Position
from monitor.api.live import REPLAY, Event
from monitor.api.problem import documented
from monitor.errors import Unavailable

KEEP_ALIVE = 15
SLOWEST_SEND = 30.0
RECONNECT = 1000

_log = logging.getLogger(__name__)
router = APIRouter(prefix="/api/v1/stream", tags=["stream"])
_GAP = json.dumps(
    {"detail": f"more than {REPLAY:,} changes were missed; read the listings for the older ones"}
)


class _Stream(EventSourceResponse):
    """Lets go of a client that takes nothing any more."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            _log.info("a listener of the stream took nothing for %d s", SLOWEST_SEND)


@router.get(
    "",
    summary="Follow new articles and alerts",
    response_class=Response,
    responses={
        200: {
            "description": "Events `article` and `alert`, their data as in the listings, and"
            " `alerted`: the ids of an `article` and of the `rule` that it has met, and its"
            " `rule_name`.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **documented(400, 422, 503),
    },
)
async def follow(
    context: ContextOf,
    last_event_id: Annotated[
        str | None, Header(max_length=100, description="The last `id:` that was received.")
    ] = None,
    after: Annotated[
        str | None,
        Query(max_length=100, description="The same for the first request of an EventSource."),
    ] = None,
) -> Response:
    """Follow what is stored from now on, or from where the last connection broke off.

    Every event has an `id`. A client that sends the last one as `Last-Event-ID`, as browsers do
    on their own, gets what it missed: nothing twice and nothing left out, up to the last 1,000
    changes; where there were more, an event `gap` says so. A changed article comes again with a
    higher `revision`. Alerts are those of rules with a channel of the kind `stream`; of the others
    an event `alerted` names the article and the rule.
    """
    if context.health.draining:
        raise Unavailable("this process is ending; connect again in a moment", 1)
    given = last_event_id or after  # after a reconnection both are there: the header is newer
    events = await context.live.open(Position.parse(given) if given is not None else None)
    return _Stream(
        _encode(events),
        ping=KEEP_ALIVE,
        ping_message_factory=_keep_alive,
        send_timeout=SLOWEST_SEND,
    )


async def _encode(events: AsyncGenerator[Event]) -> AsyncIterator[ServerSentEvent]:
    try:
        async for event in events:
            yield _sent(event)
    finally:
        await events.aclose()


def _sent(event: Event) -> ServerSentEvent:
    """Write one event; a line break in the data begins another `data:` line, never a field."""
    place: dict[str, Any] = {"id": str(event.position)}
    if event.change is not None:
        return ServerSentEvent(event.change.data, event=event.change.kind, **place)
    if event.gap:
        return ServerSentEvent(_GAP, event="gap", retry=RECONNECT, **place)
    return ServerSentEvent(retry=RECONNECT, **place)


def _keep_alive() -> ServerSentEvent:
    return ServerSentEvent(comment="keep-alive")
