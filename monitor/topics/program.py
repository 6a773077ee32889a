"""What is left to ask of an article that a query's clauses have found: small, and quick to answer.

Most queries are an AND of ORs of words and phrases, some of them negated. What the clauses of
`presearch` have told already is not asked again, so that mostly nothing is left, or one word that
must not be there. A few tuples say the rest; whatever else a query asks is left to
`evaluate.holds`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TypeAlias

from monitor.topics.evaluate import holds
from monitor.topics.presearch import TITLE, Clause, key_of, pair_keys
from monitor.topics.text import Text
from monitor.topics.tree import (
    And,
    Fuzzy,
    In,
    Node,
    Not,
    Or,
    Phrase,
    Stem,
    Term,
    Use,
    Wildcard,
    Zone,
)

Condition: TypeAlias = tuple[bool, tuple[str, ...], tuple[str, ...]]
"""Whether none may be there (else one must); keys; phrases as lines, a title's after `TITLE`."""
Program: TypeAlias = tuple[Condition | Node, ...]
"""What must all hold."""


def program_of(node: Node, known: Sequence[Clause]) -> Program:
    """Return what is to be asked of articles that have a key of each of the `known` clauses."""
    told = {frozenset(clause) for clause in known}
    conditions: list[Condition] = []
    others: list[Node] = []
    for item in _parts(node):
        condition = _condition(item)
        if condition is None:
            others.append(item)
        elif condition[0] or condition[2] or frozenset(condition[1]) not in told:
            conditions.append(condition)
    # What must be there is rarer than what must not, and look-ups cost less than places.
    return (*sorted(conditions, key=lambda condition: condition[0]), *others)


def fulfilled(program: Program, keys: Collection[str], text: Text) -> bool:
    """Return whether a program holds of an article that has these keys."""
    for part in program:
        if not isinstance(part, tuple):
            if not holds(part, text):
                return False
            continue
        negated, wanted, lines = part
        if (any(key in keys for key in wanted) or _has_line(lines, text)) is negated:
            return False
    return True


def _parts(node: Node) -> Iterator[Node]:
    """Yield what must all hold for a query to do so."""
    match node:
        case Use(_, item):
            yield from _parts(item)
        case And(items):
            for item in items:
                yield from _parts(item)
        case _:
            yield node


def _has_line(lines: tuple[str, ...], text: Text) -> bool:
    for line in lines:
        if line[0] == TITLE:
            if line[1:] in text.lines.partition("\n")[0]:
                return True
        elif line in text.lines:
            return True
    return False


def _condition(node: Node) -> Condition | None:
    negated = isinstance(node, Not)
    if isinstance(node, Not):
        node = node.item
    keys: list[str] = []
    lines: list[str] = []
    if not _collect(node, Zone.TEXT, keys, lines):
        return None
    return negated, tuple(keys), tuple(lines)


def _collect(node: Node, zone: Zone, keys: list[str], lines: list[str]) -> bool:
    """Add what an OR looks for; False where a part of it is more than keys and lines can say."""
    match node:
        case Or(items):
            return all(_collect(item, zone, keys, lines) for item in items)
        case Use(_, item):
            return _collect(item, zone, keys, lines)
        case In(Zone.TITLE, item):
            return _collect(item, Zone.TITLE, keys, lines)
        case Phrase(parts, 0) if zone in (Zone.TEXT, Zone.TITLE):
            plain = [part.word for part in parts if isinstance(part, Term)]
            if len(plain) == len(parts) == 2:
                keys += pair_keys(parts, zone)
                return True
            lines.append(f"{TITLE if zone is Zone.TITLE else ''} {' '.join(plain)} ")
            return len(plain) == len(parts)
        case _:
            return _collect_word(node, zone, keys)


def _collect_word(node: Node, zone: Zone, keys: list[str]) -> bool:
    if isinstance(node, Term) or (zone is Zone.TEXT and isinstance(node, Stem | Wildcard | Fuzzy)):
        key = key_of(node, zone)
        if key is not None:
            keys.append(key)
            return True
    return False
