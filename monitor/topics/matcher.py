"""Which of many topics does an article match? Exactly those whose queries hold, found fast.

An article's keys (see `presearch`) lead to the few queries that have their two rarest clauses in
it; only these are asked, most of them in a few look-ups (see `program`). The sets are intersected
in C, so an article costs little more than the cutting of its words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from types import MappingProxyType

from monitor.model import Article
from monitor.text.words import words
from monitor.topics.filing import NO_KEY, Filing
from monitor.topics.patterns import FEW, Patterns
from monitor.topics.presearch import PATTERN, TITLE, Clause, best, necessary
from monitor.topics.program import Program, compiled, fulfilled
from monitor.topics.text import Text
from monitor.topics.tree import Node, Zone

NONE: Mapping[str, int] = MappingProxyType({})


class Matcher:
    """Holds articles against queries, which may come and go at any time. For one thread.

    `frequencies` says how many articles of some sample have a word: it makes matching faster
    where common words stand in queries, and changes no answer.
    """

    def __init__(self, frequencies: Mapping[str, int] = NONE) -> None:
        self._frequencies = frequencies
        self._numbers: dict[str, int] = {}
        self._ids: list[str] = []
        self._versions: list[int] = []
        self._programs: list[Program] = []
        self._filed: list[tuple[Clause, Clause]] = []
        self._free: list[int] = []
        self._filing = Filing()
        self._always: set[int] = set()
        self._strings: dict[str, str] = {}
        self._pairs: dict[tuple[str, str], str] = {}
        self._titles = False
        self._patterns = Patterns(frequencies)

    def __len__(self) -> int:
        return len(self._numbers)

    def put(self, topic_id: str, query: Node, version: int = 1) -> None:
        """Add a topic, or give it another query."""
        self.drop(topic_id)
        number = self._free.pop() if self._free else self._grow()
        self._patterns.add(query)
        clauses = best(necessary(query, self._weight), self._weight)[:2]
        first, second = [*(tuple(map(self._intern, clause)) for clause in clauses), (), ()][:2]
        self._numbers[topic_id] = number
        self._ids[number], self._versions[number] = topic_id, version
        self._programs[number] = compiled(query, (first, second), self._intern)
        self._filed[number] = (first, second)
        self._filing.add(first, second, number)
        if not first:
            self._always.add(number)

    def drop(self, topic_id: str) -> None:
        """Remove a topic, if it is there."""
        number = self._numbers.pop(topic_id, None)
        if number is None:
            return
        self._filing.remove(*self._filed[number], number)
        self._always.discard(number)
        self._programs[number] = None
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
        return [self._topics_of(Text.of(article, now)) for article in articles]

    def _topics_of(self, text: Text) -> tuple[str, ...]:
        keys = self._keys_of(text)
        found = self._filing.found(keys)
        if self._always:
            found |= self._always
        programs, ids = self._programs, self._ids
        return tuple(
            sorted([ids[number] for number in found if fulfilled(programs[number], keys, text)])
        )

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
            keys.update([TITLE + word for word in title])
            keys.update([f"{TITLE}{one} {other}" for one, other in pairwise(title)])
        keys.update(met)
        keys.add(NO_KEY)
        return keys

    def _grow(self) -> int:
        self._ids.append("")
        self._versions.append(0)
        self._programs.append(None)
        self._filed.append(((), ()))
        return len(self._ids) - 1

    def _intern(self, key: str) -> str:
        """Return the one string for a key, and note what articles are to be searched for."""
        if key[0] == TITLE:
            self._titles = True
        elif " " in key:
            one, _, other = key.partition(" ")
            return self._pairs.setdefault((self._intern(one), self._intern(other)), key)
        return self._strings.setdefault(key, key)

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
