"""Why does a query hold of an article, or not? The query's tree with what each part matched where.

The answers are those of `evaluate`: every part is asked for itself, and nothing is cut short. That
is slow beside the matcher (some milliseconds an article) and meant for people who look at one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice, product

from monitor.text.words import located
from monitor.topics.canonical import canonical
from monitor.topics.evaluate import Span, count_starts, holds, spans
from monitor.topics.leaves import compiled
from monitor.topics.shape import parts_of
from monitor.topics.text import Segment, Text
from monitor.topics.tree import (
    And,
    AtLeast,
    Field,
    In,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Published,
    Regex,
    Repeat,
    Score,
    Use,
    Value,
    Within,
    Zone,
)

MAX_PLACES = 200
"""Places that are kept of one part."""


@dataclass(frozen=True, slots=True)
class Place:
    """A passage: the characters from `start` to before `end` in the text of a segment."""

    segment: str
    """"title", "summary", "body", "author", …"""
    start: int
    end: int
    raw: str = field(repr=False)
    """The whole text of the segment."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a query, and what became of it in one article.

    `text` is canonical; `places` are where it was found, in the article's order; `note` says in
    words what else there is to know ("2 of 3", "at least 34 words apart"). Of a proximity the
    `items` are both sides, of other parts those that decide.
    """

    node: Node
    zone: Zone
    text: str
    holds: bool
    items: tuple[Part, ...] = ()
    places: tuple[Place, ...] = ()
    note: str = ""

    @property
    def is_leaf(self) -> bool:
        """Whether it is decided by the article alone, not by other parts."""
        return not isinstance(self.node, And | Or | Not | In | Use | AtLeast | Score)


def explain(root: Node, text: Text) -> Part:
    """Return what became of each part of a query in a text."""
    return _Explainer(text).part(root, Zone.TEXT)


class _Explainer:
    """Explains the parts of one query in one text, whose words are located once."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._located: dict[str, list[tuple[int, int]]] = {}

    def part(self, node: Node, zone: Zone) -> Part:
        """Return what became of a node, with all below it."""
        match node:
            case And() | Or() | Not() | Use() | AtLeast() | Score():
                return self._all(node, zone)
            case In(inner, item):
                below = self.part(item, inner)
                return Part(node, zone, canonical(node), below.holds, (below,))
            case Near(left, right):
                sides = (self.part(left, zone), self.part(right, zone))
                return self._leaf(node, zone, sides)
            case _:
                return self._leaf(node, zone, ())

    def _all(self, node: Node, zone: Zone) -> Part:
        below = tuple(self.part(item, zone) for item in parts_of(node))
        found = holds(node, self._text, zone)
        return Part(node, zone, canonical(node), found, below, note=_counted(node, below))

    def _leaf(self, node: Node, zone: Zone, sides: tuple[Part, ...]) -> Part:
        found = holds(node, self._text, zone)
        places = tuple(islice(self._places(node, zone), MAX_PLACES))
        note = self._noted(node, zone) if not found else ""
        return Part(node, zone, canonical(node), found, sides, places, note)

    def _places(self, node: Node, zone: Zone) -> Iterable[Place]:
        match node:
            case Repeat(_, item):
                return self._places(item, zone)
            case Regex(inner):
                return _found(self._text.segments(inner), node)
            case Value() | Published() | Within():
                return ()
            case _:
                segments = self._text.segments(zone)
                return [
                    self._place(segments[span.segment], span) for span in self._spans(node, zone)
                ]

    def _spans(self, node: Node, zone: Zone) -> list[Span]:
        return spans(node, self._text, zone, MAX_PLACES)

    def _place(self, segment: Segment, span: Span) -> Place:
        raw = segment.raw
        offsets = self._located.get(raw)
        if offsets is None:
            offsets = self._located[raw] = located(raw)
        return Place(segment.name, offsets[span.start][0], offsets[span.end - 1][1], raw)

    def _noted(self, node: Node, zone: Zone) -> str:
        """Return what is nearly there of a part that does not hold."""
        text = self._text
        match node:
            case Phrase(words):
                there = all(holds(word, text, zone) for word in words)
                return "its words are there, but not like this" if there else ""
            case Near(left, right):
                return _apart(self._spans(left, zone), self._spans(right, zone))
            case Repeat(count, item):
                return f"{count_starts(item, text, zone)} of {count}"
            case Value(name):
                return _valued(name, text.value(name))
            case Published() | Within():
                return f"it is of {text.published:%Y-%m-%d %H:%M} UTC"
            case _:
                return ""


def _counted(node: Node, below: Sequence[Part]) -> str:
    match node:
        case AtLeast(count):
            return f"{sum(part.holds for part in below)} of {count}"
        case Score(threshold, parts):
            scored = sum(
                weight for (weight, _), part in zip(parts, below, strict=True) if part.holds
            )
            return f"{scored} of {threshold}"
        case _:
            return ""


def _valued(name: Field, value: str) -> str:
    return f"the {name.value} is {value}" if value else f"its {name.value} is not known"


def _apart(left: Sequence[Span], right: Sequence[Span]) -> str:
    """Return how far both sides of a proximity are from each other where they are nearest."""
    if not left or not right:
        return ""
    gaps = [
        max(one.start, other.start) - min(one.end, other.end)
        for one, other in product(left, right)
        if one.segment == other.segment
    ]
    apart = [gap for gap in gaps if gap >= 0]
    if not apart:
        return "both are there, but not side by side"
    return f"both are there, {min(apart)} words apart at the nearest"


def _found(segments: Sequence[Segment], regex: Regex) -> list[Place]:
    return [
        Place(segment.name, match.start(), match.end(), segment.raw)
        for segment in segments
        for match in compiled(regex).finditer(segment.raw)
    ]
