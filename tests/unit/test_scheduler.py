"""The ticker stops in order, and quietly."""

from __future__ import annotations

import asyncio
import logging

import pytest

from monitor.clock import SystemClock
from monitor.scheduler import Ticker


class Work:
    """A job that takes until it is released."""

    def __init__(self) -> None:
        self.begun, self.release, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        self.begun.set()
        try:
            await self.release.wait()
        finally:
            self.ended.set()


async def ticking(work: Work) -> Ticker:
    """Return a ticker whose job is under way."""
    ticker = Ticker({work: 60.0}, SystemClock().now())
    ticker.start()
    await asyncio.wait_for(work.begun.wait(), 10)
    return ticker


async def test_a_stop_waits_for_what_is_under_way(caplog: pytest.LogCaptureFixture) -> None:
    work = Work()
    stopping = asyncio.ensure_future((await ticking(work)).stop())
    await asyncio.wait({stopping}, timeout=0.05)
    assert not stopping.done()
    work.release.set()
    await asyncio.wait_for(stopping, 10)
    assert work.ended.is_set()
    assert not caplog.records


async def test_a_stop_that_is_cut_off_cancels_what_is_under_way_and_says_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    work = Work()
    stopping = asyncio.ensure_future((await ticking(work)).stop())
    await asyncio.wait({stopping}, timeout=0.05)
    stopping.cancel()
    await asyncio.wait({stopping})
    await asyncio.wait_for(work.ended.wait(), 10)
    assert not caplog.records


async def test_a_job_that_fails_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def job() -> None:
        raise ZeroDivisionError("a bug")

    told = asyncio.Event()

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.set()

    ear = Ear()
    logging.getLogger("apscheduler").addHandler(ear)
    ticker = Ticker({job: 60.0}, SystemClock().now())
    ticker.start()
    try:
        await asyncio.wait_for(told.wait(), 10)
    finally:
        logging.getLogger("apscheduler").removeHandler(ear)
        await ticker.stop()
    assert "a bug" in caplog.text
