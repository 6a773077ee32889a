"""RSS, RDF and Atom feeds: bytes in, articles out. The only importer of feedparser."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import feedparser

from monitor.errors import Rejected
from monitor.model import Article, Document, Memory, Parsed, Source
from monitor.sources.entries import Entry, absolute, articles_of, newest
from monitor.sources.fastfeed import fast_entries
from monitor.sources.hints import hints_of
from monitor.sources.repair import ITEM_START, decoded, repaired
from monitor.sources.slices import Shape, Slices, shape_of, sliced

FEW = 5
"""So many new items are read by the careful parser alone."""
FAST = "fast"
CAREFUL = "careful"
_FEED_LINK = re.compile(
    r"<link\b(?=[^>]*type=[\"']application/(?:rss|atom)\+xml)[^>]*?href=[\"']([^\"'>]+)",
    re.IGNORECASE,
)


def parse(document: Document, source: Source, memory: Memory) -> Parsed:
    """Return the articles of a feed that are not just as at the last poll, at most the newest
    2,000, in the feed's order.

    Raises Rejected where the document is no feed, with what it looks like.
    """
    text = decoded(document.body, document.content_type)
    slices = sliced(text, document.url)
    if slices is None:
        return _whole(text, document, source, memory)
    fresh = slices.fresh(memory.digests)
    read = _read(slices, fresh, document, source, memory.reader)
    if read is None:
        return _whole(text, document, source, memory)
    articles, reader = read
    hints, title = hints_of(repaired(slices.with_only(())), document.url)
    return Parsed(
        articles=newest(articles),
        known=len(slices.spans) - len(fresh),
        hints=hints,
        title=title,
        digests=b"".join(slices.digests),
        reader=reader,
        agreed=memory.agreed + (reader == FAST and len(fresh) > FEW),
    )


def _whole(text: str, document: Document, source: Source, memory: Memory) -> Parsed:
    """Return all articles of a feed whose items cannot be told apart without parsing it."""
    body = repaired(text)
    result = _parsed(body, document.url)
    entries: list[Entry] = result["entries"]
    if not entries and not result["version"]:
        raise Rejected(_what_it_is(text, document.url))
    articles = articles_of(entries, document, source, str(dict.get(result["feed"], "language", "")))
    first = ITEM_START.search(text)
    hints, title = hints_of(repaired(text[: first.start()]) if first else body, document.url)
    return Parsed(articles=newest(articles), hints=hints, title=title, reader=memory.reader)


def _read(
    slices: Slices, fresh: list[int], document: Document, source: Source, reader: str
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
        careful = _carefully(slices, [fresh[at] for at in sample], document, source)
        if careful is None:
            return None
        fast = _fast(slices, fresh, shapes, document, source, careful[1])
        if fast and [fast[at] for at in sample] == careful[0]:
            return fast, FAST
        reader = CAREFUL
    if not fresh:
        return [], reader
    careful = _carefully(slices, fresh, document, source)
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
    slices: Slices, numbers: list[int], document: Document, source: Source
) -> tuple[list[Article], str] | None:
    """Return what the careful parser makes of these items, and the language that is declared;
    None where it finds others."""
    result = _parsed(repaired(slices.with_only(numbers)), document.url)
    if len(result["entries"]) != len(numbers):
        return None
    declared = str(dict.get(result["feed"], "language", ""))
    return articles_of(result["entries"], document, source, declared), declared


def _fast(
    slices: Slices,
    numbers: list[int],
    shapes: Sequence[Shape],
    document: Document,
    source: Source,
    declared: str,
) -> list[Article]:
    """Return what the fast parser makes of these items, nothing where it fails."""
    try:
        entries = fast_entries(repaired(slices.with_only(numbers)), shapes)
    except Rejected:
        return []
    return articles_of(entries, document, source, declared)


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
