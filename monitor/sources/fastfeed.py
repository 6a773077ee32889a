"""A fast reader of plain RSS and Atom, for many items at once. The only importer of fastfeedparser.

It is trusted only as far as it has shown to give what the careful parser gives: see `feed`. It is
handed repaired bytes, never a string, which it would take for an address and open. It resolves no
entities and opens no files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import fastfeedparser

from monitor.errors import Rejected
from monitor.sources.slices import Shape

_DATED = re.compile(r"(?:\w+:)?(?:pubdate|published|issued|date|updated|modified|lastbuilddate)\b")
_NAMED = re.compile(r"(?:^|[\s:])(?:guid|id)\b")
_SUMMARISED = re.compile(r"(?:\w+:)?(?:description|summary)\b")
_MAILBOX = re.compile(r"\S+@\S+ \((.+)\)")

Entry = dict[str, Any]


def fast_entries(body: bytes, shapes: Sequence[Shape]) -> list[Entry]:
    """Return the entries of a feed under the careful parser's names; `shapes` are its items'.

    Raises Rejected where it cannot read the feed, or not all items of it.
    """
    try:
        found = fastfeedparser.parse(bytes(body))["entries"]
    except MemoryError:
        raise
    except Exception as error:  # nothing is promised of what it raises
        raise Rejected(f"the feed cannot be parsed: {type(error).__name__}: {error}") from error
    if len(found) != len(shapes):
        raise Rejected(f"{len(found)} of {len(shapes)} items were found")
    return [_entry(entry, shape) for entry, shape in zip(found, shapes, strict=True)]


@lru_cache(maxsize=64)  # a feed's items have few shapes
def _has(shape: Shape) -> tuple[bool, bool, bool]:
    """Return whether items of a shape have an id, a summary and a date."""
    names = " ".join(shape).lower()
    return bool(_NAMED.search(names)), bool(_SUMMARISED.search(names)), bool(_DATED.search(names))


def _entry(found: Mapping[str, Any], shape: Shape) -> Entry:
    named, summarised, is_dated = _has(shape)
    content = [part for part in found.get("content") or () if part.get("value")]
    summary = found.get("description") or ""
    if content and not summarised:
        # It is made from the start of the content; the careful parser takes all of it.
        summary = content[0]["value"]
    author = found.get("author") or ""
    mailbox = _MAILBOX.fullmatch(author)
    entry: Entry = {
        "id": found.get("id") if named else "",
        "title": found.get("title"),
        "link": found.get("link"),
        "links": [*(found.get("links") or ()), *_enclosures(found)],
        "summary": summary,
        "content": content,
        "authors": [{"name": mailbox[1] if mailbox else author}] if author else [],
        "tags": found.get("tags"),
        "media_content": found.get("media_content"),
    }
    if is_dated:
        entry["published_parsed"] = _fields(found.get("published"))
        entry["updated_parsed"] = _fields(found.get("updated"))
    return entry


def _enclosures(found: Mapping[str, Any]) -> list[Entry]:
    return [
        {"rel": "enclosure", "href": enclosure.get("url"), "type": enclosure.get("type") or ""}
        for enclosure in found.get("enclosures") or ()
    ]


def _fields(printed: str | None) -> tuple[int, ...] | None:
    """Return year to second in UTC of a time as it is printed in ISO 8601."""
    if not printed:
        return None
    try:
        return tuple(datetime.fromisoformat(printed).astimezone(UTC).timetuple())
    except (ValueError, OverflowError):
        return None
