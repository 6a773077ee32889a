"""Deadlines for the calls of a Kafka client that may never return, and its burial."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, TypeVar

from monitor.errors import Unavailable

log = logging.getLogger(__name__)

LAST = 1.0  # seconds that a call may still take which nobody waits for any more
LOOK_AGAIN = 0.1  # seconds between two looks for a topic that a server does not know yet

T = TypeVar("T")


async def within(seconds: float, call: Awaitable[T], what: str) -> T:
    """Return what a call returns; raises Unavailable where that takes longer than `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError as error:
        raise Unavailable(f"{what}: no answer within {seconds:g} s") from error


async def start(client: Any, seconds: float, what: str, *, topic: str = "") -> None:
    """Start a producer, consumer or admin client; raises what it raises, and Unavailable.

    A consumer that is to read a topic with its group is ready when it knows its partitions.

    In a task of its own: a client that is cut off in the middle forgets the connection by which
    it was asking for the brokers. So a start that nobody waits for any more comes to its end.
    """
    task = asyncio.ensure_future(_start(client, topic))
    try:
        await within(seconds, asyncio.shield(task), what)
    except BaseException:
        await asyncio.wait({task}, timeout=LAST)
        if not task.cancel() and not task.cancelled():
            task.exception()  # looked at, so that it is not logged as forgotten
        await retire(client, seconds)
        raise


async def retire(client: Any, seconds: float) -> None:
    """Stop a producer, consumer or admin client within `seconds` and never raise.

    In a task of its own: a client whose broker was killed has been seen to raise CancelledError
    out of `stop`, which must not pass for a cancellation of ours.
    """
    name = type(client).__name__
    task = asyncio.ensure_future(_stop(client))
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=LAST)
        raise
    if not task.done():
        log.warning("%s did not stop within %g s and is abandoned", name, seconds)
        task.cancel()
        await asyncio.wait({task}, timeout=LAST)
    if task.done() and not task.cancelled() and (error := task.exception()) is not None:
        log.info("%s stopped with %r", name, error)


async def _start(client: Any, topic: str) -> None:
    await client.start()
    if not topic:
        return
    client.subscribe([topic])
    # A topic that has just been created is not known to every server at once. The group deals
    # out nothing of what its members do not know, and by itself one looks but every minute.
    while not client.partitions_for_topic(topic):
        await client._client.force_metadata_update()
        await asyncio.sleep(LOOK_AGAIN)


async def _stop(client: Any) -> None:
    try:
        await (client.close() if hasattr(client, "close") else client.stop())
    finally:
        # What was abandoned in the middle has left its connections open, and opens new ones.
        inner = client.client if hasattr(client, "client") else client._client
        inner._get_conn = _no_connection
        for connection in list(inner._conns.values()):
            connection.close()


async def _no_connection(*_: object, **__: object) -> None:
    """Answer like a client whose broker does not answer."""
