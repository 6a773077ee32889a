"""`/livez`, `/readyz` and `/metrics` as part of the API, which describes them."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response

from monitor.api.context import ContextOf
from monitor.api.probes import liveness, measurements, readiness
from monitor.api.schema import HealthItem

router = APIRouter(tags=["health"])


@router.get(
    "/livez",
    summary="Is the process alive?",
    response_class=PlainTextResponse,
    responses={503: {"description": "The event loop stands still; restart the process."}},
)
async def livez(context: ContextOf) -> Response:
    """Answer 200 while the event loop turns, whatever the broker and the database do."""
    return liveness(context.health, context.clock, context.started)


@router.get(
    "/readyz",
    summary="Can the process do its work?",
    responses={200: {"model": HealthItem}, 503: {"model": HealthItem}},
)
async def readyz(context: ContextOf) -> Response:
    """Answer 200 with every part's state; 503 while one is down or the process is ending."""
    return readiness(context.health)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=PlainTextResponse,
)
async def metrics() -> Response:
    """Return all metrics of this process in Prometheus' text format."""
    return measurements()
