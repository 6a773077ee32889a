"""APScheduler as a ticker: the schedule itself is a column of the database.

Its own job stores would be a second, opaque schedule, and its misfire rules drop late runs; as a
ticker over `next_poll_at` it can lose nothing.
"""

from __future__ import annotations

import asyncio
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
            self._scheduler.add_job(self._call, every, args=(job,), next_run_time=now)
        self._calls: set[asyncio.Task[object]] = set()

    def start(self) -> None:
        """Start ticking on the running loop."""
        self._scheduler.start()

    async def stop(self) -> None:
        """Stop ticking, and wait for the calls that are under way.

        A caller that is cancelled meanwhile cancels them.
        """
        self._scheduler.pause()
        try:
            if self._calls:
                await asyncio.wait(self._calls)
        finally:
            self._scheduler.shutdown(wait=False)

    async def _call(self, job: Callable[[], Awaitable[object]]) -> None:
        """Do a job to its end, or cancel it: to APScheduler that would be an error of the job."""
        call = asyncio.ensure_future(job())
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        try:
            await asyncio.wait({call})
        except asyncio.CancelledError:
            call.cancel()
            return
        if not call.cancelled():
            call.result()
