"""Which of many topics does an article match? Exactly those whose queries hold, found fast.

An article's keys (see `presearch`) lead to the few queries that have their two rarest clauses in
it; only these are asked what is left (see `program`). A finder does that: compiled, where Numba is
installed, else in plain Python, where an article costs little more than the cutting of its words.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from monitor.model import Article
from monitor.text.words import words
from monitor.topics.filing import NO_KEY
from monitor.topics.patterns import FEW, Patterns
from monitor.topics.plain import PlainFinder
from monitor.topics.presearch import PATTERN, TITLE, Clause, best, necessary
from monitor.topics.program import Program, program_of
from monitor.topics.text import Text
from monitor.topics.tree import Node

log = logging.getLogger(__name__)

MANY = 1_000
"""Queries from which machine code is worth the time and the memory that loading it takes."""
NONE: Mapping[str, int] = MappingProxyType({})


class Finder(Protocol):
    """What `PlainFinder` says."""

    def add(self, number: int, first: Clause, second: Clause, program: Program) -> None: ...

    def remove(self, number: int) -> None: ...

    def found(self, text: Text) -> list[int]: ...


def finder_for(queries: int) -> Callable[[Patterns], Finder]:
    """Return the finder that suits a number of queries."""
    return fastest if queries >= MANY else PlainFinder


def fastest(patterns: Patterns) -> Finder:
    """Return the fastest finder that can be had: importing Numba takes half a second."""
    try:
        from monitor.topics.fast import FastFinder
    except ImportError as error:  # it is not there, or not made for this NumPy
        log.debug("matching in plain Python: %s", error)
        return PlainFinder(patterns)
    return FastFinder(patterns)


class Matcher:
    """Holds articles against queries, which may come and go at any time. For one thread.

    `frequencies` says how many articles of some sample have a word: it makes matching faster
    where common words stand in queries, and changes no answer.
    """

    def __init__(
        self,
        frequencies: Mapping[str, int] = NONE,
        finder: Callable[[Patterns], Finder] = PlainFinder,
    ) -> None:
        self._frequencies = frequencies
        self._numbers: dict[str, int] = {}
        self._ids: list[str] = []
        self._versions: list[int] = []
        self._free: list[int] = []
        self._patterns = Patterns(frequencies)
        self._finder = finder(self._patterns)

    def __len__(self) -> int:
        return len(self._numbers)

    def put(self, topic_id: str, query: Node, version: int = 1) -> None:
        """Add a topic, or give it another query."""
        self.drop(topic_id)
        self._patterns.add(query)
        clauses = best(necessary(query, self._weight), self._weight)
        # Whatever nothing can be said of is held against every article.
        first, second = [*clauses, (), ()][:2] if clauses else ((NO_KEY,), ())
        number = self._free.pop() if self._free else self._grow()
        self._numbers[topic_id] = number
        self._ids[number], self._versions[number] = topic_id, version
        self._finder.add(number, first, second, program_of(query, (first, second)))

    def drop(self, topic_id: str) -> None:
        """Remove a topic, if it is there."""
        number = self._numbers.pop(topic_id, None)
        if number is not None:
            self._finder.remove(number)
            self._free.append(number)

    def version_of(self, topic_id: str) -> int:
        """Return the version with which a topic was put; raises KeyError."""
        return self._versions[self._numbers[topic_id]]

    def match(
        self, articles: Sequence[Article], now: datetime | None = None
    ) -> list[tuple[str, ...]]:
        """Return for each article the ids of the topics that it matches, sorted.

        `now` is what `in:24h` counts from, else the time at which each article was fetched.
        """
        found, ids = self._finder.found, self._ids
        return [
            tuple(sorted([ids[number] for number in found(Text.of(article, now))]))
            for article in articles
        ]

    def _grow(self) -> int:
        self._ids.append("")
        self._versions.append(0)
        return len(self._ids) - 1

    def _weight(self, clause: Clause) -> float:
        """Estimate how many articles have a key of a clause."""
        if not self._frequencies:
            return sum(2.0 ** -len(key) for key in clause)
        frequencies = self._frequencies
        weight = 0.0
        for key in clause:
            if " " in key:
                weight += min(frequencies.get(word, FEW) for word in key.split()) / 100
            elif key[0] == TITLE:
                weight += frequencies.get(key[1:], FEW) / 10
            elif key[0] == PATTERN:
                weight += self._patterns.frequency(key)
            else:
                weight += frequencies.get(key, FEW)
        return weight


def frequencies_of(articles: Iterable[Article]) -> dict[str, int]:
    """Return how many of some articles have each word of their titles, summaries and bodies."""
    counts: dict[str, int] = {}
    for article in articles:
        for word in {*words(article.title), *words(article.summary), *words(article.body)}:
            counts[word] = counts.get(word, 0) + 1
    return counts
