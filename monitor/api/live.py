"""The live stream: one task polls the store while anybody listens, and hands out to all.

A listener takes a place in the queue first and then reads what it missed, up to where the shared
task was at that moment; from there on its queue holds everything. So nothing is lost in between,
and whatever it meets twice is dropped by comparing with its own position.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from monitor.api.cursor import Position
from monitor.api.schema import AlertedItem, AlertItem, ArticleItem
from monitor.errors import Unavailable
from monitor.model import AlertRow, ArticleRow, ChannelKind
from monitor.protocols import Alerts, Articles, Clock

INTERVAL = 0.2
REPLAY = 1000
"""A listener that missed more than this many changes gets the last ones."""
QUEUE = 1000
PAGE = 200
LISTENERS = 500

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """One event, encoded once for all listeners."""

    kind: Literal["article", "alert", "alerted"]
    seq: int
    data: str

    def follows(self, position: Position) -> bool:
        """Return whether a reader at `position` has not had this yet."""
        return self.seq > (position.articles if self.kind == "article" else position.alerts)

    def move(self, position: Position) -> Position:
        """Return where a reader is that has had this."""
        if self.kind == "article":
            return replace(position, articles=self.seq)
        return replace(position, alerts=self.seq)


@dataclass(frozen=True, slots=True)
class Event:
    """A change as one listener gets it. Without a change it only tells the position, and whether
    older changes were left out."""

    position: Position
    change: Change | None = None
    gap: bool = False


class _Listener:
    """A bounded queue; one that overflows is ended, and its client comes back with its position."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Change | None] = asyncio.Queue(QUEUE)
        self.ended = False

    def offer(self, change: Change) -> None:
        if self.ended:
            return
        try:
            self._queue.put_nowait(change)
        except asyncio.QueueFull:
            _log.info("a listener of the stream was too slow and has to come back")
            self.end()

    def end(self) -> None:
        """End at once: what still waits is found again by position."""
        self.ended = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def get(self) -> Change | None:
        return await self._queue.get()


class Streamed(Articles, Alerts, Protocol):
    """What the stream reads."""


class Live:
    """All listeners of this process."""

    def __init__(self, archive: Callable[[], Streamed], clock: Clock) -> None:
        self._archive = archive
        self._clock = clock
        self._position = Position(0, 0)
        self._listeners: set[_Listener] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    async def open(self, after: Position | None) -> AsyncGenerator[Event]:
        """Return the events after a position, or from now on. Raises Unavailable."""
        if len(self._listeners) >= LISTENERS:
            raise Unavailable(f"{LISTENERS} streams are open already; try again later", 30)
        newest = Position(*await self._archive().newest())
        wanted = after or newest
        # A position ahead of the database is one of another database: then it begins now.
        start = Position(
            max(min(wanted.articles, newest.articles), newest.articles - REPLAY),
            max(min(wanted.alerts, newest.alerts), newest.alerts - REPLAY),
        )
        gap = start.articles > wanted.articles or start.alerts > wanted.alerts
        return self._events(Event(start, gap=gap), newest)

    def end(self) -> None:
        """End all streams now, so that a server that shuts down need not wait for them."""
        for listener in self._listeners:
            listener.end()

    async def stop(self) -> None:
        """End all streams and the task behind them."""
        self.end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _events(self, first: Event, newest: Position) -> AsyncGenerator[Event]:
        listener = _Listener()
        edge = self._enter(listener, newest)
        position = first.position
        try:
            yield first
            async for change in self._missed(position, edge):
                position = change.move(position)
                yield Event(position, change)
            while (waiting := await listener.get()) is not None:
                if waiting.follows(position):
                    position = waiting.move(position)
                    yield Event(position, waiting)
        except Unavailable as error:
            _log.info("a stream ends, its client will come back: %s", error)
        finally:
            self._listeners.discard(listener)

    def _enter(self, listener: _Listener, newest: Position) -> Position:
        """Queue everything from now on; return the position from which on the queue has it."""
        self._listeners.add(listener)
        if self._task is None or self._task.done():
            self._position = newest
            self._task = asyncio.create_task(self._run(), name="live")
            self._task.add_done_callback(self._ended)
        return self._position

    async def _missed(self, after: Position, edge: Position) -> AsyncIterator[Change]:
        seq = after.articles
        while seq < edge.articles:
            articles = await self._archive().articles_after(seq, PAGE)
            for article in articles:
                if article.seq <= edge.articles:
                    yield _of_article(article)
            seq = articles[-1].seq if articles else edge.articles
        seq = after.alerts
        while seq < edge.alerts:
            alerts = await self._archive().alerts_after(seq, PAGE)
            for alert in alerts:
                if alert.seq <= edge.alerts:
                    yield _of_alert(alert)
            seq = alerts[-1].seq if alerts else edge.alerts

    async def _run(self) -> None:
        away = False
        while self._listeners:
            try:
                more = await self._step()
                away = False
            except Unavailable as error:
                if not away:
                    _log.warning("the stream waits for the database: %s", error)
                away, more = True, False
            if not more:
                await self._clock.sleep(INTERVAL)

    async def _step(self) -> bool:
        """Hand out what is new; return whether there may be more at once."""
        articles = await self._archive().articles_after(self._position.articles, PAGE)
        for article in articles:
            self._hand_out(_of_article(article))
        alerts = await self._archive().alerts_after(self._position.alerts, PAGE)
        for alert in alerts:
            self._hand_out(_of_alert(alert))
        return PAGE in (len(articles), len(alerts))

    def _hand_out(self, change: Change) -> None:
        self._position = change.move(self._position)
        for listener in self._listeners:
            listener.offer(change)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Send everybody home where the task failed: the next one to come starts it again."""
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("the live stream failed", exc_info=error)
            self.end()


def _of_article(row: ArticleRow) -> Change:
    return Change("article", row.seq, ArticleItem.of(row).model_dump_json())


def _of_alert(row: AlertRow) -> Change:
    """Return an alert whole where its rule streams it, else what its article is to be marked with:
    that may have been handed out before."""
    if any(status.kind is ChannelKind.STREAM for status in row.deliveries):
        return Change("alert", row.seq, AlertItem.of(row).model_dump_json())
    return Change("alerted", row.seq, AlertedItem.of(row).model_dump_json())
