"""What a consumer is: a name, the channel it reads, and one function over a batch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid5

from monitor.channels import Channel
from monitor.events import Event, dump

T = TypeVar("T")

NAMESPACE = UUID("5d1a1f3e-6f0b-5f0e-9a56-3c1f4a2b7c90")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event to send, and where."""

    channel: Channel
    event: Event


Process = Callable[[Sequence[Event]], Awaitable[Sequence[Outgoing]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """One step of the stream. It never sees a broker: it is tested by calling `process`.

    `process` may be called again with the same events, in batches cut differently, and must then
    send the same ids. `sends` declares every channel that it may send to.
    """

    name: str
    reads: Channel
    process: Process
    sends: tuple[Channel, ...] = ()


async def slices(items: Sequence[T], size: int = 25) -> AsyncIterator[Sequence[T]]:
    """Yield a batch in slices and let others run between them.

    Computing over a whole batch at once would keep every answer of the database waiting.
    """
    for start in range(0, len(items), size):
        yield items[start : start + size]
        await asyncio.sleep(0)


def originate(
    channel: Channel, source: str, key: str, fact: str, time: datetime, data: object
) -> Outgoing:
    """Return the first event of a chain: its id and trace are derived from `fact`."""
    trace = uuid5(NAMESPACE, f"trace:{fact}")
    event = Event(
        id=str(uuid5(NAMESPACE, f"{channel.name}:{fact}")),
        type=channel.name,
        source=source,
        time=time,
        key=key,
        data=dump(data),
        traceparent=f"00-{trace.hex}-{trace.hex[:16]}-01",
    )
    return Outgoing(channel, event)


def derive(cause: Event, channel: Channel, data: object, *, fact: str = "") -> Outgoing:
    """Return an event that follows from another: same cause, same id; with `fact`, same fact."""
    event = Event(
        id=str(uuid5(NAMESPACE, f"{channel.name}:{fact or cause.id}")),
        type=channel.name,
        source=cause.source,
        time=cause.time,
        key=cause.key,
        data=dump(data),
        traceparent=cause.traceparent,
    )
    return Outgoing(channel, event)
