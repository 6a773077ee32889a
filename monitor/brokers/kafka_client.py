"""Deadlines for the calls of a Kafka client that may never return, and its burial."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
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


async def retire(client: Any, seconds: float) -> None:
    """Stop a producer, consumer or admin client within `seconds` and never raise.

    In a task of its own: a client whose broker was killed has been seen to raise CancelledError
    out of `stop`, which must not pass for a cancellation of ours.
    """
    name = type(client).__name__
    task = asyncio.ensure_future(_stop(client))
    await asyncio.wait({task}, timeout=seconds)
    if not task.done():
        log.warning("%s did not stop within %g s and is abandoned", name, seconds)
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)
    if task.done() and not task.cancelled() and (error := task.exception()) is not None:
        log.info("%s stopped with %r", name, error)


async def _stop(client: Any) -> None:
    try:
        await (client.close() if hasattr(client, "close") else client.stop())
    finally:
        # What was abandoned in the middle has left its connections open.
        inner = client.client if hasattr(client, "client") else client._client
        for connection in list(inner._conns.values()):
            connection.close()
