"""What a feed says of itself: title, language, when it wants to be asked, and its hub.

RSS 2.0 (ttl, skipHours, skipDays), the syndication module of RSS 1.0 (sy:), WebSub 4 (hub, self).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from monitor.model import Hints
from monitor.sources.items import absolute
from monitor.sources.markup import line_of
from monitor.text.normal import MAX_TITLE, clean_line
from monitor.text.urls import link_url

_MAX_HEAD = 64 * 1024
_MINUTE = 60
_PERIODS = {
    "hourly": 3_600,
    "daily": 86_400,
    "weekly": 604_800,
    "monthly": 2_592_000,
    "yearly": 31_536_000,
}
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Head:
    """What a feed says of itself; the language as it is printed."""

    hints: Hints
    title: str
    language: str


NO_HEAD = Head(Hints(), "", "")


def head_of(head: bytes, url: str) -> Head:
    """Return what a feed says of itself; `head` is repaired XML without its items.

    It need not be whole: what cannot be read is as if it were not there.
    """
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(head[:_MAX_HEAD], parser=parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        return NO_HEAD
    found: dict[str, list[str]] = {}
    links: dict[str, str] = {}
    for name, within, element in _elements(root):
        if name == "link" and element.get("href"):
            for relation in (element.get("rel") or "").lower().split():
                links.setdefault(relation, element.get("href"))
        elif name != "title" or within in ("channel", "feed"):
            found.setdefault(name, []).append((element.text or "").strip())
    hub = absolute(links.get("hub", ""), url)
    hours = {number % 24 for text in found.get("hour", ()) if 0 <= (number := _number(text)) <= 24}
    days = {day.lower() for day in found.get("day", ())}
    hints = Hints(
        ttl=max(0, _number(_first(found, "ttl"))) * _MINUTE,
        period=_period(found),
        skip_hours=tuple(sorted(hours)),
        skip_days=tuple(number for number, day in enumerate(_DAYS) if day in days),
        hub=hub,
        topic=(absolute(links.get("self", ""), url) or link_url(url)) if hub else "",
    )
    title = clean_line(line_of(_first(found, "title")), MAX_TITLE)
    return Head(hints, title, root.get(_LANGUAGE) or _first(found, "language"))


def _elements(root: etree._Element) -> Iterator[tuple[str, str, etree._Element]]:
    """Yield the local name, in lower case, of each element and of its parent."""
    for element in root.iter(etree.Element):
        parent = element.getparent()
        yield _local(element), "" if parent is None else _local(parent), element


def _local(element: etree._Element) -> str:
    # A prefix that is not declared stays in the name.
    return str(element.tag).rpartition("}")[2].rpartition(":")[2].lower()


def _first(found: dict[str, list[str]], name: str) -> str:
    return next(iter(found.get(name, ())), "")


def _period(found: dict[str, list[str]]) -> int:
    seconds = _PERIODS.get(_first(found, "updateperiod").lower(), 0)
    times = _number(_first(found, "updatefrequency"))
    return seconds // max(1, times)


def _number(text: str) -> int:
    """Return a whole number of at most seven digits, -1 where there is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 7 else -1
