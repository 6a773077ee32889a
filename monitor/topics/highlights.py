"""The passages that make a query hold: for marks in a text, and as short quotations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from monitor.topics.explain import Part, Place
from monitor.topics.tree import Near, Not, Score

Range: TypeAlias = tuple[int, int]
AROUND = 48
"""Characters of a quotation on either side."""


@dataclass(frozen=True, slots=True)
class Quotation:
    """A passage with what stands around it, on one line."""

    before: str
    passage: str
    after: str


def deciding(part: Part) -> Iterator[Part]:
    """Yield the leaves by which a part holds, in the query's order. What must not be there has
    none: it cannot be shown."""
    if not part.holds or isinstance(part.node, Not):
        return
    if part.is_leaf:
        yield part
    elif isinstance(part.node, Score):
        for (weight, _), item in zip(part.node.parts, part.items, strict=True):
            if weight > 0:
                yield from deciding(item)
    else:
        for item in part.items:
            yield from deciding(item)


def passages(part: Part) -> Iterator[Place]:
    """Yield the places of what decides. Of a proximity that are its words, not all between them."""
    for leaf in deciding(part):
        if isinstance(leaf.node, Near):
            inside = [place for side in leaf.items for place in _of_side(side)]
            yield from (
                place for place in inside if any(_holds(pair, place) for pair in leaf.places)
            )
        else:
            yield from leaf.places


def _of_side(part: Part) -> Iterator[Place]:
    """Yield the places of one side of a proximity: of its words, where that is one as well."""
    if part.items:
        for item in part.items:
            yield from _of_side(item)
    else:
        yield from part.places


def _holds(outer: Place, inner: Place) -> bool:
    same = outer.segment == inner.segment and outer.raw == inner.raw
    return same and outer.start <= inner.start and inner.end <= outer.end


def ranges(places: Iterable[Place], segment: str) -> list[Range]:
    """Return the characters of a segment that are marked, in order, without overlaps."""
    merged: list[Range] = []
    for start, end in sorted({(p.start, p.end) for p in places if p.segment == segment}):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def pieces(text: str, marked: Sequence[Range], start: int = 0) -> list[tuple[str, bool]]:
    """Cut a text into pieces, each with whether it is marked; `start` is where it begins in the
    segment that the ranges count in."""
    found: list[tuple[str, bool]] = []
    at = 0
    for first, last in marked:
        first, last = max(first - start, at), min(last - start, len(text))
        if first < last:
            found += [(text[at:first], False), (text[first:last], True)]
            at = last
    found.append((text[at:], False))
    return [piece for piece in found if piece[0]]


def quotation(place: Place, around: int = AROUND) -> Quotation:
    """Return a place with the words around it."""
    before = place.raw[max(0, place.start - around) : place.start]
    after = place.raw[place.end : place.end + around]
    cut = place.start > around and not place.raw[place.start - around - 1].isspace()
    if cut and " " in before:
        before = before.partition(" ")[2]
    if place.end + around < len(place.raw) and not place.raw[place.end + around].isspace():
        after = after.rpartition(" ")[0] if " " in after else after
    return Quotation(
        ("…" if place.start > len(before) else "") + _line(before),
        _line(place.raw[place.start : place.end]),
        _line(after) + ("…" if place.end + len(after) < len(place.raw) else ""),
    )


def _line(text: str) -> str:
    """Return a text on one line, with the spaces at its ends, as they part it from what follows."""
    inner = " ".join(text.split())
    head = " " if inner and text[0].isspace() else ""
    tail = " " if inner and text[-1].isspace() else ""
    return f"{head}{inner}{tail}"
