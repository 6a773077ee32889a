"""The finder in machine code, by Numba: the same answers as `plain`, several times as fast.

Words and other keys are numbers here, and all tables are arrays (see `tables`), so that an article
is read and held against its queries by two calls of `kernels`. What a query asks beyond words,
phrases and NEAR is left to `program.fulfilled`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from monitor.text.words import spaced_words
from monitor.topics.filing import NO_KEY
from monitor.topics.kernels import (
    ANY,
    ASK,
    FOLLOWS,
    NEAR,
    NONE_OF,
    NOT_NEAR,
    STARTS,
    UNKNOWN,
    Bytes,
    Ints,
    find,
    keys_of,
    read,
)
from monitor.topics.patterns import MOST_WORDS, Patterns
from monitor.topics.presearch import PATTERN, TITLE, Clause
from monitor.topics.program import Condition, Program, fulfilled
from monitor.topics.tables import SMALLEST, Lists, Pairs, WordTable, doubled
from monitor.topics.text import Text
from monitor.topics.tree import Near, Node, Not, Term

LAST_ARTICLE = 2**31 - 2
"""Articles after which the stamps are cleared: they are 32-bit numbers."""


class FastFinder:
    """Finds the numbers of the queries that hold of an article. For one thread."""

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns
        self._words = WordTable()
        self._pairs = Pairs()
        self._by_pattern: dict[str, int] = {}
        self._keys = 1  # 0 is NO_KEY, and stands for none in tables
        self._flags: Bytes = np.zeros(SMALLEST, np.uint8)
        self._titles: Ints = np.zeros(SMALLEST, np.int32)
        self._stamp: Ints = np.zeros(SMALLEST, np.int32)
        self._present: Ints = np.zeros(SMALLEST, np.int32)
        self._fitting = Lists()
        self._guests: dict[bytes, int] = {}
        """Words that no query names, but a pattern fits."""
        self._free: list[int] = []
        self._rows = Lists()
        self._firsts: Lists = Lists()
        self._programs = Lists()
        self._asked: dict[int, Program] = {}
        self._met: Ints = np.zeros(SMALLEST, np.int32)
        self._found: Ints = np.zeros(SMALLEST, np.int32)
        self._tokens: Ints = np.zeros(SMALLEST, np.int32)
        self._unknown: Ints = np.zeros(2 * SMALLEST, np.int32)
        self._article = 0
        self._held(b" ")  # compiled now, rather than while articles wait

    def add(self, number: int, first: Clause, second: Clause, program: Program) -> None:
        """File a query under one or two clauses; `program` is what they leave to be asked.

        Numbers are the next one, or one that was removed.
        """
        while number >= len(self._met):
            self._met, self._found = doubled(self._met), doubled(self._found)
        seconds = [self._key_of(key) for key in second or (NO_KEY,)]
        firsts = [self._key_of(key) for key in first]
        entries = [item for key in seconds for item in (key, number)]
        for key in firsts:
            self._rows.add(key, entries)
        self._firsts.put(number, firsts)
        self._programs.put(number, list(self._code_of(program)))
        self._grow()
        asked = [part for part in program if not (isinstance(part, tuple) or _near_of(part))]
        if asked:
            self._asked[number] = tuple(asked)

    def remove(self, number: int) -> None:
        """Forget a query."""
        for key in self._firsts.get(number).tolist():
            entries = self._rows.get(key).reshape(-1, 2)
            self._rows.put(key, entries[entries[:, 1] != number].ravel())
        self._firsts.put(number, ())
        self._programs.put(number, ())
        self._asked.pop(number, None)

    def found(self, text: Text) -> list[int]:
        """Return the queries that hold of an article, in no order."""
        found = self._held(b"\n".join(map(spaced_words, text.raw)))
        asked = self._asked
        if not asked:
            return found
        return [
            max(number, ~number)
            for number in found
            if number >= 0 or fulfilled(asked[~number], (), text)
        ]

    def _held(self, raw: bytes) -> list[int]:
        """Return the queries that hold of an article's words, and the complements of those that
        are yet to be asked. A space ends each word, a line feed each field."""
        count, kept = self._read(raw)
        size = find(
            self._present,
            kept,
            self._rows.places,
            self._rows.items,
            self._programs.places,
            self._programs.items,
            self._stamp,
            self._met,
            self._article,
            self._tokens,
            count,
            self._found,
        )
        found: list[int] = self._found[:size].tolist()
        return found

    def _read(self, raw: bytes) -> tuple[int, int]:
        """Read an article; return how many tokens it has, and how many keys."""
        if len(raw) > len(self._tokens):
            self._tokens = np.zeros(2 * len(raw), np.int32)
            self._unknown = np.zeros(4 * len(raw), np.int32)
        data = np.frombuffer(raw, np.uint8)
        words, tokens, unknown = self._words, self._tokens, self._unknown
        count, strange = read(
            data, words.slots, words.letters, words.seed, self._patterns.round, tokens, unknown
        )
        if strange:
            places = unknown[: 2 * strange].reshape(-1, 2).tolist()
            self._try({raw[start:end] for start, end in places})
            words = self._words
            count, _ = read(data, words.slots, words.letters, words.seed, 0, tokens, unknown)
        self._next_article()
        kept = keys_of(
            tokens,
            count,
            self._fitting.places,
            self._fitting.items,
            self._flags,
            self._titles,
            self._pairs.slots,
            self._stamp,
            self._article,
            self._present,
        )
        return count, kept

    def _next_article(self) -> None:
        if self._article == LAST_ARTICLE:
            self._stamp[:] = 0
            self._met[:] = 0
            self._article = 0
        self._article += 1

    def _try(self, strange: set[bytes]) -> None:
        """Find out which patterns words fit, and remember it."""
        if len(self._words) > MOST_WORDS + self._keys:
            self._forget()
        round_ = self._patterns.round
        for word in strange:
            fits = [self._key_of(key) for key in self._patterns.met_by_word(word.decode())]
            key = self._words.key_of(word)
            if key == UNKNOWN and fits:
                key = self._guests[word] = self._new_key()
            self._words.put(word, key, round_)
            if key != UNKNOWN:
                self._fitting.put(key, fits)
        self._grow()

    def _forget(self) -> None:
        """Drop the words that no query names."""
        words, self._words = self._words, WordTable()
        for word, key in words.items():
            if key != UNKNOWN and word not in self._guests:
                self._words.put(word, key)
        for key in self._guests.values():
            self._fitting.put(key, ())
            self._free.append(key)
        self._guests.clear()

    def _key_of(self, key: str) -> int:
        """Return the number of a key, which articles are searched for from now on."""
        if key == NO_KEY:
            return 0
        if key.startswith(PATTERN):
            number = self._by_pattern.get(key)
            if number is None:
                number = self._by_pattern[key] = self._new_key()
            return number
        in_title = key.startswith(TITLE)
        one, _, other = key.removeprefix(TITLE).partition(" ")
        if other:
            return self._pair_of(self._word_of(one), self._word_of(other), in_title)
        word = self._word_of(one)
        if not in_title:
            return word
        self._grow()
        if not self._titles[word]:
            self._titles[word] = self._new_key()
        return int(self._titles[word])

    def _pair_of(self, one: int, other: int, in_title: bool) -> int:
        self._grow()
        self._flags[one] |= STARTS
        self._flags[other] |= FOLLOWS
        one = 2 * one + in_title
        number = self._pairs.get(one, other)
        if not number:
            number = self._new_key()
            self._pairs.put(one, other, number)
        return number

    def _word_of(self, word: str) -> int:
        raw = word.encode()
        self._guests.pop(raw, None)
        number = self._words.key_of(raw)
        if number == UNKNOWN:
            number = self._new_key()
            # It may have been tried, and fits nothing: else it would have had a key.
            self._words.put(raw, number)
        return number

    def _new_key(self) -> int:
        if self._free:
            return self._free.pop()
        self._keys += 1
        return self._keys - 1

    def _grow(self) -> None:
        """Give every key its place in all tables."""
        while self._keys >= len(self._stamp):
            self._stamp, self._present = doubled(self._stamp), doubled(self._present)
            self._flags, self._titles = doubled(self._flags), doubled(self._titles)
        for lists in (self._rows, self._fitting):
            lists.reach(len(self._stamp))

    def _code_of(self, program: Program) -> Iterator[int]:
        """Yield what `kernels.fulfilled` reads."""
        asking = False
        for part in program:
            if isinstance(part, tuple):
                yield from self._condition(part)
            elif near := _near_of(part):
                kind, one, other, *rest = near
                yield from (kind, self._word_of(one), self._word_of(other), *rest)
            else:
                asking = True
        if asking:
            yield ASK

    def _condition(self, condition: Condition) -> Iterator[int]:
        negated, keys, lines = condition
        yield NONE_OF if negated else ANY
        yield len(keys)
        yield from map(self._key_of, keys)
        yield len(lines)
        for line in lines:
            words = line.removeprefix(TITLE).split()
            yield int(line.startswith(TITLE))
            yield len(words)
            yield from map(self._word_of, words)


def _near_of(part: Node) -> tuple[int, str, str, int, bool] | None:
    """Return what two words have to do with each other, if that is all that a part asks."""
    match part:
        case Near(Term(one), Term(other), distance, ordered):
            return NEAR, one, other, distance, ordered
        case Not(Near(Term(one), Term(other), distance, ordered)):
            return NOT_NEAR, one, other, distance, ordered
        case _:
            return None
