"""Addresses that may be worth following: asked for politely, and read before they are offered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from urllib.parse import urljoin

from monitor.errors import Rejected, Unavailable, Unreachable
from monitor.model import Document, Finding, Memory, Parsed, Robots, Source, Survey
from monitor.protocols import Getter, Parser
from monitor.sources.robots import MAX_ANSWER, allowed, robots_of

MAX_REQUESTS = 15
"""Requests of one discovery, all in all."""
SHOWN = 10
"""Articles that a finding shows."""
_BUSY = (429, 503)


Asking = Callable[[str, int], None]
"""Is told of an address that is about to be asked, and the how manyth it is."""


class Candidates:
    """The addresses of one discovery: none is asked twice, and no more than `MAX_REQUESTS`.

    `forbidden` says whether robots.txt kept any page from being read.
    """

    def __init__(
        self,
        get: Getter,
        parser: Parser,
        *,
        now: datetime,
        agent: str,
        user_agent: str,
        asking: Asking | None = None,
    ) -> None:
        self.forbidden = False
        self._get = get
        self._parser = parser
        self._now = now
        self._agent = agent
        self._user_agent = user_agent
        self._asked: set[str] = set()
        self._robots: dict[str, Robots] = {}
        self._asking = asking

    async def document(self, url: str) -> Document | None:
        """Return what an address holds, None where it was asked already or none may be asked.

        Raises Unavailable and Rejected as the getter."""
        if url in self._asked or len(self._asked) >= MAX_REQUESTS:
            return None
        self._ask(url)
        return await self._get.get(url, user_agent=self._user_agent)

    def _ask(self, url: str) -> None:
        self._asked.add(url)
        if self._asking is not None:
            self._asking(url, len(self._asked))

    async def guess(self, url: str) -> Document | None:
        """Return what an address holds, None where it is of no use.

        Raises Unavailable where the host is busy or gone: the other guesses must wait, too.
        """
        try:
            return await self.document(url)
        except Unreachable:
            raise
        except Unavailable as error:
            if is_busy(error):
                raise
        except Rejected:
            return None
        return None

    async def feed(self, url: str, why: str, types: Iterable[str]) -> Finding | None:
        """Return a candidate that is of one of these types and holds articles."""
        document = await self.guess(url)
        if document is None:
            return None
        kind = (await self.survey(document)).type
        parsed = await self.read(document, kind) if kind in types else None
        return finding(kind, url, parsed, why) if parsed and parsed.articles else None

    async def survey(self, document: Document) -> Survey:
        """Return what a document is, of no type where that cannot be told."""
        try:
            return await self._parser.survey(document)
        except Rejected:
            return Survey()

    async def read(self, document: Document | None, kind: str) -> Parsed | None:
        """Return what a document of a type holds, None where it is not of that type."""
        if document is None:
            return None
        source = Source(name="discovery", type=kind, location=document.url)
        try:
            return await self._parser.parse(source, document, Memory())
        except Rejected:
            return None

    async def may(self, url: str) -> bool:
        """Return whether robots.txt allows a page; raises Unavailable where nobody answers."""
        permitted = allowed(await self.robots(url), url, self._agent)
        self.forbidden = self.forbidden or not permitted
        return permitted

    async def robots(self, url: str) -> Robots:
        """Return the robots.txt of an address; raises Unavailable where nobody answers."""
        address = urljoin(url, "/robots.txt")
        if address not in self._robots:
            self._ask(address)
            try:
                answer = await self._get.get(
                    address, max_bytes=MAX_ANSWER, user_agent=self._user_agent
                )
                self._robots[address] = robots_of(answer, self._now)
            except (Unavailable, Rejected) as error:
                if isinstance(error, Unavailable) and (not error.status or is_busy(error)):
                    raise
                self._robots[address] = robots_of(error, self._now)
        return self._robots[address]


def is_busy(error: Unavailable) -> bool:
    """Return whether a host asks to be left alone for now."""
    return error.status in _BUSY or error.retry_after is not None


def finding(kind: str, location: str, parsed: Parsed, why: str) -> Finding:
    """Return what is offered of a document that was read."""
    return Finding(
        type=kind,
        location=location,
        title=parsed.title,
        why=why,
        articles=parsed.articles[:SHOWN],
    )
