"""HTTP as a source: conditional, bounded and polite. The only importer of aiohttp among sources.

Conditional requests follow RFC 9110 section 13: validators are opaque and go back byte for byte.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections import defaultdict
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp

from monitor.errors import Rejected, Unavailable, Unreachable
from monitor.model import Document, NotModified, SourceState
from monitor.protocols import Clock

DEADLINE = 30.0
"""Seconds for everything: name, connection, redirects, headers and body."""
MAX_BYTES = 10 * 1024 * 1024
"""Bytes of a body after decompression."""
MAX_REDIRECTS = 5
_GIVE_UP_AT = MAX_REDIRECTS + 1  # the redirect at which aiohttp gives up
MAX_RETRY_AFTER = 7 * 86_400.0
_CHUNK = 65_536
_ENCODINGS = ("", "identity", "gzip", "x-gzip", "deflate")
_ACCEPT = (
    "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.5"
)


class HttpFetcher:
    """Gets URLs; one request at a time to each host, no cookies, no Referer, no proxy settings."""

    def __init__(
        self,
        *,
        user_agent: str,
        clock: Clock,
        deadline: float = DEADLINE,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._user_agent = user_agent
        self._clock = clock
        self._deadline = deadline
        self._max_bytes = max_bytes
        self._session: aiohttp.ClientSession | None = None
        self._hosts: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; requests under way fail."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def fetch(self, state: SourceState) -> Document | NotModified:
        """Ask for the source's URL with the validators of its state.

        Raises Unavailable, with the server's Retry-After, where there is no complete answer of
        200 or 304; Rejected where the address is none or the body exceeds the cap.
        """
        url = state.source.location
        host = _host(url)
        # Waiting for one's turn is not the server's slowness, so the deadline starts after it.
        async with self._hosts[host]:
            try:
                async with asyncio.timeout(self._deadline):
                    return await self._ask(url, state)
            except TimeoutError as error:
                raise Unavailable(f"{host} took longer than {self._deadline:g} s") from error
            except aiohttp.ClientError as error:
                raise _failure(error, host) from error

    async def _ask(self, url: str, state: SourceState) -> Document | NotModified:
        headers = {}
        if state.etag:
            headers["If-None-Match"] = state.etag
        if state.last_modified:
            headers["If-Modified-Since"] = state.last_modified
        async with self._open().get(url, headers=headers, max_redirects=_GIVE_UP_AT) as response:
            etag = _validator(response.headers.get("ETag", ""))
            last_modified = _validator(response.headers.get("Last-Modified", ""))
            if response.status == HTTPStatus.NOT_MODIFIED:
                return NotModified(
                    etag=etag or state.etag,
                    last_modified=last_modified or state.last_modified,
                    body_hash=state.body_hash,
                )
            self._check(response)
            body = await self._body(response)
            body_hash = hashlib.sha256(body).hexdigest()
            if body_hash == state.body_hash:
                return NotModified(etag=etag, last_modified=last_modified, body_hash=body_hash)
            return Document(
                url=str(response.url),
                body=body,
                content_type=response.headers.get("Content-Type", ""),
                etag=etag,
                last_modified=last_modified,
                body_hash=body_hash,
                fetched=self._clock.now(),
            )

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),  # the poller bounds what is under way
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                # One deadline of our own covers it all; a limit on each read stops no slow drip.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                headers={
                    "User-Agent": self._user_agent,
                    "Accept": _ACCEPT,
                    "Accept-Encoding": "gzip, deflate",
                },
            )
        return self._session

    def _check(self, response: aiohttp.ClientResponse) -> None:
        """Raise where the answer is not a body to read."""
        host = response.url.host
        if response.status != HTTPStatus.OK:
            phrase = f"{response.status} {response.reason or ''}".strip()
            raise Unavailable(f"{host} answered {phrase}", self._retry_after(response))
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in _ENCODINGS:
            raise Unavailable(f"{host} sent the encoding {encoding!r}, for which nobody asked")
        if (response.content_length or 0) > self._max_bytes:
            raise self._too_large(response)

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > self._max_bytes:
                # Nothing more is read: the connection must not be used again.
                response.close()
                raise self._too_large(response)
        return bytes(body)

    def _too_large(self, response: aiohttp.ClientResponse) -> Rejected:
        return Rejected(f"{response.url.host} sent more than {self._max_bytes} bytes")

    def _retry_after(self, response: aiohttp.ClientResponse) -> float | None:
        """Return how many seconds the server wants us to wait, None where it says nothing."""
        text = response.headers.get("Retry-After", "").strip()
        if text.isascii() and text.isdigit():
            return min(float(text[:9]), MAX_RETRY_AFTER)
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = math.ceil((moment - self._clock.now()).total_seconds())
        return min(max(float(seconds), 0.0), MAX_RETRY_AFTER)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.scheme in ("http", "https") else None
    except ValueError:
        host = None
    if not host:
        raise Rejected(f"{url!r} is not an http or https address")
    return host


def _validator(value: str) -> str:
    """Return a validator as it came, "" where it could not be stored or sent back."""
    return value if value.isascii() and value.isprintable() and len(value) <= 1_024 else ""


def _failure(error: aiohttp.ClientError, host: str) -> Unavailable | Rejected:
    """Return what a failed request means, in a sentence that names the cause."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return Unreachable(f"the name {host} cannot be resolved")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return Unavailable(f"the certificate of {host} is not trusted")
        case aiohttp.ClientConnectorError():
            return Unreachable(f"{host} cannot be reached: {error.os_error.strerror or error}")
        case aiohttp.TooManyRedirects():
            return Unavailable(f"{host} redirects more than {MAX_REDIRECTS} times")
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return Unavailable(f"{host} is, or redirects to, an address that is not http or https")
        case aiohttp.ClientPayloadError():
            return Unavailable(f"the answer of {host} was cut off")
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return Unavailable(f"{host} closed the connection")
        case aiohttp.ClientResponseError():
            reason = " ".join(error.message.split())[:200]
            return Unavailable(f"{host} sent an answer that cannot be read: {reason}")
        case _:
            return Unavailable(f"asking {host} failed: {type(error).__name__}: {error}")
