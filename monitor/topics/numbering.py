"""The keys of queries as numbers, and what the finder in machine code looks up by them."""

from __future__ import annotations

import numpy as np

from monitor.topics.filing import NO_KEY
from monitor.topics.kernels import (
    FITTING,
    FOLLOWS,
    GUEST,
    STARTS,
    TITLED,
    TRIED,
    UNKNOWN,
    Bytes,
    Ints,
)
from monitor.topics.presearch import PATTERN, TITLE
from monitor.topics.tables import SMALLEST, Pairs, WordTable, doubled


class Keys:
    """Numbers of keys, from 1 on: 0 is that of `NO_KEY`."""

    def __init__(self) -> None:
        self.words = WordTable()
        self.pairs = Pairs()
        """Keys of two words: by twice the number of one, plus one in titles, and the other's."""
        self.flags: Bytes = np.zeros(SMALLEST, np.uint8)
        self.titles: Ints = np.zeros(SMALLEST, np.int32)
        """The key of each word in titles; 0 where it has none."""
        self._by_pattern: dict[str, int] = {}
        self._used = 1
        self._free: list[int] = []

    def number_of(self, key: str) -> int:
        """Return the number of a key, which articles are searched for from now on."""
        if key == NO_KEY:
            return 0
        if key.startswith(PATTERN):
            number = self._by_pattern.get(key)
            if number is None:
                number = self._by_pattern[key] = self._new()
            return number
        in_title = key.startswith(TITLE)
        one, _, other = key.removeprefix(TITLE).partition(" ")
        word = self.number_of_word(one)
        if other:
            return self._number_of_pair(word, self.number_of_word(other), in_title)
        if not in_title:
            return word
        if not self.titles[word]:
            self.titles[word] = self._new()
            self.flags[word] |= TITLED
        return int(self.titles[word])

    def number_of_word(self, word: str) -> int:
        """Return the number of a word that a query names."""
        raw = word.encode()
        number = self.words.key_of(raw)
        if number == UNKNOWN:
            number = self._new()
            self.words.put(raw, number)
        self.flags[number] &= ~np.uint8(GUEST)
        return number

    def tried(self, word: bytes, fits: bool) -> int:
        """Note that it is known which patterns a word fits; return its number, or `UNKNOWN`: it
        has one if it fits any or a query names it."""
        number = self.words.key_of(word)
        if number == UNKNOWN:
            if fits:
                number = self._new()
                self.flags[number] = GUEST
            self.words.put(word, number)
        if number != UNKNOWN:
            self.flags[number] |= TRIED | (FITTING if fits else 0)
        return number

    def forget(self) -> None:
        """Drop the words that no query names, and what is known of patterns."""
        self.words.keep(self.flags)
        guests = np.flatnonzero(self.flags & GUEST)
        self.flags[guests] = 0
        self._free += guests.tolist()
        self.flags &= ~np.uint8(TRIED | FITTING)

    def __len__(self) -> int:
        return self._used

    def _number_of_pair(self, one: int, other: int, in_title: bool) -> int:
        self.flags[one] |= STARTS
        self.flags[other] |= FOLLOWS
        number = self.pairs.get(2 * one + in_title, other)
        if not number:
            number = self._new()
            self.pairs.put(2 * one + in_title, other, number)
        return number

    def _new(self) -> int:
        if self._free:
            return self._free.pop()
        self._used += 1
        if self._used > len(self.flags):
            self.flags, self.titles = doubled(self.flags), doubled(self.titles)
        return self._used - 1
