"""The text of a tree, with all operators and only the parentheses that help."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

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
    Word,
)

OPERATORS = frozenset({"and", "or", "not"})
UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60}
"""Seconds of the units of `in:`, the longest first."""

_BARE = re.compile(r"\w+")
_DAY = timedelta(days=1)


def canonical(node: Node) -> str:
    """Return the text that parses to a tree, by a topic that has no stemmer of its own."""
    match node:
        case Term() | Exact() | Stem() | Wildcard() | Fuzzy():
            text = _word(node)
            return text if _stands_alone(node) else f'"{text}"'
        case Phrase(parts, slop):
            return f'"{" ".join(map(_word, parts))}"' + (f"~{slop}" if slop else "")
        case Near(left, right, distance, ordered):
            operator = f"{'O' if ordered else ''}NEAR/{distance}"
            second = _grouped(right, Or, Near)
            return f"{_grouped(left, Or)} {operator} {second}"
        case Not(item):
            return "NOT " + _grouped(item, And, Or)
        case And(items):
            return " AND ".join(_grouped(item, Or) for item in items)
        case Or(items):
            return " OR ".join(_grouped(item, And) for item in items)
        case AtLeast() | Repeat() | Score():
            return _counted(node)
        case _:
            return _fielded(node)


def _counted(node: AtLeast | Repeat | Score) -> str:
    match node:
        case AtLeast(count, items):
            return f"atleast({count}, {', '.join(map(canonical, items))})"
        case Repeat(count, item):
            return f"repeat({count}, {canonical(item)})"
        case Score(threshold, parts):
            each = (f"{weight}*{_grouped(item, Not, And, Or, Near)}" for weight, item in parts)
            return f"score>={threshold}:({' '.join(each)})"


def _fielded(node: In | Regex | Value | Published | Within | Use) -> str:
    match node:
        case In(zone, item):
            return f"{zone}:" + _grouped(item, Not, And, Or, Near)
        case Regex(zone, pattern, ignore_case):
            return f"{zone}:/{pattern}/" + ("i" if ignore_case else "")
        case Value(field, value):
            return f"{field}:{value}"
        case Published(start, end):
            return f"published:{_range(start, end)}"
        case Within(seconds):
            unit = next(unit for unit, size in UNITS.items() if seconds % size == 0)
            return f"in:{seconds // UNITS[unit]}{unit}"
        case Use(name):
            return f"@{name}"


def _range(start: datetime | None, end: datetime | None) -> str:
    if start and end:
        return f"[{start:%Y-%m-%d} TO {end - _DAY:%Y-%m-%d}]"
    return f">={start:%Y-%m-%d}" if start else f"<{end:%Y-%m-%d}"


def _word(word: Word) -> str:
    """Return a word as it stands within quotes."""
    match word:
        case Term(text):
            return text
        case Exact(text):
            return f"={text}"
        case Stem(text, language):
            return f"{text}^{language}"
        case Wildcard(pattern):
            return pattern
        case Fuzzy(text, distance):
            return f"{text}~{distance}"


def _stands_alone(word: Word) -> bool:
    match word:
        case Wildcard(pattern):
            bare = pattern.replace("*", "").replace("?", "")
        case Exact(bare) | Term(bare) | Stem(bare, _) | Fuzzy(bare, _):
            pass
    plain = _BARE.fullmatch(bare) is not None
    return plain and not (isinstance(word, Term) and bare in OPERATORS)


def _grouped(node: Node, *kinds: type[Node]) -> str:
    text = canonical(node)
    return f"({text})" if isinstance(node, kinds) else text
