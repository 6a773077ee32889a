"""HTTP methods: HEAD wherever there is a GET, and which methods a path takes."""

from __future__ import annotations

from starlette.routing import BaseRoute, Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.api.security import CALLBACKS

ENDLESS = ("/api/v1/stream",)
"""What a GET of never ends, so there is no HEAD of it."""
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class HeadAsGet:
    """Answers HEAD as GET, without the body: monitors and load balancers ask so."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or not _has_head(scope["path"]):
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, without_body)


def methods_of(routes: list[BaseRoute], scope: Scope) -> list[str]:
    """Return the methods that a path takes; none where it leads to another application."""
    ours = [route for route in routes if not isinstance(route, Mount)]
    taken = [
        method
        for method in _METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in ours)
    ]
    return ["HEAD", *taken] if "GET" in taken and _has_head(scope["path"]) else taken


def _has_head(path: str) -> bool:
    # A GET of a hub changes something.
    return path not in ENDLESS and not path.startswith(CALLBACKS)
