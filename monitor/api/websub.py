"""`/websub/TOKEN`: where WebSub hubs verify subscriptions and push documents.

Hubs are strangers without cookies or an Origin: the token in the address is unguessable, and a
document counts only when it is signed with the subscription's secret.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.requests import ClientDisconnect

from monitor.api.context import ArchiveOf, ContextOf
from monitor.errors import Rejected
from monitor.model import Document, HubSubscription
from monitor.protocols import Hubs
from monitor.telemetry import HUB_PUSHES
from monitor.websub import confirmed, denied, expected, is_signed

log = logging.getLogger(__name__)

MAX_BODY = 10_000_000
DEADLINE = 30.0
"""Seconds that a hub has to send a document."""
MAX_CHALLENGE = 1_000
MAX_CONTENT_TYPE = 200
_TOKEN = re.compile(r"[0-9a-f]{16,100}")

router = APIRouter(prefix="/websub", include_in_schema=False)


@router.get("/{token}")
async def verify(token: str, request: Request, archive: ArchiveOf, context: ContextOf) -> Response:
    """Confirm to a hub what we asked of it, or take note that it denies it."""
    given, now = request.query_params, context.clock.now()
    subscription = await _subscription(archive, token)
    mode = given.get("hub.mode", "")
    challenge = given.get("hub.challenge", "")
    if subscription is None or given.get("hub.topic") != subscription.topic:
        return _unknown()
    if mode == "denied":
        reason = given.get("hub.reason", "")
        log.warning("%s: the hub denies the subscription: %.200r", subscription.source, reason)
        if subscription.leaving:
            await archive.drop_hub_subscription(subscription.source)
        else:
            await archive.save_hub_subscription(denied(subscription, now))
        return PlainTextResponse("")
    if not 0 < len(challenge) <= MAX_CHALLENGE or not challenge.isprintable():
        return PlainTextResponse("hub.challenge must be 1 to 1000 printable characters\n", 400)
    if mode == "subscribe" and expected(subscription, now):
        verified = confirmed(subscription, _number(given.get("hub.lease_seconds", "")), now)
        if verified != subscription:
            await archive.save_hub_subscription(verified)
    elif mode == "unsubscribe" and subscription.leaving:
        await archive.drop_hub_subscription(subscription.source)
    else:
        return _unknown()
    return PlainTextResponse(challenge)


@router.post("/{token}")
async def receive(token: str, request: Request, archive: ArchiveOf, context: ContextOf) -> Response:
    """Keep a signed document for the poller. One that is not signed is dropped, and answered as
    if it were kept, so that nobody learns which signatures are good."""
    subscription = await _subscription(archive, token)
    if subscription is None or subscription.leaving:
        HUB_PUSHES.labels("unknown").inc()
        return PlainTextResponse("there is no such subscription\n", 410)  # the hub may end its own
    try:
        async with asyncio.timeout(DEADLINE):
            body = await _body(request)
    except (TimeoutError, ClientDisconnect):
        HUB_PUSHES.labels("refused").inc()
        return PlainTextResponse("the document did not come in time\n", 408)
    if body is None:
        HUB_PUSHES.labels("too_large").inc()
        log.warning("%s: the hub pushed more than %d bytes", subscription.source, MAX_BODY)
        return PlainTextResponse(f"the limit is {MAX_BODY} bytes\n", 413)
    if not is_signed(request.headers.get("X-Hub-Signature", ""), subscription.secret, body):
        HUB_PUSHES.labels("unsigned").inc()
        log.info("%s: a push without a good signature was dropped", subscription.source)
        return Response(status_code=202)
    document = Document(
        url=subscription.topic,
        body=body,
        content_type=request.headers.get("Content-Type", "")[:MAX_CONTENT_TYPE],
        body_hash=hashlib.sha256(body).hexdigest(),
        size=len(body),
        fetched=context.clock.now(),
    )
    try:
        await archive.save_push(subscription.source, document)
    except Rejected as error:
        HUB_PUSHES.labels("refused").inc()
        log.warning("%s: a push is refused: %s", subscription.source, error)
        return PlainTextResponse("try again later\n", 503, {"Retry-After": "60"})
    HUB_PUSHES.labels("accepted").inc()
    return Response(status_code=202)


async def _subscription(store: Hubs, token: str) -> HubSubscription | None:
    return await store.hub_subscription(token) if _TOKEN.fullmatch(token) else None


async def _body(request: Request) -> bytes | None:
    """Return the raw body, None where it is over the cap: the rest is then never read."""
    if _number(request.headers.get("Content-Length", "")) > MAX_BODY:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else 0


def _unknown() -> Response:
    return PlainTextResponse("there is no such subscription\n", 404)
