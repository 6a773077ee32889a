"""`/livez`, `/readyz` and `/metrics`: what an orchestrator and Prometheus ask for."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from monitor.api.context import ContextOf
from monitor.api.schema import HealthItem
from monitor.telemetry import REGISTRY

LONGEST_BEAT = 60.0

router = APIRouter(tags=["health"])


@router.get(
    "/livez",
    summary="Is the process alive?",
    response_class=PlainTextResponse,
    responses={503: {"description": "The event loop stands still; restart the process."}},
)
async def livez(context: ContextOf) -> Response:
    """Answer 200 while the event loop turns, whatever the broker and the database do."""
    beat = max(context.health.beat, context.started)
    age = context.clock.monotonic() - beat
    if age < LONGEST_BEAT:
        return PlainTextResponse("ok\n")
    return PlainTextResponse(f"the event loop last turned {age:.0f} s ago\n", status_code=503)


@router.get(
    "/readyz",
    summary="Can the process do its work?",
    responses={200: {"model": HealthItem}, 503: {"model": HealthItem}},
)
async def readyz(context: ContextOf) -> Response:
    """Answer 200 with every part's state; 503 while one is down or the process is ending."""
    health = context.health
    return JSONResponse(dict(health.summary()), status_code=200 if health.ready() else 503)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=PlainTextResponse,
)
async def metrics() -> Response:
    """Return all metrics of this process in Prometheus' text format."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
