"""What an article must have, at the least, for a query to hold: by that it is found.

A clause is a set of keys of which an article needs one; a query is filed under its two rarest
clauses, so an article meets only queries of which it has a key of both. After the pre-search of
Lucene Monitor (TermFilteredPresearcher, MultipassTermFilteredPresearcher).

A key is a folded word of title, summary or body, or two that follow each other with a space
between them; the same of the title alone, behind `TITLE`; or `PATTERN` and what a word of the text
must fit (a stem, a wildcard, a misspelt word).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TypeAlias

from monitor.text.words import fold
from monitor.topics.canonical import canonical
from monitor.topics.tree import (
    And,
    AtLeast,
    Exact,
    Fuzzy,
    In,
    Near,
    Node,
    Or,
    Phrase,
    Repeat,
    Score,
    Stem,
    Term,
    Use,
    Wildcard,
    Word,
    Zone,
)

TITLE = "\t"
PATTERN = "\n"

Clause: TypeAlias = tuple[str, ...]
Weight: TypeAlias = Callable[[Clause], float]
"""How many articles have a key of a clause: an estimate, in any unit."""

_KEYED = frozenset({Zone.TEXT, Zone.TITLE, Zone.BODY, Zone.LEAD})


def key_of(word: Word, zone: Zone = Zone.TEXT) -> str | None:
    """Return the key that an article has if a word is in it; None where that cannot be told."""
    if zone not in _KEYED:
        return None
    match word:
        case Term(folded):
            return TITLE + folded if zone is Zone.TITLE else folded
        case Exact(token):
            return TITLE + fold(token) if zone is Zone.TITLE else fold(token)
        case Stem() | Wildcard() | Fuzzy():
            return PATTERN + canonical(word)


def pair_keys(parts: Sequence[Word], zone: Zone = Zone.TEXT) -> list[str]:
    """Return the keys that an article has if plain words follow each other in it."""
    if zone not in _KEYED:
        return []
    title = TITLE if zone is Zone.TITLE else ""
    return [
        f"{title}{one.word} {other.word}"
        for one, other in pairwise(parts)
        if isinstance(one, Term) and isinstance(other, Term)
    ]


def necessary(node: Node, weight: Weight, zone: Zone = Zone.TEXT) -> list[Clause]:
    """Return clauses that every article has of which a node holds; the fewer articles have one,
    the better. None of them where nothing can be said."""
    match node:
        case Term() | Exact() | Stem() | Wildcard() | Fuzzy():
            key = key_of(node, zone)
            return [] if key is None else [(key,)]
        case Phrase(parts, slop):
            pairs = [(key,) for key in pair_keys(parts, zone)] if not slop else []
            return pairs + [clause for word in parts for clause in necessary(word, weight, zone)]
        case And(items):
            return [clause for item in items for clause in necessary(item, weight, zone)]
        case Near(left, right):
            return necessary(left, weight, zone) + necessary(right, weight, zone)
        case In(inner, item):
            return necessary(item, weight, inner)
        case Use(_, item) | Repeat(_, item):
            return necessary(item, weight, zone)
        case Or(items):
            return _any_of(items, weight, zone)
        case AtLeast(count, items):
            # Of any `len(items) - count + 1` items one must hold: the rarest such set will do.
            return _any_of(_rarest(items, weight, zone, len(items) - count + 1), weight, zone)
        case Score(threshold, parts):
            return _any_of(_needed(threshold, parts, weight, zone), weight, zone)
        case _:
            return []


def best(clauses: Iterable[Clause], weight: Weight) -> list[Clause]:
    """Return the clauses, the rarest first, each once."""
    return sorted(dict.fromkeys(clauses), key=weight)


def _any_of(items: Sequence[Node], weight: Weight, zone: Zone) -> list[Clause]:
    keys: dict[str, None] = {}
    for item in items:
        clauses = necessary(item, weight, zone)
        if not clauses:
            return []
        keys |= dict.fromkeys(best(clauses, weight)[0])
    return [tuple(keys)]


def _cost(item: Node, weight: Weight, zone: Zone) -> float:
    return min(map(weight, necessary(item, weight, zone)), default=float("inf"))


def _rarest(items: Sequence[Node], weight: Weight, zone: Zone, count: int) -> list[Node]:
    return sorted(items, key=lambda item: _cost(item, weight, zone))[:count]


def _needed(
    threshold: int, parts: Sequence[tuple[int, Node]], weight: Weight, zone: Zone
) -> list[Node]:
    """Return parts of which one must hold, since all others together do not reach a threshold."""
    positive = [part for part in parts if part[0] > 0]
    ordered = sorted(positive, key=lambda part: _cost(part[1], weight, zone), reverse=True)
    without = 0
    # A negative part that does not hold lowers nothing: only what is gained counts.
    while ordered and without + ordered[0][0] < threshold:
        without += ordered.pop(0)[0]
    return [item for _, item in ordered]
