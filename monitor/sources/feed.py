"""RSS, RDF and Atom feeds: bytes in, articles out. The only importer of feedparser."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import feedparser

from monitor.errors import Rejected
from monitor.model import Article, Document, Memory, Parsed, Source
from monitor.sources.entries import Entry, item_of
from monitor.sources.fastfeed import fast_entries
from monitor.sources.hints import NO_HEAD, Head, head_of
from monitor.sources.items import (
    absolute,
    article_of,
    cut_off,
    dated,
    newest,
    notes_of,
    outlets_of,
    with_usable_ids,
)
from monitor.sources.repair import ITEM_START, decoded, repaired
from monitor.sources.slices import Shape, Slices, shape_of, sliced
from monitor.text.language import Languages

# It would look for a parser that nobody has, in all folders of the path, at every document.
feedparser.api.PREFERRED_XML_PARSERS.clear()

CHECKED = 50
"""One in so many polls has the fast parser checked where it is trusted already."""
FAST = "fast"
CAREFUL = "careful"
_ROOT = re.compile(r"<(?:[\w.-]+:)?(?:rss|feed|rdf|channel)\b", re.IGNORECASE)
_END = re.compile(r"</(?:(?:rss:|atom:)?(?:item|entry|feed|rss)|rdf:RDF)\s*>")
_CLOSED = re.compile(r"</(?:[\w.-]+:)?(?:rss|feed|rdf|channel)\s*>", re.IGNORECASE)
_FEED_LINK = re.compile(
    r"<link\b(?=[^>]*type=[\"']application/(?:rss|atom)\+xml)[^>]*?href=[\"']([^\"'>]+)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Reading:
    """One feed on its way to articles, and what it says of itself."""

    document: Document
    source: Source
    head: Head = NO_HEAD
    notes: tuple[str, ...] = ()
    languages: Languages | None = None

    def articles(self, entries: Iterable[Entry]) -> list[Article]:
        """Return the articles of entries."""
        document, now = self.document, self.document.fetched
        items = with_usable_ids(item_of(entry, document.url) for entry in entries)
        items = [dated(item, now) for item in items]
        self.notes = notes_of(items, now)
        outlets = outlets_of(document, self.source, self.head.title)
        languages = self.languages or Languages(self.head.language)
        self.languages = languages  # both parsers read some of the items
        return [article_of(item, document, self.source, languages, outlets) for item in items]

    def result(self, articles: list[Article], count: int, *, is_cut: bool, **more: Any) -> Parsed:
        """Return these articles with what else the feed says, which has so many items."""
        hints, title = self.head.hints, self.head.title
        notes = ((cut_off(count),) if is_cut else ()) + self.notes
        return Parsed(articles=newest(articles), hints=hints, title=title, notes=notes, **more)


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
    reading.head = head_of(repaired(slices.with_only(())), document.url)
    fresh = slices.fresh(memory.digests)
    read = _read(slices, fresh, reading, memory.reader)
    if read is None:
        return _whole(text, reading, memory)
    articles, reader, agreed = read
    return reading.result(
        articles,
        len(slices.spans),
        is_cut=_CLOSED.search(text, slices.spans[-1][1]) is None,
        known=len(slices.spans) - len(fresh),
        digests=b"".join(slices.digests),
        reader=reader,
        agreed=memory.agreed + agreed,
    )


def _whole(text: str, reading: _Reading, memory: Memory) -> Parsed:
    """Return all articles of a feed whose items cannot be told apart without parsing it."""
    url = reading.document.url
    if not _ROOT.search(text):  # the parser takes its time with what is no feed
        raise Rejected(_what_it_is(text, url))
    whole = _without_cut_item(text)
    body = repaired(whole)
    result = _parsed(body, url)
    if not result["entries"] and not result["version"]:
        raise Rejected(_what_it_is(text, url))
    first = ITEM_START.search(text)
    reading.head = head_of(repaired(text[: first.start()]) if first else body, url)
    articles = reading.articles(result["entries"])
    last = max((start.end() for start in ITEM_START.finditer(whole)), default=0)
    return reading.result(
        articles,
        len(articles),
        is_cut=whole is not text or _CLOSED.search(whole, last) is None,
        reader=memory.reader,
        rejected=int(whole is not text),
    )


def _without_cut_item(text: str) -> str:
    """Return a feed that ends within an item without that item: half a link leads nowhere, and the
    whole item, when it comes, would be another article."""
    end = max((closed.end() for closed in _END.finditer(text)), default=0)
    cut = ITEM_START.search(text, end)
    return text[: cut.start()] if cut else text


def _read(
    slices: Slices, fresh: list[int], reading: _Reading, reader: str
) -> tuple[list[Article], str, bool] | None:
    """Return the articles of these items, the reader that is good for the source, and whether
    both parsers agreed; None where the careful one finds other items than these.

    The fast parser reads items of a shape that both have read before and made the same articles
    of. Of other shapes the careful one reads an item too; once they differ, or every item has a
    shape of its own, the source is read carefully for good.
    """
    shapes = _shapes(slices, fresh) if reader != CAREFUL else []
    if shapes:
        sample = _sample(slices, fresh, shapes, trusted=reader == FAST)
        fast = _fast(slices, fresh, shapes, reading)
        careful = _carefully(slices, [fresh[at] for at in sample], reading)
        if careful is None:
            return None
        if fast and [fast[at] for at in sample] == careful:
            few = len(sample) * 2 <= len(fresh) or len(fresh) <= 2
            return fast, FAST if few else CAREFUL, bool(sample)
        reader, reading.languages = CAREFUL, None
    articles = _carefully(slices, fresh, reading)
    return None if articles is None else (articles, reader, False)


def _shapes(slices: Slices, fresh: list[int]) -> list[Shape]:
    """Return the shapes of items, none where one of them is not plain or shares its id."""
    if slices.shared_ids:
        return []
    shapes: list[Shape] = []
    for number in fresh:
        shape = shape_of(slices.item(number))
        if shape is None:
            return []
        shapes.append(shape)
    return shapes


def _sample(
    slices: Slices, fresh: list[int], shapes: Sequence[Shape], *, trusted: bool
) -> list[int]:
    """Return the places of the items that both parsers are to read: the first of each shape that
    no known item has, and the last of all now and then."""
    first: dict[Shape, int] = {}
    for at, shape in enumerate(shapes):
        first.setdefault(shape, at)
    last = len(shapes) - 1
    if not trusted or slices.digests[fresh[0]][0] % CHECKED == 0:
        return sorted({*first.values(), last})
    new = set(fresh)
    for number in range(len(slices.spans)):
        if first and number not in new:
            first.pop(shape_of(slices.item(number)) or (), None)
    return sorted(first.values())


def _carefully(slices: Slices, numbers: list[int], reading: _Reading) -> list[Article] | None:
    """Return what the careful parser makes of these items; None where it finds others."""
    if not numbers:
        return []
    entries = _parsed(repaired(slices.with_only(numbers)), reading.document.url)["entries"]
    return reading.articles(entries) if len(entries) == len(numbers) else None


def _fast(
    slices: Slices, numbers: list[int], shapes: Sequence[Shape], reading: _Reading
) -> list[Article]:
    """Return what the fast parser makes of these items, nothing where it fails."""
    try:
        entries = fast_entries(repaired(slices.with_only(numbers)), shapes)
    except Rejected:
        return []
    return reading.articles(entries)


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
