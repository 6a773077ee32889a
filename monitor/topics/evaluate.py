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
from typing import NamedTuple, TypeAlias

from rapidfuzz.distance import Levenshtein

from monitor.topics.leaves import compiled
from monitor.topics.shape import parts_of
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

Start: TypeAlias = tuple[int, int]
"""The segment and the token at which places begin."""
Lengths: TypeAlias = int
"""The places that begin at one token: bit `n` is set where one has `n` tokens. However often a word
is repeated, a token takes one such number, and not one object for each place."""


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
            return any(_found(node, text, zone))


def spans(node: Node, text: Text, zone: Zone = Zone.TEXT, most: int | None = None) -> list[Span]:
    """Return the places of a positional node in a zone, in order, each once; the first `most`."""
    found = (
        Span(segment, start, start + length)
        for (segment, start), lengths in sorted(_places_of(node, text, zone).items())
        for length in range(lengths.bit_length())
        if lengths >> length & 1
    )
    return list(islice(found, most))


def count_starts(node: Node, text: Text, zone: Zone = Zone.TEXT, most: int | None = None) -> int:
    """Return at how many tokens a place of a positional node starts, at most `most`."""
    starts: set[Start] = set()
    for start, _ in _found(node, text, zone):
        starts.add(start)
        if len(starts) == most:
            break
    return len(starts)


def _places_of(node: Node, text: Text, zone: Zone) -> dict[Start, Lengths]:
    found: dict[Start, Lengths] = {}
    for start, lengths in _found(node, text, zone):
        found[start] = found.get(start, 0) | lengths
    return found


def _found(node: Node, text: Text, zone: Zone) -> Iterator[tuple[Start, Lengths]]:
    """Yield the places of a positional node as they are found: some starts several times."""
    match node:
        case Near(left, right, distance, ordered):
            second = _places_of(right, text, zone)
            first = _places_of(left, text, zone) if second else {}
            yield from _followed(first, second, distance)
            if not ordered:
                yield from _followed(second, first, distance)
        case Or() | Use():
            for item in parts_of(node):
                yield from _found(item, text, zone)
        case Phrase() | Term() | Exact() | Stem() | Wildcard() | Fuzzy():
            for number, segment in enumerate(text.segments(zone)):
                for start, lengths in _in_segment(node, segment):
                    yield (number, start), lengths
        case _:
            raise TypeError(f"{type(node).__name__} has no places")


def _in_segment(node: Word | Phrase, segment: Segment) -> Iterator[tuple[int, Lengths]]:
    if isinstance(node, Phrase):
        yield from _phrase(node.words, node.slop, segment)
    else:
        for place in places(node, segment):
            yield place, 0b10


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
            parts = [re.escape(part).replace(r"\?", ".") for part in pattern.split("*")]
            matched = starred(parts).fullmatch
            return lambda token: matched(token) is not None


def starred(parts: Sequence[str]) -> re.Pattern[str]:
    """Return the regular expression of some, of fixed length, with anything between them."""
    first, *others = parts
    # Where one is found first is as good as anywhere later: so a word is gone through once.
    between = "".join(f"(?>.*?{part})" for part in others[:-1])
    last = f".*{others[-1]}" if others else ""
    return re.compile(f"{first}{between}{last}", re.DOTALL)


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
            return count_starts(item, text, zone, count) == count


def _phrase(parts: Sequence[Word], slop: int, segment: Segment) -> Iterator[tuple[int, Lengths]]:
    """Yield the places of words in their order, with at most `slop` others between them."""
    at = [places(word, segment) for word in parts]
    if not all(at):
        return
    for start in at[0]:
        last = start
        for number, found in enumerate(at[1:-1], 1):
            # The nearest place of a word leaves the most room to those behind it.
            nearest = bisect_left(found, last + 1)
            if nearest == len(found) or found[nearest] > start + number + slop:
                break
            last = found[nearest]
        else:
            ends = at[-1]
            reached = bisect_right(ends, start + len(parts) - 1 + slop)
            lengths = 0
            for end in ends[bisect_left(ends, last + 1) : reached]:
                lengths |= 2 << (end - start)
            if lengths:
                yield start, lengths


def _followed(
    first: dict[Start, Lengths], second: dict[Start, Lengths], distance: int
) -> Iterator[tuple[Start, Lengths]]:
    """Yield what reaches from a place to the end of one that begins behind it, near enough."""
    starts = sorted(second)
    for (segment, start), lengths in first.items():
        window = _followers(lengths, distance)
        nearest = bisect_left(starts, (segment, start + 1))
        furthest = bisect_left(starts, (segment, start + window.bit_length()), nearest)
        reached = 0
        for other in starts[nearest:furthest]:
            apart = other[1] - start
            if window >> apart & 1:
                reached |= second[other] << apart
        if reached:
            yield (segment, start), reached


def _followers(lengths: Lengths, distance: int) -> int:
    """Return how far from a start something may begin, as bits: 0 to `distance` behind an end."""
    done = 0
    while done < distance:
        step = min(done + 1, distance - done)
        lengths |= lengths << step
        done += step
    return lengths


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
        return starred([*map(re.escape, wanted.split("*"))]).fullmatch(actual) is not None
    return actual == wanted
