"""The parts of a document that is an index: the sitemaps that it names, and what those name."""

from __future__ import annotations

from dataclasses import replace

from monitor.errors import MonitorError, Unavailable
from monitor.model import Document, Memory, Parsed, Source
from monitor.protocols import Getter, Parser

MAX_CHILDREN = 5
"""Parts of one index that are asked for after one poll."""
MAX_PARTS = 2 * MAX_CHILDREN
"""Requests for parts after one poll, those of parts that are an index themselves included."""


async def with_parts(
    parsed: Parsed, index: Document, source: Source, memory: Memory, get: Getter, parser: Parser
) -> tuple[Parsed, Document]:
    """Return what an index and its parts hold, and the index as it is to be remembered.

    Parts change where it does not: its validators are kept only where the time stamps of its parts
    tell, and all that are new were read. Those that cannot be had are asked for again. Raises
    Unavailable where that is all of them.
    """
    many = len(parsed.further) == MAX_CHILDREN
    waiting, indexes, asked = list(parsed.further), set[str](), 0
    errors: dict[str, MonitorError] = {}
    while asked < min(len(waiting), MAX_PARTS):
        url = waiting[asked]
        asked += 1
        try:
            document = await get.get(url, user_agent=source.user_agent)
            part = await parser.parse(source, document, memory)
        except MonitorError as error:
            errors[url] = error
            continue
        parsed = _joined(parsed, part)
        if part.children:
            indexes.add(url)
            waiting += [child for child in part.further if child not in (*waiting, index.url)]
    if errors and len(errors) == asked:
        raise _none_of_them(list(errors.values())[-1])
    again = {*errors, *indexes, *waiting[asked:]}
    children = {url: stamp for url, stamp in parsed.children.items() if url not in again}
    children |= {url: memory.children[url] for url in again - indexes if url in memory.children}
    notes = (f"a part cannot be read: {error}" for error in errors.values())
    parsed = replace(parsed, children=children, notes=(*parsed.notes, *notes))
    if again or many or not all(map(tells_changes, children.values())):
        index = replace(index, etag="", last_modified="", body_hash="", wire_hash="")
    return parsed, index


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
