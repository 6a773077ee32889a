"""Every request to the outside goes through here: checked, bounded, and at a publisher's pace.

No cookies, no Referer, no proxy settings, no credentials in addresses. Redirects are followed by
our own loop (RFC 9110, 15.4), so that every hop meets the same checks and waits for its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus

import aiohttp
from yarl import URL

from monitor.errors import Rejected, Unavailable
from monitor.outbound.addresses import Network
from monitor.outbound.answers import Answer
from monitor.outbound.body import CODINGS, Body
from monitor.outbound.connections import Lookup, connector, system_lookup
from monitor.outbound.pace import Pace
from monitor.outbound.targets import meaning, target
from monitor.protocols import Clock
from monitor.text.hosts import registrable_domain

GAP = 2.0
"""Seconds between the starts of two requests to a domain."""
DEADLINE = 30.0
"""Seconds for everything but waiting for a turn: name, connection, redirects, headers and body."""
REDIRECTS = 5
PATIENCE = 10.0
"""Seconds after which a body must have come at RATE, in bytes a second."""
RATE = 1_024
_CONNECT = 5.0
_LONGEST_LINE = 8_190
_MOST_HEADERS = 100
_PERMANENT = (301, 308)
_REDIRECTS = (301, 302, 303, 307, 308)
_REWRITES = (301, 302, 303)  # to GET, whatever a POST was
_OF_ONE_ORIGIN = ("authorization", "cookie", "proxy-authorization")
_OF_THE_BODY = ("content-type", "content-length", "content-encoding")


@dataclass(slots=True)
class _Ask:
    """A request on its way. `left` is what is left of the deadline in s, `hops` of redirects."""

    method: str
    url: URL
    headers: dict[str, str]
    body: bytes | None
    max_bytes: int
    deadline: float
    redirects: int
    seen: str
    left: float = field(init=False)
    hops: int = 0
    permanent: bool = True

    def __post_init__(self) -> None:
        self.left = self.deadline

    @property
    def host(self) -> str:
        return self.url.host or ""

    def follow(self, status: int, location: str) -> None:
        """Turn to where a redirect leads; raises Unavailable or Rejected where that cannot be."""
        if self.hops == self.redirects:
            raise Unavailable(
                f"{self.host} redirects more than {self.redirects} times", None, status
            )
        url = target(self.url, location)
        self.hops += 1
        self.permanent &= status in _PERMANENT and not (
            self.url.scheme == "https" and url.scheme == "http"
        )
        if self.method not in ("GET", "HEAD") and status in _REWRITES:
            self.method, self.body = "GET", None
            self._drop(_OF_THE_BODY)
        if url.origin() != self.url.origin():
            self._drop(_OF_ONE_ORIGIN)
        self.url = url

    def _drop(self, names: Sequence[str]) -> None:
        self.headers = {
            name: value for name, value in self.headers.items() if name.lower() not in names
        }


class Outbound:
    """Asks the outside. `private` are the networks of our own that may be asked, too; `gap` and
    `deadline` are in seconds, `lookup` resolves names."""

    def __init__(
        self,
        user_agent: str,
        clock: Clock,
        private: Sequence[Network] = (),
        gap: float = GAP,
        deadline: float = DEADLINE,
        lookup: Lookup = system_lookup,
    ) -> None:
        self._user_agent = user_agent
        self._private = tuple(private)
        self._deadline = deadline
        self._lookup = lookup
        self._pace = Pace(clock, gap)
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        max_bytes: int,
        deadline: float | None = None,
        redirects: int = REDIRECTS,
        user_agent: str = "",
        polite: bool = True,
        seen: str = "",
    ) -> Answer:
        """Return the answer of a server, whatever its status; with `redirects` 0 a redirect too.

        A body is read where the status is 2xx and `max_bytes` is not 0; it is not decoded where it
        is the one whose digest was `seen`. A polite request waits for
        its turn at the domain, and so does each redirect to another one; waiting is not part of
        the deadline. Raises Rejected for an address that must not be asked and for a body over a
        limit; Unreachable where no connection came about; Unavailable where no complete answer
        came in time.
        """
        given = dict(headers or {})
        given["User-Agent"] = user_agent or self._user_agent
        limit = self._deadline if deadline is None else deadline
        ask = _Ask(method, target(None, url), given, body, max_bytes, limit, redirects, seen)
        while True:
            domain = _domain(ask.url.raw_authority)
            async with self._pace.turn(domain) if polite else nullcontext():
                answer = await self._in_time(ask, domain)
            if answer is not None:
                return answer

    async def close(self) -> None:
        """Close all connections; requests under way fail. A later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=connector(self._private, self._lookup),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,  # we count what is decoded
                max_line_size=_LONGEST_LINE,
                max_field_size=_LONGEST_LINE,
                max_headers=_MOST_HEADERS,
                # One deadline of our own covers it all; a limit on each read stops no slow drip.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT),
                headers={"Accept": "*/*", "Accept-Encoding": "gzip, deflate"},
            )
        return self._session

    async def _in_time(self, ask: _Ask, domain: str) -> Answer | None:
        """Ask a domain until it answers; None where it leads to another one."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(ask.left):
                while True:
                    answer = await self._exchange(ask)
                    if answer is not None or _domain(ask.url.raw_authority) != domain:
                        return answer
        except aiohttp.ClientError as error:
            raise meaning(error, ask.host) from None
        except TimeoutError:
            raise Unavailable(f"{ask.host} took longer than {ask.deadline:g} s") from None
        finally:
            ask.left -= loop.time() - started

    async def _exchange(self, ask: _Ask) -> Answer | None:
        """Make one request; None where its answer is a redirect that was followed."""
        response = await self._open().request(
            ask.method, ask.url, headers=ask.headers, data=ask.body, allow_redirects=False
        )
        try:
            location = response.headers.get("Location", "")
            if response.status in _REDIRECTS and location and ask.redirects:
                ask.follow(response.status, location)
                return None
            body = await self._body(response, ask)
            whole = body.finish() if body else b""
        finally:
            # What was read to its end is back in the pool; of all else nothing more is read.
            response.close()
        return Answer(
            url=str(response.url),
            status=response.status,
            headers=response.headers,
            body=whole,
            size=body.size if body else 0,
            digest=body.digest if body else "",
            same=body.same if body else False,
            moved_to=str(response.url) if ask.hops and ask.permanent else "",
            reason=_phrase(response.reason or ""),
        )

    async def _body(self, response: aiohttp.ClientResponse, ask: _Ask) -> Body | None:
        """Read a body whole, None where there is none to read."""
        good = HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES
        if not (good and ask.max_bytes) or ask.method == "HEAD":
            return None
        coding = ", ".join(response.headers.getall("Content-Encoding", [])).strip().lower()
        if coding not in CODINGS:
            raise Unavailable(f"{ask.host} sent the coding {coding[:50]!r}, for which nobody asked")
        if (response.content_length or 0) > ask.max_bytes:
            raise Rejected(f"{ask.host} sent more than {ask.max_bytes} bytes")
        body = Body(coding, ask.max_bytes, ask.host, ask.seen)
        body.feed(response.content.read_nowait())  # mostly all of it, and needs no timer
        if response.content.at_eof():
            return body
        started = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(None) as limit:
                while not response.content.at_eof():
                    limit.reschedule(started + max(PATIENCE, body.size / RATE))
                    body.feed(await response.content.readany())
        except TimeoutError:
            raise Unavailable(f"{ask.host} sends fewer than {RATE} bytes a second") from None
        return body


@lru_cache(maxsize=4_096)
def _domain(authority: str) -> str:
    return registrable_domain(f"http://{authority}/")


def _phrase(reason: str) -> str:
    """Return a server's phrase as it may be stored and shown."""
    if reason.isascii() and reason.isprintable():
        return reason[:60].strip()
    return "".join(sign for sign in reason if " " <= sign <= "~")[:60].strip()
