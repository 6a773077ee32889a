"""When to try again, and when to stop: values and arithmetic, and the wait in between."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from monitor.protocols import Clock


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off: `first` seconds, doubled each time, at most `longest`."""

    first: float = 0.25
    longest: float = 30.0
    attempts: int = 5

    def delay(self, attempt: int, retry_after: float | None = None) -> float:
        """Return the seconds to wait after the given attempt (from 1) failed.

        A peer that names its own wish is never asked earlier.
        """
        grown = min(self.longest, self.first * 2.0 ** min(attempt - 1, 30))
        return max(grown, retry_after or 0.0)


DELIVERY_DELAYS = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Seconds between the ten attempts of a delivery, as Standard Webhooks recommends."""


def delivery_delay(attempt: int, spread: float, retry_after: float | None = None) -> float | None:
    """Return the seconds until the next attempt, or None where the last one was made.

    `attempt` is the one that failed, from 1; `spread` in [-1, 1] moves the time by up to 10 %,
    so that deliveries that failed together do not come back together.
    """
    if attempt > len(DELIVERY_DELAYS):
        return None
    return max(DELIVERY_DELAYS[attempt - 1] * (1 + spread / 10), retry_after or 0.0)


@dataclass(slots=True)
class DeadLetterLimit:
    """Stops a consumer whose records nearly all fail: then the records are not at fault.

    Exceeded at `in_a_row` dead letters without a good record between them, or at more than
    `share` of the last `window` records, once `least` of them are dead letters (so that the
    first bad record of a quiet day does not stop the stream).
    """

    share: float = 0.05
    window: int = 1_000
    in_a_row: int = 50
    least: int = 10
    _recent: deque[tuple[int, bool]] = field(default_factory=deque)
    _seen: int = 0
    _dead: int = 0
    _run: int = 0

    def good(self, count: int) -> None:
        """Note records that went through."""
        if count:
            self._run = 0
            self._note(count, dead=False)

    def dead(self) -> bool:
        """Note one dead letter; return whether the limit is exceeded now."""
        self._run += 1
        self._note(1, dead=True)
        over = self._dead >= self.least and self._dead > self.share * self.window
        return self._run >= self.in_a_row or over

    def _note(self, count: int, *, dead: bool) -> None:
        self._recent.append((count, dead))
        self._seen += count
        self._dead += count if dead else 0
        while self._recent and self._seen - self._recent[0][0] >= self.window:
            gone, was_dead = self._recent.popleft()
            self._seen -= gone
            self._dead -= gone if was_dead else 0


async def pause(clock: Clock, stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not past the order to stop."""
    sleeping = asyncio.ensure_future(clock.sleep(seconds))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({sleeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
    sleeping.cancel()
    stopping.cancel()
