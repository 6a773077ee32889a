"""The pace at which a domain is asked: one request at a time, with a pause between their starts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from monitor.protocols import Clock


@dataclass(slots=True)
class _Domain:
    """`users` counts who asks and who waits; `started` is the monotonic time of the last start."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    started: float | None = None


class Pace:
    """Turns at domains, first come, first served; at least `gap` seconds between two starts.

    A domain is forgotten once nobody waits for it and its gap is over.
    """

    def __init__(self, clock: Clock, gap: float) -> None:
        self._clock = clock
        self._gap = gap
        self._domains: dict[str, _Domain] = {}

    def __len__(self) -> int:
        return len(self._domains)

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Wait for a domain and keep it until the end of the block."""
        domain = self._domains.setdefault(name, _Domain())
        domain.users += 1
        try:
            # asyncio's locks are fair: who waits longest is next.
            async with domain.lock:
                await self._pause(domain)
                domain.started = self._clock.monotonic()
                self._domains[name] = self._domains.pop(name)  # by last start, for _forget
                yield
        finally:
            domain.users -= 1
            self._forget()

    async def _pause(self, domain: _Domain) -> None:
        if domain.started is not None:
            wait = domain.started + self._gap - self._clock.monotonic()
            if wait > 0:
                await self._clock.sleep(wait)

    def _forget(self) -> None:
        """Drop the domains that are done with, from the one that started first."""
        now, done = self._clock.monotonic(), []
        for name, domain in self._domains.items():
            if domain.started is not None and domain.started + self._gap > now:
                break
            if not domain.users:
                done.append(name)
        for name in done:
            del self._domains[name]
