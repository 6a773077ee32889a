"""APScheduler as a ticker: the schedule itself is a column of the database.

Its own job stores would be a second, opaque schedule, and its misfire rules drop late runs; as a
ticker over `next_poll_at` it can lose nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger


class Ticker:
    """Calls coroutine functions every so many seconds; a late tick is made up by one call."""

    def __init__(
        self, jobs: Mapping[Callable[[], Awaitable[object]], float], now: datetime
    ) -> None:
        """Take functions with their period in seconds; each is called `now` first."""
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for job, seconds in jobs.items():
            every = IntervalTrigger(seconds=seconds, timezone=UTC)
            self._scheduler.add_job(job, every, next_run_time=now)

    def start(self) -> None:
        """Start ticking on the running loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """Stop ticking; a call that is under way goes on."""
        self._scheduler.shutdown(wait=False)
