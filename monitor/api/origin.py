"""Keeps other web sites from changing anything here through the browser of somebody who can.

The API has no passwords, so any page that is open in a browser on this machine could send it
requests. A browser says where a request comes from, and asks first before it sends JSON to another
site; this server never says yes to that.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from monitor.api.answers import API, answer

MAX_BYTES = 100_000
_READS = ("GET", "HEAD", "OPTIONS")


class OwnSiteOnly:
    """Refuses requests of other sites that would change something, and bodies that are no JSON."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "http"
            and scope["method"] not in _READS
            and scope["path"].startswith(API)
            and (refusal := _refusal(scope["method"], Headers(scope=scope)))
        ):
            await answer(*refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _refusal(method: str, headers: Headers) -> tuple[int, str] | None:
    """Return the status and the reason for which a request is refused."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    if site not in ("same-origin", "none") or (
        origin is not None and _host_of(origin) != headers.get("host", "").lower()
    ):
        return 403, "requests of other web sites change nothing here; use this server's own pages"
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if method != "DELETE" and kind != "application/json":
        return 415, "send the header Content-Type: application/json, with or without a body"
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers:
        return 411, "send the body with its Content-Length"
    if not length.isdecimal() or int(length) > MAX_BYTES:
        return 413, f"the body may have {MAX_BYTES:,} bytes"
    return None


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
