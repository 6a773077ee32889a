"""The finder in plain Python: sets that meet in C, and a few look-ups for what they find."""

from __future__ import annotations

from itertools import chain, pairwise
from typing import TypeAlias

from monitor.topics.filing import NO_KEY, Filing
from monitor.topics.patterns import Patterns
from monitor.topics.presearch import TITLE, Clause
from monitor.topics.program import Program, fulfilled
from monitor.topics.text import Text
from monitor.topics.tree import Node, Zone

Left: TypeAlias = Program | str
"""A program, or the one key that must not be there: the most frequent one, in little memory."""


class PlainFinder:
    """Finds the numbers of the queries that hold of an article."""

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns
        self._filing = Filing()
        self._filed: list[tuple[Clause, Clause]] = []
        self._left: list[Left] = []
        self._strings: dict[str, str] = {}
        self._pairs: dict[tuple[str, str], str] = {}
        self._titles: dict[str | tuple[str, str], str] = {}

    def add(self, number: int, first: Clause, second: Clause, program: Program) -> None:
        """File a query under one or two clauses; `program` is what they leave to be asked.

        Numbers are the next one, or one that was removed.
        """
        if number == len(self._filed):
            self._filed.append(((), ()))
            self._left.append(())
        first, second = tuple(map(self._intern, first)), tuple(map(self._intern, second))
        self._filed[number] = (first, second)
        self._left[number] = self._interned(program)
        self._filing.add(first, second, number)

    def remove(self, number: int) -> None:
        """Forget a query."""
        self._filing.remove(*self._filed[number], number)
        self._filed[number], self._left[number] = ((), ()), ()

    def found(self, text: Text) -> list[int]:
        """Return the queries that hold of an article, in no order."""
        keys = self._keys_of(text)
        left = self._left
        return [
            number
            for number in self._filing.found(keys)
            if not (rest := left[number])
            or (rest not in keys if isinstance(rest, str) else fulfilled(rest, keys, text))
        ]

    def _keys_of(self, text: Text) -> set[str]:
        """Return the article's keys. The text's vocabulary is added to: no word looks like one."""
        keys = text.vocabulary
        met = self._patterns.met_by(keys) if self._patterns else ()
        segments = text.segments(Zone.TEXT)
        if self._pairs:
            pairs = self._pairs
            for segment in segments:
                # A view takes any iterable, and looks its items up without a step of ours.
                found = pairs.keys() & pairwise(segment.folded)
                keys.update(map(pairs.__getitem__, found))
        if self._titles:
            title = segments[0].folded
            met_in_title = self._titles.keys() & chain(title, pairwise(title))
            keys.update(map(self._titles.__getitem__, met_in_title))
        keys.update(met)
        keys.add(NO_KEY)
        return keys

    def _intern(self, key: str) -> str:
        """Return the one string for a key, and note what articles are to be searched for."""
        one, _, other = key.removeprefix(TITLE).partition(" ")
        if key.startswith(TITLE):
            return self._titles.setdefault((one, other) if other else one, key)
        if other:
            return self._pairs.setdefault((self._intern(one), self._intern(other)), key)
        return self._strings.setdefault(key, key)

    def _interned(self, program: Program) -> Left:
        parts: list[tuple[bool, tuple[str, ...], tuple[str, ...]] | Node] = []
        for part in program:
            if isinstance(part, tuple):
                negated, keys, lines = part
                keys = tuple(map(self._intern, keys))
                if negated and len(keys) == 1 and not lines and len(program) == 1:
                    return keys[0]
                part = (negated, keys, lines)
            parts.append(part)
        return tuple(parts)
