"""Headers on every answer, and the check of the Host header against DNS rebinding."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.api.answers import API, answer
from monitor.text.hosts import is_address

CALLBACKS = "/websub/"
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
POLICY = f"{_POLICY}; require-trusted-types-for 'script'; trusted-types 'none'"
# Swagger UI writes style attributes and markup of its own; scripts stay those of this server.
DOCS_POLICY = _POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def hosts_for(address: str, more: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the Host headers to accept on a listening address, beside addresses of IP; none
    means any, where it is no loopback address and no name is given.

    A web page anywhere could point its own name here and read along in the browser.
    """
    loopback = address == "localhost" or address == "::1" or address.startswith("127.")
    return (*LOOPBACK, address, *more) if loopback or more else ()


def add_headers(headers: MutableHeaders, path: str) -> None:
    """Set the security headers of an answer."""
    headers["Content-Security-Policy"] = DOCS_POLICY if path == "/docs" else POLICY
    for name, value in _HEADERS.items():
        headers[name] = value
    headers.setdefault("Cache-Control", "no-cache")


class SecurityHeaders:
    """Sets the headers on whatever is answered inside."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message), scope["path"])
            await send(message)

        await self._app(scope, receive, with_headers)


class HostCheck:
    """Refuses requests for names that are not ours. Hubs come by the public name, which is good
    for their callbacks alone. An address of IP is nobody's name that could point elsewhere, and
    what orchestrators ask by."""

    def __init__(self, app: ASGIApp, allowed: Sequence[str], public_host: str = "") -> None:
        self._app = app
        self._allowed = {name.lower() for name in allowed}
        self._public = {*self._allowed, public_host.lower()} - {""}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            given = Headers(scope=scope).get("host", "")
            name = re.sub(r":\d*$", "", given).lower().removesuffix(".")
            callback = scope["path"].startswith(CALLBACKS)
            ours = name in (self._public if callback else self._allowed)
            if not (ours or is_address(name.removeprefix("[").removesuffix("]"))):
                text = (
                    f"this server does not answer for the host {given[:100]!r}; ask for localhost,"
                    " by its address, or by a name in MONITOR_ALLOWED_HOSTS"
                )
                refusal = (
                    answer(421, text)
                    if scope["path"].startswith(API)
                    else PlainTextResponse(f"{text}\n", status_code=421)
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
