"""What is found while a query is read: its mistakes, and how much of it is dear."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import ParamSpec

from lark import Token

from monitor.topics.mistakes import MAX_PATTERNS, MAX_WORDS, Fault, shown
from monitor.topics.tree import Fuzzy, Node, Phrase, Term, Use, Wildcard

P = ParamSpec("P")


@dataclass(slots=True)
class Reading:
    """What one call of `parse` was given, and what it has found."""

    stem: str
    names: Mapping[str, Node]
    faults: list[Fault] = field(default_factory=list)
    patterns: int = 0
    words: int = 0


READING: ContextVar[Reading] = ContextVar("reading")
UNKNOWN = Term("…")  # in the place of what is wrong, so that the rest can be read


def told(method: Callable[P, Node]) -> Callable[P, Node]:
    """Keep a fault for later, at the place of the first token, and go on without the part."""

    def building(*arguments: P.args, **named: P.kwargs) -> Node:
        try:
            return method(*arguments, **named)
        except Fault as fault:
            first = next((item for item in arguments if isinstance(item, Token)), None)
            offset = fault.offset
            if offset is None and first is not None:
                offset = first.start_pos
            sentence = fault.sentence
            if "{place}" not in sentence:
                sentence = "{place}: " + sentence
            READING.get().faults.append(Fault(offset, sentence))
            return UNKNOWN

    return building


def used(name: str) -> Use:
    """Return what `@name` stands for. Raises Fault."""
    names = READING.get().names
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean @{near[0]}?" if near else ""
        raise Fault(None, f"no topic or word list is called '{shown(name)}'{hint}")
    return Use(name, names[name])


def counted(node: Node) -> Node:
    """Count what is held against every word of an article. Raises Fault where it is too much."""
    reading = READING.get()
    parts = node.words if isinstance(node, Phrase) else (node,)
    before, reading.words = reading.words, reading.words + len(parts)
    if before <= MAX_WORDS < reading.words:  # told once
        raise Fault(None, f"more than {MAX_WORDS} words: make several topics of it")
    reading.patterns += sum(isinstance(part, Wildcard | Fuzzy) for part in parts)
    if reading.patterns > MAX_PATTERNS:
        raise Fault(None, f"more than {MAX_PATTERNS} wildcards and ~: make several topics of it")
    return node
