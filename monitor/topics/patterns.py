"""Which patterns (stems, wildcards, misspelt words) the words of articles fit.

Each word is tried once and its answer kept: the words of the news repeat themselves.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TypeAlias

from monitor.topics.evaluate import fitting
from monitor.topics.presearch import key_of
from monitor.topics.shape import walk
from monitor.topics.stems import stem_of
from monitor.topics.tree import Fuzzy, Node, Stem, Wildcard

FEW = 0.5
"""What a word counts that no article of the sample has, in articles."""
MOST_WORDS = 500_000
"""Words whose answers are kept."""
_LITERAL = re.compile("[^*?]*")

Pattern: TypeAlias = Stem | Wildcard | Fuzzy
Test: TypeAlias = Callable[[str], bool]


class Patterns:
    """All patterns of a matcher, by what a word must have to fit one."""

    def __init__(self, frequencies: Mapping[str, int]) -> None:
        self._frequencies = frequencies
        self.round = 0
        """Changes with each pattern, so that words are tried anew; 0 as long as there is none."""
        self._known: dict[str, Pattern] = {}
        self._stems: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        self._prefixes: dict[str, list[tuple[str, Test]]] = {}
        self._lengths: set[int] = set()
        self._misspelt: dict[int, list[tuple[str, Test]]] = defaultdict(list)
        self._barren: set[str] = set()
        self._fits: dict[str, tuple[str, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self._known)

    def add(self, query: Node) -> None:
        """Take the patterns of a query into account."""
        for node in walk(query):
            if not isinstance(node, Stem | Wildcard | Fuzzy):
                continue
            key = key_of(node)
            if key is not None and key not in self._known:
                self._known[key] = node
                self._file(key, node)
                self.round += 1
                self._barren.clear()
                self._fits.clear()

    def met_by(self, vocabulary: set[str]) -> list[str]:
        """Return the keys of the patterns that some word of a text fits."""
        fits = self._fits
        met: list[str] = []
        for word in vocabulary - self._barren:  # few: most words fit nothing, and are known
            keys = fits.get(word)
            if keys is None:
                keys = self._try(word)
            met += keys
        return met

    def met_by_word(self, word: str) -> Iterator[str]:
        """Yield the keys of the patterns that a folded word fits."""
        for language, by_stem in self._stems.items():
            yield from by_stem.get(stem_of(word, language), ())
        for length in self._lengths:
            for key, fits in self._prefixes.get(word[:length], ()):
                if fits(word):
                    yield key
        for key, fits in self._misspelt.get(len(word), ()):
            if fits(word):
                yield key

    def prefixes(self) -> set[str] | None:
        """Return what every word begins with that fits a pattern; None where that is unknown."""
        return None if self._stems or self._misspelt else set(self._prefixes)

    def frequency(self, key: str) -> float:
        """Estimate how many articles of the sample have a word that fits a pattern."""
        match self._known.get(key):
            case Wildcard(pattern):
                prefix = literal_prefix(pattern)
                words = self._words
                start = bisect_left(words, prefix)
                end = bisect_left(words, prefix + "\U0010ffff", start)
                return FEW + sum(self._frequencies[word] for word in words[start:end])
            case Stem(word) | Fuzzy(word):
                return FEW + 2.0 * self._frequencies.get(word, 0)
            case None:
                return FEW

    def _try(self, word: str) -> tuple[str, ...]:
        if len(self._barren) + len(self._fits) > MOST_WORDS:
            self._barren.clear()
            self._fits.clear()
        keys = tuple(self.met_by_word(word))
        if keys:
            self._fits[word] = keys
        else:
            self._barren.add(word)
        return keys

    @cached_property
    def _words(self) -> list[str]:
        return sorted(self._frequencies)

    def _file(self, key: str, node: Pattern) -> None:
        match node:
            case Stem(word, language):
                self._stems[language][stem_of(word, language)].append(key)
            case Wildcard(pattern):
                prefix = literal_prefix(pattern)
                self._prefixes.setdefault(prefix, []).append((key, fitting(node)))
                self._lengths.add(len(prefix))
            case Fuzzy(word, distance):
                for length in range(len(word) - distance, len(word) + distance + 1):
                    self._misspelt[length].append((key, fitting(node)))


def literal_prefix(pattern: str) -> str:
    """Return what a wildcard's words begin with."""
    found = _LITERAL.match(pattern)
    return found[0] if found else ""
