"""What an orchestrator and Prometheus ask every process for; with the role `api` or without.

Without it, this is all that is served, and the framework of the API is never loaded.
"""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from monitor.api.security import HostCheck, SecurityHeaders
from monitor.protocols import Clock
from monitor.telemetry import REGISTRY, Health

LONGEST_BEAT = 60.0


def liveness(health: Health, clock: Clock, started: float) -> Response:
    """Return 200 while the event loop turns; `started` is the monotonic time of the start."""
    age = clock.monotonic() - max(health.beat, started)
    if age < LONGEST_BEAT:
        return PlainTextResponse("ok\n")
    return PlainTextResponse(f"the event loop last turned {age:.0f} s ago\n", status_code=503)


def readiness(health: Health) -> Response:
    """Return every part's state: 503 while one is down or the process starts or ends."""
    return JSONResponse(dict(health.summary()), status_code=200 if health.ready() else 503)


def measurements() -> Response:
    """Return all metrics of this process in Prometheus' text format."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


def create_probes(health: Health, *, clock: Clock, allowed_hosts: Sequence[str] = ()) -> Starlette:
    """Return an application of nothing but the probes; `allowed_hosts` as in `create_app`."""
    started = clock.monotonic()

    # In the event loop, not in a thread of Starlette's: that is what they tell of.
    async def livez(_: Request) -> Response:
        return liveness(health, clock, started)

    async def readyz(_: Request) -> Response:
        return readiness(health)

    async def metrics(_: Request) -> Response:
        return measurements()

    checks = [Middleware(HostCheck, allowed=allowed_hosts)] if allowed_hosts else []
    return Starlette(
        routes=[
            Route("/livez", livez),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
        ],
        middleware=[Middleware(SecurityHeaders), *checks],
    )
