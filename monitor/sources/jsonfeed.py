"""JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1), of which no field is taken on trust."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from monitor.errors import Rejected
from monitor.model import Document, Hints, Memory, Parsed, Source
from monitor.sources.items import Item, absolute, cut_off, parsed_of
from monitor.sources.repair import MAX_ITEMS, decoded

_ITEMS = re.compile(r'"items"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_NEXT = re.compile(r"\}\s*,\s*(?=\{)")
_MAX_BROKEN = 5
"""Broken items that are stepped over; each costs another look at the rest."""
_MAX_DIGITS = 20
_MAX_LIST = 100


def parse(document: Document, source: Source, memory: Memory) -> Parsed:
    """Return the articles of a JSON Feed, at most the newest 2,000, in the feed's order.

    An item that is no object is counted as rejected. Raises Rejected where the document is no
    JSON, or JSON but no feed.
    """
    text = decoded(document.body, document.content_type)
    feed, broken = _feed(text)
    found = _list(feed, "items")
    entries = [entry for entry in found if isinstance(entry, dict) and any(entry.values())]
    broken += len(found) - len(entries)
    # The newest are kept of twice as many: the first and the last, whatever the order.
    if len(entries) > 2 * MAX_ITEMS:
        entries = entries[:MAX_ITEMS] + entries[-MAX_ITEMS:]
    parsed = parsed_of(
        [_item(entry) for entry in entries],
        document,
        source,
        title=_text(feed, "title"),
        language=_text(feed, "language"),
        rejected=broken,
        hints=_hints(feed, document.url),
    )
    if text.rstrip().endswith("}"):
        return parsed
    return replace(parsed, notes=(cut_off(len(entries)), *parsed.notes))


def _feed(text: str) -> tuple[dict[str, Any], int]:
    """Return a feed, and how many of its items were broken."""
    broken = 0
    try:
        feed = _decoder().decode(text.strip())
    except RecursionError:
        raise Rejected("the JSON is nested more deeply than any feed") from None
    except ValueError as error:
        feed, broken = _recovered(text, error)
    if not isinstance(feed, dict) or not _is_feed(feed):
        raise Rejected("this is JSON, but no JSON Feed: check the address, or look for an RSS feed")
    return feed, broken


def _decoder() -> json.JSONDecoder:
    # A number of a million digits takes Python seconds; nothing here counts that far.
    return json.JSONDecoder(
        parse_int=lambda digits: int(digits) if len(digits) <= _MAX_DIGITS else digits,
        parse_constant=lambda name: None,
        strict=False,
    )


def _recovered(text: str, error: ValueError) -> tuple[Any, int]:
    """Return what can be read of a feed that is cut off or broken somewhere in its items."""
    start = _ITEMS.search(text)
    if not text.lstrip().startswith("{") or not start:
        raise Rejected(f"this is no JSON: {error}; check the address") from error
    decoder, position, broken = _decoder(), start.end(), 0
    items: list[Any] = []
    try:
        feed = decoder.decode(text[: start.end()] + "]}")
    except (ValueError, RecursionError):
        feed = {"title": ""}
    while broken < _MAX_BROKEN and len(items) < MAX_ITEMS:
        position = _BETWEEN.match(text, position).end()  # type: ignore[union-attr]
        if not text.startswith("{", position):
            break
        try:
            item, position = decoder.raw_decode(text, position)
            items.append(item)
        except (ValueError, RecursionError):
            broken += 1
            following = _NEXT.search(text, position)
            if following is None:
                break
            position = following.end()
    if not items:
        raise Rejected(f"this JSON is broken: {error}") from error
    feed["items"] = items
    return feed, broken


def _is_feed(feed: dict[str, Any]) -> bool:
    if "jsonfeed.org" in _text(feed, "version"):
        return True
    named = any(_text(feed, key) for key in ("title", "home_page_url", "feed_url"))
    return named and isinstance(feed.get("items"), list)


def _item(entry: dict[str, Any]) -> Item:
    content = _text(entry, "content_html") or html.escape(_text(entry, "content_text"))
    pictures = (
        _text(part, "url")
        for part in _objects(entry, "attachments")
        if _text(part, "mime_type").startswith("image/")
    )
    image = _text(entry, "image") or _text(entry, "banner_image") or next(pictures, "")
    return Item(
        id=_text(entry, "id"),
        url=_text(entry, "url") or _text(entry, "external_url"),
        title=_text(entry, "title"),
        summary=html.escape(_text(entry, "summary")),
        content=content,
        authors=[_text(author, "name") or _text(author, "url") for author in _authors(entry)],
        categories=[tag for tag in _list(entry, "tags")[:_MAX_LIST] if isinstance(tag, str)],
        image=image,
        published=_text(entry, "date_published"),
        updated=_text(entry, "date_modified"),
        language=_text(entry, "language"),
    )


def _authors(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the authors of version 1.1, then the one of 1.0."""
    yield from _objects(entry, "authors")
    author = entry.get("author")
    if isinstance(author, dict):
        yield author
    elif isinstance(author, str):
        yield {"name": author}


def _hints(feed: dict[str, Any], url: str) -> Hints:
    for hub in _objects(feed, "hubs"):
        address = absolute(_text(hub, "url"), url)
        if address and _text(hub, "type").lower() == "websub":
            return Hints(hub=address, topic=absolute(_text(feed, "feed_url"), url) or url)
    return Hints()


def _text(entry: dict[str, Any], key: str) -> str:
    """Return a text field; a number is its digits, as in the ids of some feeds."""
    value = entry.get(key)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _list(entry: dict[str, Any], key: str) -> list[Any]:
    value = entry.get(key)
    return value if isinstance(value, list) else []


def _objects(entry: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return [part for part in _list(entry, key)[:_MAX_LIST] if isinstance(part, dict)]
