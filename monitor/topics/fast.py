"""The finder in machine code, by Numba: the same answers as `plain`, several times as fast.

Words and other keys are numbers here, and all tables are arrays (see `tables`), so that an article
is read and held against its queries by three calls of compiled functions. What a query asks beyond
words, phrases and NEAR is left to `program.fulfilled`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from monitor.text.words import spaced_words
from monitor.topics.filing import NO_KEY
from monitor.topics.kernels import (
    FILED,
    START_BYTES,
    STARTS_SIZE,
    Bytes,
    Ints,
    keys_of,
    read,
    start_of,
)
from monitor.topics.numbering import Keys
from monitor.topics.patterns import MOST_WORDS, Patterns
from monitor.topics.presearch import TITLE, Clause
from monitor.topics.program import Condition, Program, fulfilled
from monitor.topics.tables import SMALLEST, Lists, doubled
from monitor.topics.text import Text
from monitor.topics.tree import Near, Node, Not, Term
from monitor.topics.verdicts import ANY, ASK, NEAR, NONE_OF, NOT_NEAR, find

NO_START: Bytes = np.zeros(1, np.uint8)
ANY_START: Bytes = np.ones(1, np.uint8)
"""Where words are not tried, and where all are: see `kernels.read`."""
LAST_ARTICLE = 2**31 - 2
"""Articles after which the stamps are cleared: they are 32-bit numbers."""


class FastFinder:
    """Finds the numbers of the queries that hold of an article. For one thread."""

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns
        self._keys = Keys()
        self._round = 0
        """That of the patterns that words were tried with."""
        self._starts = NO_START
        self._fitting = Lists()
        """The keys of the patterns that a word fits, by its own."""
        self._stamp: Ints = np.zeros(SMALLEST, np.int32)
        self._heads: Ints = np.zeros(SMALLEST, np.int32)
        self._rows = Lists()
        self._firsts = Lists()
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
        seconds = [self._keys.number_of(key) for key in second or (NO_KEY,)]
        firsts = [self._keys.number_of(key) for key in first]
        entries = [item for key in seconds for item in (key, number)]
        for key in firsts:
            self._rows.add(key, entries)
            self._keys.flags[key] |= FILED
        self._firsts.put(number, firsts)
        self._programs.put(number, list(self._code_of(program)))
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
        count = self._read(raw)
        self._next_article()
        size = keys_of(
            self._tokens,
            count,
            self._keys.flags,
            self._fitting.places,
            self._fitting.items,
            self._keys.titles,
            self._keys.pairs.slots,
            self._stamp,
            self._article,
            self._heads,
        )
        size = find(
            self._heads,
            size,
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

    def _read(self, raw: bytes) -> int:
        """Read an article's words; return how many tokens there are, with the ends of fields."""
        if len(raw) > len(self._tokens):
            self._tokens = np.zeros(2 * len(raw), np.int32)
            self._unknown = np.zeros(4 * len(raw), np.int32)
        if self._round != self._patterns.round:
            self._round = self._patterns.round
            self._keys.forget()
            self._starts = _starts_of(self._patterns.prefixes())
        count, strange = self._tokens_of(raw, self._starts)
        if strange:
            places = self._unknown[: 2 * strange].reshape(-1, 2).tolist()
            self._try({raw[start:end] for start, end in places})
            count, _ = self._tokens_of(raw, NO_START)
        return count

    def _tokens_of(self, raw: bytes, starts: Bytes) -> tuple[int, int]:
        words, data = self._keys.words, np.frombuffer(raw, np.uint8)
        found: tuple[int, int] = read(
            data,
            words.slots,
            words.letters,
            words.seed,
            self._keys.flags,
            starts,
            self._tokens,
            self._unknown,
        )
        return found

    def _next_article(self) -> None:
        while len(self._stamp) < len(self._keys):
            self._stamp, self._heads = doubled(self._stamp), doubled(self._heads)
        if self._article == LAST_ARTICLE:
            self._stamp[:] = 0
            self._met[:] = 0
            self._article = 0
        self._article += 1

    def _try(self, strange: set[bytes]) -> None:
        """Find out which patterns words fit, and remember it."""
        if len(self._keys.words) > MOST_WORDS + len(self._keys):
            self._keys.forget()
        for word in strange:
            fits = list(map(self._keys.number_of, self._patterns.met_by_word(word.decode())))
            number = self._keys.tried(word, bool(fits))
            if fits:
                self._fitting.put(number, fits)

    def _code_of(self, program: Program) -> Iterator[int]:
        """Yield what `verdicts.fulfilled` reads."""
        asking = False
        for part in program:
            if isinstance(part, tuple):
                yield from self._condition(part)
            elif near := _near_of(part):
                kind, one, other, *rest = near
                yield from (
                    kind,
                    self._keys.number_of_word(one),
                    self._keys.number_of_word(other),
                    *rest,
                )
            else:
                asking = True
        if asking:
            yield ASK

    def _condition(self, condition: Condition) -> Iterator[int]:
        negated, keys, lines = condition
        yield NONE_OF if negated else ANY
        yield len(keys)
        yield from map(self._keys.number_of, keys)
        yield len(lines)
        for line in lines:
            words = line.removeprefix(TITLE).split()
            yield int(line.startswith(TITLE))
            yield len(words)
            yield from map(self._keys.number_of_word, words)


def _near_of(part: Node) -> tuple[int, str, str, int, bool] | None:
    """Return what two words have to do with each other, if that is all that a part asks."""
    match part:
        case Near(Term(one), Term(other), distance, ordered):
            return NEAR, one, other, distance, ordered
        case Not(Near(Term(one), Term(other), distance, ordered)):
            return NOT_NEAR, one, other, distance, ordered
        case _:
            return None


def _starts_of(prefixes: set[str] | None) -> Bytes:
    """Return which words may fit a pattern: so most are told from a small table that stays near."""
    raw = [prefix.encode() for prefix in prefixes or ("",)]
    if min(map(len, raw)) < START_BYTES:
        return ANY_START
    starts: Bytes = np.zeros(STARTS_SIZE, np.uint8)
    for prefix in raw:
        starts[start_of(np.frombuffer(prefix, np.uint8), 0)] = 1
    return starts
