"""Whether one part of a query holds wherever another does, so far as the query itself tells."""

from __future__ import annotations

from monitor.text.words import fold
from monitor.topics.evaluate import fitting
from monitor.topics.shape import is_positional
from monitor.topics.tree import (
    And,
    Exact,
    Fuzzy,
    In,
    Near,
    Node,
    Or,
    Phrase,
    Repeat,
    Stem,
    Term,
    Use,
    Wildcard,
    Zone,
)

MOST = 20_000
"""Comparisons after which nothing more is found: lists of words may be long."""
_OF_TEXT = frozenset({Zone.TITLE, Zone.BODY, Zone.LEAD})


class Implications:
    """Compares parts of one query, in bounded time."""

    def __init__(self) -> None:
        self._left = MOST

    def implies(self, one: Node, other: Node) -> bool:
        """Return whether `other` holds of every article of which `one` does; False if unsure."""
        self._left -= 1
        if self._left < 0 or one == other:
            return self._left >= 0
        match other:
            case Use(_, item):
                return self.implies(one, item)
            case And(items):
                return all(self.implies(one, item) for item in items)
            case Or(items) if any(self.implies(one, item) for item in items):
                return True
        return self._part_implies(one, other)

    def _part_implies(self, one: Node, other: Node) -> bool:
        match one:
            case Use(_, item) | Repeat(_, item):
                return self.implies(item, other)
            case And(items):
                return any(self.implies(item, other) for item in items)
            case Or(items):
                return all(self.implies(item, other) for item in items)
            case Near(left, right):
                return self.implies(left, other) or self.implies(right, other)
            case In(zone, item):
                if isinstance(other, In):
                    return zone is other.zone and self.implies(item, other.item)
                return zone in _OF_TEXT and is_positional(other) and self.implies(item, other)
            case Phrase(parts):
                within = isinstance(other, Phrase) and _is_within(other, one)
                return within or any(self.implies(part, other) for part in parts)
            case Exact(word):
                return _fits(fold(word), other)
            case Term(word):
                return _fits(word, other)
        return False


def _is_within(one: Phrase, other: Phrase) -> bool:
    """Return whether one phrase is wherever another is, as a stretch of its words."""
    size = len(one.words)
    starts = range(len(other.words) - size + 1)
    return one.slop >= other.slop and any(
        other.words[start : start + size] == one.words for start in starts
    )


def _fits(word: str, other: Node) -> bool:
    match other:
        case Term(wanted):
            return word == wanted
        case Stem() | Wildcard() | Fuzzy():
            return fitting(other)(word)
    return False
