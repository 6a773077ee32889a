"""What can be said of a tree without an article."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.topics.leaves import compiled
from monitor.topics.tree import (
    And,
    AtLeast,
    Exact,
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
)


def parts_of(node: Node) -> tuple[Node, ...]:
    """Return the nodes right below one."""
    match node:
        case And(items) | Or(items) | AtLeast(_, items):
            return items
        case Not(item) | In(_, item) | Repeat(_, item) | Use(_, item):
            return (item,)
        case Near(left, right):
            return (left, right)
        case Score(_, weighted):
            return tuple(item for _, item in weighted)
        case Phrase(parts):
            return parts
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield a tree's nodes, each before what is below it."""
    waiting = [node]
    while waiting:
        yield (found := waiting.pop())
        waiting.extend(reversed(parts_of(found)))


def is_positional(node: Node) -> bool:
    """Return whether a node has places: words, phrases, NEAR, and an OR of these."""
    match node:
        case Term() | Exact() | Stem() | Wildcard() | Fuzzy() | Phrase() | Near():
            return True
        case Or(items):
            return all(map(is_positional, items))
        case Use(_, item):
            return is_positional(item)
        case _:
            return False


def looks_at_fields(node: Node) -> bool:
    """Return whether a node names a field somewhere, so that it cannot stand in another."""
    return any(isinstance(part, In | Regex | Value | Published | Within) for part in walk(node))


def holds_of_nothing(node: Node) -> bool:
    """Return whether an article without a single word and value would match."""
    match node:
        case In(_, item) | Use(_, item):
            return holds_of_nothing(item)
        case Not(item):
            return not holds_of_nothing(item)
        case And(items):
            return all(map(holds_of_nothing, items))
        case Or(items):
            return any(map(holds_of_nothing, items))
        case AtLeast(count, items):
            return sum(map(holds_of_nothing, items)) >= count
        case Score(threshold, parts):
            return sum(weight for weight, item in parts if holds_of_nothing(item)) >= threshold
        case Regex():
            return compiled(node).search("") is not None
        case _:
            return False
