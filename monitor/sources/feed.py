"""RSS, RDF and Atom feeds: bytes in, articles out. The only importer of feedparser."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import feedparser

from monitor.errors import Rejected
from monitor.model import Article, Document, Memory, Parsed, Source
from monitor.sources.entries import Entry, item_of
from monitor.sources.fastfeed import fast_entries
from monitor.sources.hints import hints_of
from monitor.sources.items import (
    absolute,
    article_of,
    dated,
    newest,
    notes_of,
    outlets_of,
    with_usable_ids,
)
from monitor.sources.repair import ITEM_START, decoded, repaired
from monitor.sources.slices import Shape, Slices, shape_of, sliced

# It would look for a parser that nobody has, in all folders of the path, at every document.
feedparser.api.PREFERRED_XML_PARSERS.clear()

FEW = 5
"""So many new items are read by the careful parser alone."""
FAST = "fast"
CAREFUL = "careful"
_FEED_LINK = re.compile(
    r"<link\b(?=[^>]*type=[\"']application/(?:rss|atom)\+xml)[^>]*?href=[\"']([^\"'>]+)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Reading:
    """One document on its way to articles; `title` is the feed's own."""

    document: Document
    source: Source
    title: str = ""
    notes: tuple[str, ...] = field(default=())

    def articles(self, entries: Sequence[Entry], declared: str) -> list[Article]:
        """Return the articles of entries; `declared` is the feed's language, "" for none."""
        document, now = self.document, self.document.fetched
        items = with_usable_ids(item_of(entry, document.url) for entry in entries)
        items = [dated(item, now) for item in items]
        self.notes = notes_of(items, now)
        outlets = outlets_of(document, self.source, self.title)
        return [article_of(item, document, self.source, declared, outlets) for item in items]

    def parsed(self, body: bytes) -> Mapping[str, Any]:
        """Return what the careful parser makes of repaired XML."""
        return _parsed(body, self.document.url)


def parse(document: Document, source: Source, memory: Memory) -> Parsed:
    """Return the articles of a feed that are not just as at the last poll, at most the newest
    2,000, in the feed's order.

    Raises Rejected where the document is no feed, with what it looks like.
    """
    text = decoded(document.body, document.content_type)
    reading = _Reading(document, source)
    slices = sliced(text, document.url)
    if slices is None:
        return _whole(text, reading, memory)
    hints, reading.title = hints_of(repaired(slices.with_only(())), document.url)
    fresh = slices.fresh(memory.digests)
    read = _read(slices, fresh, reading, memory.reader)
    if read is None:
        return _whole(text, reading, memory)
    articles, reader = read
    return Parsed(
        articles=newest(articles),
        known=len(slices.spans) - len(fresh),
        hints=hints,
        title=reading.title,
        digests=b"".join(slices.digests),
        reader=reader,
        agreed=memory.agreed + (reader == FAST and len(fresh) > FEW),
        notes=reading.notes,
    )


def _whole(text: str, reading: _Reading, memory: Memory) -> Parsed:
    """Return all articles of a feed whose items cannot be told apart without parsing it."""
    body, url = repaired(text), reading.document.url
    result = reading.parsed(body)
    entries: list[Entry] = result["entries"]
    if not entries and not result["version"]:
        raise Rejected(_what_it_is(text, url))
    first = ITEM_START.search(text)
    hints, reading.title = hints_of(repaired(text[: first.start()]) if first else body, url)
    articles = reading.articles(entries, str(dict.get(result["feed"], "language", "")))
    return Parsed(
        articles=newest(articles),
        hints=hints,
        title=reading.title,
        reader=memory.reader,
        notes=reading.notes,
    )


def _read(
    slices: Slices, fresh: list[int], reading: _Reading, reader: str
) -> tuple[list[Article], str] | None:
    """Return the articles of these items, and the reader that is good for the source; None where
    a parser finds other items than these.

    The careful parser reads them, unless they are many and plain. Then it reads one item of each
    shape, and the fast one all: where both make the same articles of those, the rest is taken
    from the fast one. Once they differ, the source is read carefully for good.
    """
    shapes = _shapes(slices, fresh) if len(fresh) > FEW and reader != CAREFUL else []
    sample = _sample(shapes)
    if shapes and len(sample) * 3 <= len(fresh):
        careful = _carefully(slices, [fresh[at] for at in sample], reading)
        if careful is None:
            return None
        fast = _fast(slices, fresh, shapes, reading, careful[1])
        if fast and [fast[at] for at in sample] == careful[0]:
            return fast, FAST
        reader = CAREFUL
    if not fresh:
        return [], reader
    careful = _carefully(slices, fresh, reading)
    return careful and (careful[0], reader)


def _shapes(slices: Slices, fresh: list[int]) -> list[Shape]:
    """Return the shapes of items, none where one of them is not plain or shares its id."""
    if slices.shared_ids():
        return []
    shapes: list[Shape] = []
    for number in fresh:
        shape = shape_of(slices.item(number))
        if shape is None:
            return []
        shapes.append(shape)
    return shapes


def _sample(shapes: Sequence[Shape]) -> list[int]:
    """Return the places of the first item of each shape, and of the last of the last one's."""
    first: dict[Shape, int] = {}
    for at, shape in enumerate(shapes):
        first.setdefault(shape, at)
    return sorted({*first.values(), len(shapes) - 1} if shapes else ())


def _carefully(
    slices: Slices, numbers: list[int], reading: _Reading
) -> tuple[list[Article], str] | None:
    """Return what the careful parser makes of these items, and the language that is declared;
    None where it finds others."""
    result = reading.parsed(repaired(slices.with_only(numbers)))
    if len(result["entries"]) != len(numbers):
        return None
    declared = str(dict.get(result["feed"], "language", ""))
    return reading.articles(result["entries"], declared), declared


def _fast(
    slices: Slices, numbers: list[int], shapes: Sequence[Shape], reading: _Reading, declared: str
) -> list[Article]:
    """Return what the fast parser makes of these items, nothing where it fails."""
    try:
        entries = fast_entries(repaired(slices.with_only(numbers)), shapes)
    except Rejected:
        return []
    return reading.articles(entries, declared)


def _parsed(body: bytes, url: str) -> Mapping[str, Any]:
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": url}
    try:
        # A stream, because feedparser opens a string that happens to be the name of a file.
        # Sanitised HTML is of no use here: only text is kept of it.
        result: Mapping[str, Any] = feedparser.parse(
            io.BytesIO(body),
            response_headers=headers,
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except MemoryError:
        raise
    except Exception as error:  # the parser lets anything out, see its issues
        raise Rejected(f"the feed cannot be parsed: {type(error).__name__}: {error}") from error
    return result


def _what_it_is(text: str, url: str) -> str:
    """Return a sentence on what a body is that is no feed, and what to do."""
    start = text.lstrip()[:2_000].lower()
    if not start:
        return "the answer is empty: check the address"
    if start.startswith(("{", "[")):
        return "this is JSON, not an RSS or Atom feed: look for the site's XML feed"
    if "<html" in start or "<!doctype html" in start:
        link = _FEED_LINK.search(text[:200_000])
        if link:
            feed = absolute(link[1].replace("&amp;", "&"), url)
            return f"this is a web page, not a feed: it names its feed as {feed}"
        return "this is a web page, not a feed: look on it for the address of its RSS feed"
    if start.startswith("<"):
        return "this is XML, but neither RSS nor Atom: check the address"
    return "this is neither RSS nor Atom, nor XML at all: check the address"
