"""Items out of the entries of a feed, whichever parser read them: names are feedparser's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from monitor.sources.dates import is_misread, time_of
from monitor.sources.items import Item, absolute

Entry = dict[str, Any]


def item_of(entry: Entry, base: str) -> Item:
    """Return an entry as its feed prints it; links are relative to `base`."""
    content = max(_list(entry, "content"), key=lambda part: len(_string(part, "value")), default={})
    people = [_string(one, "name") or _string(one, "email") for one in _list(entry, "authors")]
    return Item(
        id=_string(entry, "id"),
        url=_link(entry, base),
        title=_string(entry, "title"),
        summary=_string(entry, "summary"),
        content=_string(content, "value"),
        authors=people or [_string(entry, "author")],
        categories=[_string(tag, "label") or _string(tag, "term") for tag in _list(entry, "tags")],
        image=_image(entry, base),
        published=_time(entry, "published") or _time(entry, "created"),
        updated=_time(entry, "updated"),
        language=_string(content, "language"),
    )


def _string(entry: Entry, key: str) -> str:
    # Past the parser's own look-up, which answers with other fields and warns.
    value = dict.get(entry, key)
    return value if isinstance(value, str) else ""


def _list(entry: Entry, key: str) -> list[Entry]:
    value = dict.get(entry, key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _time(entry: Entry, key: str) -> datetime | str | None:
    printed = _string(entry, key)
    if is_misread(printed):
        return printed
    return time_of(dict.get(entry, f"{key}_parsed")) or printed or None


def _link(entry: Entry, base: str) -> str:
    """Return the page of an entry, "" where no link leads to one."""
    candidates = [_string(entry, "link")]
    candidates += [
        _string(link, "href") for link in _list(entry, "links") if link.get("rel") == "alternate"
    ]
    return _first_good(candidates, base)


def _image(entry: Entry, base: str) -> str:
    pictures = [
        _string(media, "url")
        for media in _list(entry, "media_content")
        if "image" in (_string(media, "medium"), _string(media, "type").partition("/")[0])
    ]
    pictures += [_string(media, "url") for media in _list(entry, "media_thumbnail")]
    pictures += [
        _string(link, "href")
        for link in _list(entry, "links")
        if link.get("rel") == "enclosure" and _string(link, "type").startswith("image/")
    ]
    return _first_good(pictures, base)


def _first_good(links: list[str], base: str) -> str:
    """Return the first link that leads somewhere; whether a single one does shows later."""
    different = [link for link in dict.fromkeys(links) if link]
    if len(different) < 2:
        return "".join(different)
    return next((link for link in different if absolute(link, base)), "")
