"""The items of a feed as pieces of its text, found without a parser: what was there at the last
poll need not be parsed again.

The cut is made only where it is plain: items that are closed and not inside each other, outside
of comments and CDATA sections. Any other feed is parsed whole.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from monitor.sources.repair import MAX_ITEMS

DIGEST = 8
"""Bytes of an item's digest."""
_NORMALISATION = 2
"""Raise it where the same item becomes another article: all are then read once more."""

_MARK = re.compile(r"<!\[CDATA\[|<!--|<(/?)((?:rss:|atom:)?(?:item|entry))(?=[\s>/])[^<>]*>")
# Each part skips to the next sign that may end it: ".*?" takes ten times as long.
_CDATA = re.compile(
    r"<!\[CDATA\[[^\]]*+(?:\](?!\]>)[^\]]*+)*+\]\]>|<!--[^-]*+(?:-(?!->)[^-]*+)*+-->"
)
_GUID = re.compile(r"<(?:\w+:)?(?:guid|id)(?:\s[^<>]*)?>(.*?)</|rdf:about=(.*?)[\s>]", re.DOTALL)
_TAG = re.compile(r"<([\w:.-]+)([^<>]*)>(\s*</)?")
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(\"[^\"]*\"|'[^']*')")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_DATE = re.compile(
    r"<(?:\w+:)?(?:pubDate|date|published|updated|issued|modified)(?:\s[^<>]*)?>([^<]{0,80})"
)
_NAME = re.compile(r"\b[A-Z][a-z]{2}\b")
_DIGITS = str.maketrans("123456789", "000000000")
_TELLING = frozenset(("rel", "type", "isPermaLink", "medium"))
_REPEATED = frozenset(("category", "dc:subject"))
_ODD = re.compile(r"&(?:(?!(?:amp|lt|gt|quot|apos);|#)|#(?:1[2-5]\d|[xX]0*[89][0-9a-fA-F]);)")

Shape = tuple[str, ...]


@dataclass(frozen=True)
class Slices:
    """A feed's text, where its items lie in it, and a digest of each."""

    text: str
    spans: Sequence[tuple[int, int]]
    digests: Sequence[bytes]

    def item(self, number: int) -> str:
        """Return the text of an item."""
        start, end = self.spans[number]
        return self.text[start:end]

    def fresh(self, known: bytes) -> list[int]:
        """Return which items are not among the known digests.

        Those that share an id belong together: whether it is one shows only when all are read.
        """
        before = {known[at : at + DIGEST] for at in range(0, len(known), DIGEST)}
        if not before:
            return list(range(len(self.spans)))
        shared = self.shared_ids
        return [
            number
            for number, digest in enumerate(self.digests)
            if digest not in before or number in shared
        ]

    @cached_property
    def shared_ids(self) -> frozenset[int]:
        """Return the items whose id, as it is printed, is also another one's."""
        guids = [_guid(self.item(number)) for number in range(len(self.spans))]
        times = Counter(guids)
        return frozenset(at for at, guid in enumerate(guids) if guid and times[guid] > 1)

    def with_only(self, kept: Collection[int]) -> str:
        """Return the feed without its other items."""
        wanted = set(kept)
        pieces, at = [], 0
        for number, (start, end) in enumerate(self.spans):
            if number not in wanted:
                pieces.append(self.text[at:start])
                at = end
        return "".join([*pieces, self.text[at:]])


def sliced(text: str, url: str) -> Slices | None:
    """Return where a feed's items are, None where that is not plain or where they are too many
    to know all of them. Takes time in proportion to the text."""
    spans: list[tuple[int, int]] = []
    opened: tuple[int, str] | None = None
    at = 0
    while mark := _MARK.search(text, at):
        at = mark.end()
        if mark[2] is None:
            closing = "]]>" if mark[0] == "<![CDATA[" else "-->"
            found = text.find(closing, at)
            if found < 0:
                return None
            at = found + len(closing)
        elif not mark[1]:
            if opened or mark[0].endswith("/>"):
                return None
            opened = (mark.start(), mark[2])
        elif opened is None or opened[1] != mark[2]:
            return None
        else:
            spans.append((opened[0], at))
            opened = None
    if opened or not 0 < len(spans) <= MAX_ITEMS:
        return None
    start = hashlib.blake2b(f"{_NORMALISATION}\n{url}\n".encode(), digest_size=DIGEST)
    return Slices(text, spans, [_digest(start, text[first:last]) for first, last in spans])


def _digest(start: hashlib.blake2b, item: str) -> bytes:
    digest = start.copy()
    digest.update(item.encode("utf-8", "surrogatepass"))
    return digest.digest()


def _guid(item: str) -> str:
    found = _GUID.search(item)
    return (found[1] or found[2] or "").strip() if found else ""


def shape_of(item: str) -> Shape | None:
    """Return how an item is built: its tags in their order, what matters of their attributes,
    which are empty, and how its dates and its id are written. None where its text needs a lenient
    parser.

    Items of one shape come out of one template, so two parsers that agree on one of them agree on
    the others.
    """
    markup = _CDATA.sub("[]", item)
    if "xml:base" in markup or _ODD.search(markup):
        return None
    shape: list[str] = []
    for name, attributes, empty in _TAG.findall(markup):
        part = name + "".join(_telling(attributes)) + ("/" if empty else "")
        if not (name in _REPEATED and shape and shape[-1] == part):
            shape.append(part)
    for date in _DATE.findall(markup):
        shape.append(_NAME.sub("Mon", date.translate(_DIGITS)))
    scheme = _SCHEME.match(_guid(item))
    return (*shape, scheme[0] if scheme else "")


def _telling(attributes: str) -> list[str]:
    if not attributes:
        return []
    return [
        f" {name}={value[1:-1]}" if name in _TELLING else f" {name}"
        for name, value in _ATTRIBUTE.findall(attributes)
    ]
