"""The parts of a document that is an index: the sitemaps that it names, and what those name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from monitor.errors import MonitorError, Unavailable
from monitor.model import Document, Memory, Parsed, Source
from monitor.protocols import Clock, Getter, Parser

PATIENCE = 120.0
"""Seconds after which no further part is asked for: the lease of the host ends some time."""
MAX_CHILDREN = 5
"""Parts of one index that are asked for after one poll."""
MAX_REMEMBERED = 1_000
"""Parts whose time stamps are remembered."""
MAX_PARTS = 2 * MAX_CHILDREN
"""Requests for parts after one poll, those of parts that are an index themselves included."""


async def with_parts(
    parsed: Parsed,
    index: Document,
    source: Source,
    memory: Memory,
    get: Getter,
    parser: Parser,
    clock: Clock,
) -> tuple[Parsed, Document]:
    """Return what an index and its parts hold, and the index as it is to be remembered.

    Parts change where it does not: its validators are kept only where the time stamps of its parts
    tell, and all that are new were read. Those that cannot be had are asked for again. Raises
    Unavailable where that is all of them.
    """
    many = len(parsed.further) == MAX_CHILDREN
    reading = _Reading(parsed, list(parsed.further), index.url)
    started = clock.monotonic()
    while (url := reading.next()) and clock.monotonic() - started < PATIENCE:
        reading.asked += 1
        try:
            document = await get.get(url, user_agent=source.user_agent)
            reading.add(url, await parser.parse(source, document, memory))
        except MonitorError as error:
            reading.errors[url] = error
    if reading.errors and len(reading.errors) == reading.asked:
        raise _none_of_them(list(reading.errors.values())[-1])
    parsed = reading.result(memory.children)
    told = all(map(tells_changes, parsed.children.values()))
    if reading.again or many or not told:
        index = replace(index, etag="", last_modified="", body_hash="", wire_hash="")
    return parsed, index


@dataclass(slots=True)
class _Reading:
    """What was read so far, the parts that are named, and how many of them were `asked` for."""

    whole: Parsed
    waiting: list[str]
    root: str
    asked: int = 0
    indexes: set[str] = field(default_factory=set)
    errors: dict[str, MonitorError] = field(default_factory=dict)

    @property
    def again(self) -> set[str]:
        """The parts that the next poll is to ask for: an index may have more of them."""
        return {*self.errors, *self.indexes, *self.waiting[self.asked :]}

    def next(self) -> str:
        """Return what is to be asked for, "" for nothing."""
        return self.waiting[self.asked] if self.asked < min(len(self.waiting), MAX_PARTS) else ""

    def add(self, url: str, part: Parsed) -> None:
        """Take in a part."""
        self.whole = _joined(self.whole, part)
        if part.children:
            self.indexes.add(url)
            seen = {*self.waiting, self.root}
            self.waiting += [child for child in part.further if child not in seen]

    def result(self, before: Mapping[str, str]) -> Parsed:
        """Return all that was read; parts that were not keep the time stamp of `before`."""
        again = self.again
        children = {url: at for url, at in self.whole.children.items() if url not in again}
        children |= {url: before[url] for url in again - self.indexes if url in before}
        notes = (f"a part cannot be read: {error}" for error in self.errors.values())
        return replace(
            self.whole,
            children=dict(islice(children.items(), MAX_REMEMBERED)),
            notes=(*self.whole.notes, *notes),
        )


def tells_changes(stamp: str) -> bool:
    """Return whether each change of a part shows in its time stamp: in a mere date it does not."""
    return len(stamp) > len("2026-01-05")


def _joined(whole: Parsed, part: Parsed) -> Parsed:
    return replace(
        whole,
        articles=whole.articles + part.articles,
        known=whole.known + part.known,
        rejected=whole.rejected + part.rejected,
        children={**whole.children, **part.children},
        notes=whole.notes + part.notes,
    )


def _none_of_them(error: MonitorError) -> Unavailable:
    """Return what it means that no part can be read. A 404 is not the index's own, so its status
    counts only where it says that the host is busy."""
    status = error.status if isinstance(error, Unavailable) else 0
    wait = error.retry_after if isinstance(error, Unavailable) else None
    busy = status == 429 or status >= 500
    return Unavailable(f"none of its parts can be read: {error}", wait, status if busy else 0)
