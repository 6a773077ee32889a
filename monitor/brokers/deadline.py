"""Deadlines for the calls of a client that may never return, and its burial."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from monitor.errors import Unavailable

log = logging.getLogger(__name__)

T = TypeVar("T")


async def within(seconds: float, call: Awaitable[T], what: str) -> T:
    """Return what a call returns; raises Unavailable where that takes longer than `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError as error:
        raise Unavailable(f"{what}: no answer within {seconds:g} s") from error


async def retire(stop: Callable[[], Coroutine[Any, Any, None]], name: str, seconds: float) -> None:
    """Stop a client within `seconds` and never raise.

    In a task of its own: a client whose broker was killed has been seen to raise CancelledError
    out of `stop`, which must not pass for a cancellation of ours.
    """
    task = asyncio.ensure_future(stop())
    await asyncio.wait({task}, timeout=seconds)
    if not task.done():
        log.warning("%s did not stop within %g s and is abandoned", name, seconds)
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)
    if task.done() and not task.cancelled() and (error := task.exception()) is not None:
        log.info("%s stopped with %r", name, error)
