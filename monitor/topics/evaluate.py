"""Whether a query holds of an article, and where: exact, node by node.

The matcher asks this only for what its own short cuts cannot tell; explanations and the search
ask nothing else.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from monitor.topics.leaves import compiled
from monitor.topics.stems import stem_of
from monitor.topics.text import Segment, Text
from monitor.topics.tree import (
    And,
    AtLeast,
    Exact,
    Field,
    Fuzzy,
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
    Stem,
    Term,
    Use,
    Value,
    Wildcard,
    Within,
    Word,
    Zone,
)


class Span(NamedTuple):
    """A place: `segment` of the zone's segments, tokens from `start` to before `end`."""

    segment: int
    start: int
    end: int


def holds(node: Node, text: Text, zone: Zone = Zone.TEXT) -> bool:
    """Return whether a node holds of a text, its words being looked for in a zone."""
    match node:
        case Term(word) if zone is Zone.TEXT:
            return word in text.vocabulary
        case And(items):
            return all(holds(item, text, zone) for item in items)
        case Or(items):
            return any(holds(item, text, zone) for item in items)
        case Not(item):
            return not holds(item, text, zone)
        case In(inner, item):
            return holds(item, text, inner)
        case Use(_, item):
            return holds(item, text, zone)
        case AtLeast() | Score() | Repeat():
            return _counts(node, text, zone)
        case Regex() | Value() | Published() | Within():
            return _value_holds(node, text)
        case _:
            return bool(spans(node, text, zone))


def spans(node: Node, text: Text, zone: Zone = Zone.TEXT) -> list[Span]:
    """Return the places of a positional node in a zone, in order, each once."""
    match node:
        case Phrase(parts, slop):
            return [
                Span(number, *place)
                for number, segment in enumerate(text.segments(zone))
                for place in sorted(_phrase(parts, slop, segment))
            ]
        case Near(left, right, distance, ordered):
            return _near(spans(left, text, zone), spans(right, text, zone), distance, ordered)
        case Or(items):
            return sorted({span for item in items for span in spans(item, text, zone)})
        case Use(_, item):
            return spans(item, text, zone)
        case Term() | Exact() | Stem() | Wildcard() | Fuzzy():
            return [
                Span(number, place, place + 1)
                for number, segment in enumerate(text.segments(zone))
                for place in places(node, segment)
            ]
        case _:
            raise TypeError(f"{type(node).__name__} has no places")


def places(word: Word, segment: Segment) -> Sequence[int]:
    """Return where a word stands in a segment, in order."""
    if isinstance(word, Term):
        return segment.at(word.word)
    if isinstance(word, Exact):
        return [place for place, token in enumerate(segment.exact) if token == word.word]
    fits = fitting(word)
    return sorted(at for token in segment.distinct if fits(token) for at in segment.at(token))


@lru_cache(maxsize=16_384)
def fitting(word: Stem | Wildcard | Fuzzy) -> Callable[[str], bool]:
    """Return the test of one folded token."""
    match word:
        case Stem(text, language):
            stem = stem_of(text, language)
            return lambda token: stem_of(token, language) == stem
        case Fuzzy(text, most):
            return lambda token: Levenshtein.distance(text, token, score_cutoff=most) <= most
        case Wildcard(pattern):
            regex = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
            matched = re.compile(regex, re.DOTALL).fullmatch
            return lambda token: matched(token) is not None


def count_fitting(word: Stem | Wildcard | Fuzzy, tokens: Iterable[str], limit: int) -> int:
    """Return how many folded tokens pass the test of a word, at most `limit`."""
    return sum(1 for _ in islice(filter(fitting(word), tokens), limit))


def _counts(node: AtLeast | Score | Repeat, text: Text, zone: Zone) -> bool:
    match node:
        case AtLeast(count, items):
            return sum(holds(item, text, zone) for item in items) >= count
        case Score(threshold, parts):
            return sum(weight for weight, item in parts if holds(item, text, zone)) >= threshold
        case Repeat(count, item):
            return len({span[:2] for span in spans(item, text, zone)}) >= count


def _phrase(parts: Sequence[Word], slop: int, segment: Segment) -> set[tuple[int, int]]:
    """Return the places of words in their order, with at most `slop` others between them."""
    at = [places(word, segment) for word in parts]
    if not all(at):
        return set()
    # From each place of the first word, the places of the last one that are reached.
    reached = {(start, start) for start in at[0]}
    for number, found in enumerate(at[1:], 1):
        reached = {
            (start, following)
            for start, last in reached
            for following in found[
                bisect_left(found, last + 1) : bisect_right(found, start + number + slop)
            ]
        }
    return {(start, last + 1) for start, last in reached}


def _near(left: list[Span], right: list[Span], distance: int, ordered: bool) -> list[Span]:
    found = set(_followed(left, right, distance))
    if not ordered:
        found.update(_followed(right, left, distance))
    return sorted(found)


def _followed(first: list[Span], second: list[Span], distance: int) -> Iterator[Span]:
    """Yield what reaches from a span to one that begins behind it, near enough; both sorted."""
    for segment, start, end in first:
        begin = bisect_left(second, (segment, end, 0))
        for other in second[begin : bisect_left(second, (segment, end + distance + 1, 0))]:
            yield Span(segment, start, other.end)


def _value_holds(node: Regex | Value | Published | Within, text: Text) -> bool:
    match node:
        case Regex(zone):
            program = compiled(node)
            return any(program.search(segment.raw) for segment in text.segments(zone))
        case Published(start, end):
            at = text.published
            return (start is None or start <= at) and (end is None or at < end)
        case Within(seconds):
            return text.published > text.now - timedelta(seconds=seconds)
        case Value(field, value):
            return _has(text.value(field), field, value)


def _has(actual: str, field: Field, wanted: str) -> bool:
    if field is Field.DOMAIN:
        return actual == wanted or actual.endswith(f".{wanted}")
    if "*" in wanted:
        pattern = re.escape(wanted).replace(r"\*", ".*")
        return re.fullmatch(pattern, actual, re.DOTALL) is not None
    return actual == wanted
