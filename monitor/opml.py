"""Lists of feeds in OPML 2.0 (https://opml.org/spec2.opml), as all feed readers exchange them.

Real lists are often no XML (a bare `&` in an address), so the parser forgives. It reads as a
stream of tags: there is no tree to fill the memory, and nothing outside of the file is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from lxml import etree

from monitor.errors import Rejected

MAX_BYTES = 10_000_000
MAX_OUTLINES = 100_000
MAX_DEPTH = 100
NAMESPACE = "https://github.com/news-monitor/news-monitor#opml"

_BARE_AMPERSAND = re.compile(rb"&(?!(?:#[0-9]{1,7}|#x[0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);)")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FEED_OF = re.compile(r"^feed:(?://)?(?=https?:)", re.IGNORECASE)
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Outline:
    """One source in a list. `name` and `values` are there in lists that this service wrote."""

    url: str
    title: str = ""
    name: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list holds; `repeated` counts outlines of an address that was there before."""

    outlines: tuple[Outline, ...]
    repeated: int = 0


def read_opml(body: bytes) -> Listing:
    """Return the feeds of a list, whatever folders they are in, each address once.

    Raises Rejected where it is none, or larger, deeper or longer than is sane.
    """
    if len(body) > MAX_BYTES:
        raise Rejected(f"the list is larger than {MAX_BYTES:,} bytes: split it")
    if b"\x00" not in body[:4]:  # which it is in UTF-16
        body = _BARE_AMPERSAND.sub(b"&amp;", body.lstrip())
    target = _Outlines()
    parser = etree.XMLParser(
        target=target,
        recover=True,
        resolve_entities="internal",  # `False` loses &amp; in attributes
        load_dtd=False,
        no_network=True,
        huge_tree=False,
    )
    try:
        for start in range(0, len(body), _CHUNK):
            parser.feed(body[start : start + _CHUNK])
        parser.close()
    except (etree.LxmlError, ValueError, LookupError) as error:
        raise Rejected(f"the list is no OPML: {error}") from error
    if not target.is_opml:
        raise Rejected("the list is no OPML: its first tag must be <opml>")
    return Listing(tuple(target.found.values()), target.repeated)


class _Outlines:
    """Takes the parser's events."""

    def __init__(self) -> None:
        self.found: dict[str, Outline] = {}
        self.repeated = 0
        self.is_opml = False
        self._outlines = 0
        self._depth = 0

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise Rejected("the list has a DOCTYPE, which may define entities: remove that line")

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth == 1:
            self.is_opml = _local(tag) == "opml"
        if self._depth > MAX_DEPTH:
            raise Rejected(f"the list has folders more than {MAX_DEPTH} deep")
        if _local(tag) == "outline":
            self._outline(attributes)

    def end(self, tag: str) -> None:
        self._depth -= 1

    def close(self) -> None:
        """All is said."""

    def _outline(self, attributes: Mapping[str, str]) -> None:
        self._outlines += 1
        if self._outlines > MAX_OUTLINES:
            raise Rejected(f"the list has more than {MAX_OUTLINES:,} outlines: split it")
        # The names of attributes have a case, but programs differ in it.
        plain = {key.lower(): value for key, value in attributes.items() if key[:1] != "{"}
        url = _address(plain.get("xmlurl", ""))
        if not url:
            return
        if url in self.found:
            self.repeated += 1
            return
        prefix = f"{{{NAMESPACE}}}"
        ours = {
            key.removeprefix(prefix): value
            for key, value in attributes.items()
            if key.startswith(prefix)
        }
        title = " ".join((plain.get("title") or plain.get("text") or "").split())
        self.found[url] = Outline(url, title[:1000], ours.pop("name", ""), ours)


def write_opml(
    sources: Iterable[tuple[str, Mapping[str, Any]]], title: str, now: datetime
) -> bytes:
    """Return a list of sources, each a name and its keys; those without a `url` are left out.

    Other programs see feeds; what they do not know is in a namespace of its own, so that
    `read_opml` gets back every key.
    """
    root = etree.Element("opml", {"version": "2.0"}, nsmap={"monitor": NAMESPACE})
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = title
    etree.SubElement(head, "dateCreated").text = format_datetime(now)
    body = etree.SubElement(root, "body")
    for name, values in sources:
        if "url" not in values:
            continue
        shown = _clean(values.get("title") or name)
        outline = etree.SubElement(body, "outline", {"type": "rss", "text": shown, "title": shown})
        outline.set("xmlUrl", _clean(values["url"]))
        outline.set(f"{{{NAMESPACE}}}name", name)
        for key, value in values.items():
            if key not in ("url", "title"):
                text = str(value).lower() if isinstance(value, bool) else str(value)
                outline.set(f"{{{NAMESPACE}}}{key}", _clean(text))
    written: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)
    return written


def _address(text: str) -> str:
    """Return an address as it is asked for: readers hand each other `feed:` ones, too."""
    text = _FEED_OF.sub("", text.strip().replace(" ", "%20"))
    scheme, colon, rest = text.partition(":")
    return ("http" if scheme.lower() == "feed" else scheme.lower()) + colon + rest


def _local(tag: str) -> str:
    return tag.rpartition("}")[2].lower()


def _clean(text: str) -> str:
    """Leave out what XML cannot hold."""
    return _NOT_XML.sub("", text)
