"""What of a query can never hold, and why, in sentences with the cure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from monitor.topics.canonical import canonical
from monitor.topics.codes import COUNTRIES, LANGUAGES
from monitor.topics.implied import Implications
from monitor.topics.text import COUNTRY_OF, GENERIC
from monitor.topics.tree import And, Field, Near, Node, Not, Or, Published, Use, Value

SHORT = 80
"""Characters of a part that a sentence shows."""


def never_together(items: Sequence[Node], known: Implications) -> Iterator[str]:
    """Yield what in the parts of an And excludes each other: what must be there and must not,
    values, and times."""
    yield from _excluded(items, known)
    values: dict[Field, Value] = {}
    for item in items:
        if isinstance(item, Value) and "*" not in item.value and item.field is not Field.DOMAIN:
            other = values.setdefault(item.field, item)
            if other != item:
                both = f"{canonical(other)} and {canonical(item)}"
                yield f"{both} at once: this never matches, write OR"
    for one, later in combinations([item for item in items if isinstance(item, Published)], 2):
        if not _meet(one, later):
            both = f"{canonical(one)} and {canonical(later)}"
            yield f"{both} share no time: this never matches, write OR"


def _excluded(items: Sequence[Node], known: Implications) -> Iterator[str]:
    absent = [
        each
        for item in items
        if isinstance(item, Not)
        for each in (item.item.items if isinstance(item.item, Or) else (item.item,))
    ]
    for item in items:
        if isinstance(item, Not):
            continue
        by = next((each for each in absent if known.implies(item, each)), None)
        if by is not None:
            inner = item.item if isinstance(item, Use) else item
            if by in (item, inner) or (isinstance(inner, And) and by in inner.items):
                what = f"{short(by)} must be there and must not be there"
            else:
                what = f"NOT {short(by)} excludes {short(item)}, which must be there"
            yield f"{what}: this never matches"
        elif len(absent) > 1 and known.implies(item, Or(tuple(absent))):
            what = f"what must not be there excludes {short(item)}, which must be there"
            yield f"{what}: this never matches"


def _meet(one: Published, other: Published) -> bool:
    starts = [each.start for each in (one, other) if each.start]
    ends = [each.end for each in (one, other) if each.end]
    return not starts or not ends or max(starts) < min(ends)


def never_holds(node: Value) -> Iterator[str]:
    """Yield why no article has a value."""
    value = node.value
    if node.field is Field.COUNTRY:
        if value in GENERIC or not COUNTRY_OF.get(value, value):
            why = f"an address that ends in .{value} says nothing of a country; write domain:"
            yield f"{canonical(node)} never holds: {why}"
        elif value not in COUNTRIES:
            yield f"{canonical(node)} never holds: {value} is no code of ISO 3166"
    elif node.field is Field.LANGUAGE and len(value) == 2 and value not in LANGUAGES:
        yield f"{canonical(node)} never holds: {value} is no code of ISO 639"


def twice(node: Near, known: Implications) -> Iterator[str]:
    """Yield where a word stands near what has it already: no place counts for both sides."""
    left, right = node.left, node.right
    if isinstance(left, Or | Near | Use) or isinstance(right, Or | Near | Use):
        return
    if left == right:
        yield f"{canonical(left)} must be there twice: each side takes a place of its own"
        return
    for one, other in ((left, right), (right, left)):
        if known.implies(one, other):
            within = f"{canonical(other)} is also within {canonical(one)}"
            yield f"{within}: it is looked for beside it, not in it"


def short(node: Node) -> str:
    """Return a part's text, or how it begins."""
    text = canonical(node)
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"
