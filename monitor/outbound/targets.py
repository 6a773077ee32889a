"""Where a request may go by its address, and what its failure means, in sentences with a cure."""

from __future__ import annotations

import os

import aiohttp
from yarl import URL

from monitor.errors import Rejected, Unavailable, Unreachable
from monitor.outbound.connections import Refused
from monitor.telemetry import SSRF_BLOCKED

_SHOWN = 200


def target(before: URL | None, text: str) -> URL:
    """Return an address that may be asked, `before` being the one that redirects to it.

    Raises Rejected for what is no http or https address (Unavailable where a redirect led there)
    and for one with a user name or a password, which no error tells.
    """
    try:
        told = URL(text)
        whole = bool(told.host) or not told.scheme  # "http:" alone must not mean the same page
        url = told if before is None else before.join(told)
        known = url.scheme in ("http", "https") and whole and bool(url.host) and bool(url.port)
    except ValueError:
        known = False
    if not known:
        if before is not None:
            raise Unavailable(f"{before.host} redirects to an address that is not http or https")
        shown = "it" if "@" in text else repr(text[:_SHOWN])
        raise Rejected(f"{shown} is not an http or https address")
    if url.raw_user is not None or url.raw_password is not None:
        SSRF_BLOCKED.inc()
        raise Rejected(f"the address of {url.host} holds a user name or a password: take it out")
    return url.with_fragment(None)


def meaning(error: aiohttp.ClientError, host: str) -> Unavailable | Rejected:
    """Return what a failed request means, in a sentence that names the cause."""
    match error:
        case aiohttp.ClientConnectorError(os_error=Refused() as refused):
            return _refused(host, refused)
        case aiohttp.ClientConnectorDNSError():
            return Unreachable(f"the name {host} cannot be resolved")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return Unavailable(f"the certificate of {host} is not trusted")
        case aiohttp.ConnectionTimeoutError():
            return Unreachable(f"{host} cannot be reached: it takes no connection")
        case aiohttp.ClientConnectorError():
            number = error.os_error.errno
            why = os.strerror(number) if number else type(error.os_error).__name__
            return Unreachable(f"{host} cannot be reached: {why}")
        case aiohttp.InvalidURL():
            return Rejected(f"{host} is written in a way that no address is")
        case aiohttp.ClientPayloadError():
            return Unavailable(f"the answer of {host} was cut off")
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return Unavailable(f"{host} closed the connection")
        case aiohttp.ClientResponseError():
            reason = " ".join(error.message.split())[:_SHOWN]
            return Unavailable(f"{host} sent an answer that cannot be read: {reason}")
        case _:
            return Unavailable(f"asking {host} failed: {type(error).__name__}")


def _refused(host: str, refused: Refused) -> Rejected:
    SSRF_BLOCKED.inc()
    return Rejected(
        f"{host} leads to {refused.kind}, which is not asked: where that is meant, name its network"
        " in MONITOR_PRIVATE_NETWORKS"
    )
