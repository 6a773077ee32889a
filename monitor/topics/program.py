"""A query in the form in which it is held against many articles: small, and quick to answer.

Most queries are an AND of ORs of words and phrases, some of them negated: a few tuples say that,
and a few look-ups answer it. Whatever else a query asks is left to `evaluate.holds`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

from monitor.topics.evaluate import holds
from monitor.topics.presearch import TITLE, key_of, pair_keys
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
Program: TypeAlias = tuple[Condition, ...] | Node
Intern: TypeAlias = Callable[[str], str]


def compiled(node: Node, intern: Intern) -> Program:
    """Return the program of a query. `intern` makes equal strings one."""
    while isinstance(node, Use):
        node = node.item
    items = node.items if isinstance(node, And) else (node,)
    conditions = []
    for item in items:
        condition = _condition(item, intern)
        if condition is None:
            return node
        conditions.append(condition)
    # What must be there is rarer than what must not.
    return tuple(sorted(conditions, key=lambda condition: condition[0]))


def fulfilled(program: Program, keys: Collection[str], text: Text) -> bool:
    """Return whether a program holds of an article that has these keys."""
    if not isinstance(program, tuple):
        return holds(program, text)
    for negated, wanted, lines in program:
        for key in wanted:
            if key in keys:
                found = True
                break
        else:
            found = bool(lines) and _has_line(lines, text)
        if found is negated:
            return False
    return True


def _has_line(lines: tuple[str, ...], text: Text) -> bool:
    for line in lines:
        if line[0] == TITLE:
            if line[1:] in text.lines.partition("\n")[0]:
                return True
        elif line in text.lines:
            return True
    return False


def _condition(node: Node, intern: Intern) -> Condition | None:
    negated = isinstance(node, Not)
    if isinstance(node, Not):
        node = node.item
    keys: list[str] = []
    lines: list[str] = []
    if not _collect(node, Zone.TEXT, keys, lines):
        return None
    return negated, tuple(map(intern, keys)), tuple(map(intern, lines))


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
