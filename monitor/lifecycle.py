"""The life of a serving process: wait for peers, run, drain on SIGTERM, watch over its health."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from monitor import telemetry
from monitor.errors import MonitorError, Unavailable
from monitor.protocols import Clock
from monitor.retry import RetryPolicy, pause

log = logging.getLogger(__name__)

DRAIN = 7.0
CANCEL = 2.0
CLOSE = 5.0
LEAVE = 2.0
BEAT = 1.0
SAME_SIGNAL = 0.5
"""Seconds within which two signals are one: `timeout` and some terminals send it twice."""
WAITING = RetryPolicy(first=0.5, longest=5.0)


@contextmanager
def leaving() -> Iterator[Callable[[int], None]]:
    """Yield what to call with the exit code when all is closed: `LEAVE` seconds later the process
    leaves, unless the block has ended.

    An event loop ends only when its last task and thread do, and a client of a frozen server may
    take its own deadline for that.
    """
    timers: list[threading.Timer] = []

    def closed(code: int) -> None:
        timers.append(threading.Timer(LEAVE, _leave, [code]))
        timers[-1].daemon = True
        timers[-1].start()

    try:
        yield closed
    finally:
        for timer in timers:
            timer.cancel()


def _leave(code: int) -> None:
    log.warning("something does not end %g s after all was closed: it is left behind", LEAVE)
    os._exit(code)


@dataclass(slots=True)
class Lifecycle:
    """One per process. `stop` is set by the first SIGTERM or SIGINT; the second one exits."""

    clock: Clock
    health: telemetry.Health
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    _signalled_at: float = 0.0
    _given_up: MonitorError | None = None

    def listen(self) -> None:
        """Handle SIGTERM and SIGINT from now on."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number)

    async def wait_for(self, what: str, connect: Callable[[], Awaitable[None]]) -> bool:
        """Call `connect` until it works; return False where the order to stop came first."""
        failures = 0
        while not self.stop.is_set():
            try:
                if not await self._unless_stopped(connect()):
                    return False
            except Unavailable as error:
                failures += 1
                self.health.report(what, "down", f"waiting for it: {error}")
                await self.pause(WAITING.delay(failures))
            else:
                self.health.report(what, "ok")
                return True
        return False

    async def _unless_stopped(self, work: Awaitable[None]) -> bool:
        """Do something; return False where the order to stop came before its end."""
        task = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self.stop.wait())
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if task.done():
            task.result()
            return True
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL)
        return False

    async def pause(self, seconds: float) -> None:
        """Wait, but not past the order to stop."""
        await pause(self.clock, self.stop, seconds)

    async def run(self, work: Coroutine[object, object, None]) -> None:
        """Run until the work ends or the order to stop; then let it finish for `DRAIN` seconds.

        Raises what the work raised, or the reason to give up.
        """
        task = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self.stop.wait())
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        self.health.draining = True
        self.stop.set()
        stopping.cancel()
        await asyncio.wait({task}, timeout=DRAIN)
        if not task.done():
            log.warning("not drained within %g s: what is under way comes again next time", DRAIN)
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL)
        if task.done() and not task.cancelled():
            task.result()
        if self._given_up is not None:
            raise self._given_up

    def give_up(self, error: MonitorError) -> None:
        """Stop as on SIGTERM, but let `run` raise an error in the end: whoever has started this
        process is to start another one."""
        log.error("stopping: %s", error)
        self._given_up = error
        self.stop.set()

    async def close(self, what: str, closing: Awaitable[None]) -> None:
        """Close something, in its own task and for a few seconds at most: never raises."""
        task = asyncio.ensure_future(closing)
        await asyncio.wait({task}, timeout=CLOSE)
        if not task.done():
            task.cancel()
            log.warning("%s did not close within %g s", what, CLOSE)
        elif not task.cancelled() and (error := task.exception()):
            log.warning("%s did not close cleanly: %s", what, error)

    async def beat(self) -> None:
        """Show that the event loop runs, and measure how late it is."""
        while not self.stop.is_set():
            now = self.clock.monotonic()
            self.health.beat = now
            await self.pause(BEAT)
            telemetry.LOOP_LAG.set(max(0.0, self.clock.monotonic() - now - BEAT))

    async def watch(self, what: str, check: Callable[[], Awaitable[None]], every: float) -> None:
        """Report a part as down while its check says so; `every` in seconds."""
        while not self.stop.is_set():
            try:
                await asyncio.wait_for(check(), timeout=every)
                self.health.report(what, "ok")
            except (Unavailable, TimeoutError) as error:
                self.health.report(what, "down", str(error) or f"no answer within {every:g} s")
            await self.pause(every)

    def _signalled(self, number: int) -> None:
        now = self.clock.monotonic()
        if self.stop.is_set():
            if now - self._signalled_at < SAME_SIGNAL:
                return
            log.warning("second signal: leaving at once")
            os._exit(128 + number)
        self._signalled_at = now
        log.info("stopping: what is under way is finished first")
        self.stop.set()
