"""The polling of days in seconds: all of it is real but the time.

The store, the poller, the visitor, the fetcher and its connections are those of the service; the
parsers run in this process, because nothing here is about killing them. Time stands still while
something is asked, unless somebody sleeps: what one sleeps then passes for all.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_network

import pytest
from sqlalchemy import case, func, select

from monitor.app import user_agent
from monitor.model import Document, FullText, Memory, PageText, Parsed, Source, Survey
from monitor.outbound import Outbound
from monitor.poller import Poller, lease_for
from monitor.protocols import Fetcher
from monitor.settings import Settings
from monitor.sources import TYPES
from monitor.sources.http import HttpFetcher
from monitor.sources.parserprocess import extract_document, parse_document, survey_document
from monitor.store import SqlStore
from monitor.store.source_tables import HOST
from monitor.telemetry import Health
from monitor.visitor import Visitor
from tests.support.clock import FakeClock

AGENT = user_agent(Settings(contact="desk@news.example"))
WHO = re.compile(r"newsmonitor/\d+\.\d+\S* \(\+https://\S+; desk@news\.example\)")
"""What every User-Agent must be: a version, an address of the project, and a contact."""
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Marks tests of what no database decides."""
LEASE = lease_for(30, 10)
"""That of the service's own defaults."""


class InlineParser:
    """Parses in this process."""

    async def parse(self, source: Source, document: Document, memory: Memory) -> Parsed:
        """Return what a document holds."""
        return parse_document(source, document, memory)

    async def extract(self, document: Document) -> PageText:
        """Return what an article's page says."""
        return extract_document(document)

    async def survey(self, document: Document) -> Survey:
        """Return what an unknown document is."""
        return survey_document(document)

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class Scheduler:
    """One process that polls; `tick` is how often it looks for what is due, in s, and `pages` says
    that articles wait for theirs."""

    store: SqlStore
    clock: FakeClock
    owner: str = "one"
    tick: float = 1.0
    deadline: float = 30.0
    fetcher: Fetcher | None = None
    pages: bool = False
    poller: Poller = field(init=False)
    _http: HttpFetcher = field(init=False)

    def __post_init__(self) -> None:
        local = (ip_network("127.0.0.0/8"),)
        outbound = Outbound(AGENT, self.clock, local, deadline=self.deadline)
        self._http = HttpFetcher(outbound, self.clock)
        self.poller = Poller(
            store=self.store,
            visitor=Visitor(
                store=self.store,
                fetchers=dict.fromkeys(TYPES, self.fetcher or self._http),
                web=self._http,
                parser=InlineParser(),
                clock=self.clock,
                agent=AGENT,
            ),
            clock=self.clock,
            health=Health(),
            owner=self.owner,
            recorded=asyncio.Event(),
            lease=LEASE,
        )

    async def run(self, seconds: float) -> None:
        """Poll all that becomes due in this time."""
        await together(seconds, self)

    async def settled(self) -> None:
        """Wait until no visit is under way."""
        while self.poller._running:
            await asyncio.wait(self.poller._running)

    async def next_at(self) -> datetime | None:
        """Return when something can be asked next, or was already."""
        leased = HOST.c.lease_until > HOST.c.ready_at
        free = case((leased, HOST.c.lease_until), else_=HOST.c.ready_at)
        first = select(func.min(free, type_=HOST.c.ready_at.type))
        return await self.store._database.read(lambda connection: connection.scalar(first))

    async def close(self) -> None:
        """Give up what is under way, as a service that stops, and close all connections."""
        await self.poller.drain()
        await self._http.close()


async def together(seconds: float, *schedulers: Scheduler) -> None:
    """Let processes poll side by side for this time; all look for what is due at each tick."""
    first = schedulers[0]
    clock, tick = first.clock, timedelta(seconds=first.tick)
    end = clock.now() + timedelta(seconds=seconds)
    while clock.now() < end:
        await asyncio.gather(*(one.poller.poll_due() for one in schedulers))
        for one in schedulers:
            await one.settled()
        if first.pages:
            await first.poller.release_pages()
        at = await first.next_at() or end
        wait = max(min(at, end) - clock.now(), tick)
        clock.advance(wait.total_seconds())


def a_feed(name: str, url: str, **fields: object) -> Source:
    """Return a feed whose articles' pages are not asked for."""
    given = {"type": "feed", "full_text": FullText.NEVER, **fields}
    return Source(name=name, location=url, **given)  # type: ignore[arg-type]
