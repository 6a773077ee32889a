"""A clock that the test moves."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


class FakeClock:
    """Time stands still until somebody sleeps or `advance` is called."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class FastClock:
    """Real time from `start` on that runs `rate` times as fast, and that `advance` moves ahead:
    what a whole service is watched with, whose parts all wait for something."""

    def __init__(self, start: datetime = START, rate: float = 10.0) -> None:
        self._start = start
        self._rate = rate
        self._began = time.monotonic()
        self._ahead = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._began) * self._rate + self._ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._rate)

    def advance(self, seconds: float) -> None:
        self._ahead += seconds
