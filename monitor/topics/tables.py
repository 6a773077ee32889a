"""Tables of numbers that grow: words, pairs, and lists by number. Read by `kernels`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.topics.kernels import (
    KEY,
    SIZE,
    UNKNOWN,
    Bytes,
    Ints,
    gathered,
    hashed,
    moved_pairs,
    moved_words,
    pair_at,
    word_at,
)

Array = TypeVar("Array", bound=NDArray[np.generic])

SMALLEST = 1024
"""Slots of an empty table: a power of two, as are all sizes."""


class Lists:
    """A list of numbers for each number from 0 on, all in one array."""

    def __init__(self) -> None:
        self.places: Ints = np.zeros((SMALLEST, 2), np.int32)
        """Where each list starts, and how long it is."""
        self._rooms: Ints = np.zeros(SMALLEST, np.int32)
        self.items: Ints = np.zeros(SMALLEST, np.int32)
        self._used = 0
        self._lost = 0

    def reach(self, size: int) -> None:
        """Have lists, be they empty, for all numbers below one."""
        while len(self.places) < size:
            self.places, self._rooms = doubled(self.places), doubled(self._rooms)

    def get(self, at: int) -> Ints:
        """Return a list: a part of the array, until the next one is changed."""
        start, size = self.places[at].tolist() if at < len(self.places) else (0, 0)
        return self.items[start : start + size]

    def put(self, at: int, items: Sequence[int] | Ints) -> None:
        """Set a list."""
        self._make_room(at, len(items))
        start = self.places[at, 0]
        self.items[start : start + len(items)] = items
        self.places[at, 1] = len(items)

    def add(self, at: int, items: Sequence[int]) -> None:
        """Add to a list."""
        before = self.get(at)
        size = len(before)
        moved = self._make_room(at, size + len(items))
        start = int(self.places[at, 0])
        if moved:
            self.items[start : start + size] = before
        self.items[start + size : start + size + len(items)] = items
        self.places[at, 1] = size + len(items)

    def _make_room(self, at: int, size: int) -> bool:
        """Have room for a list of a size; return whether that is another room than before."""
        self.reach(at + 1)
        room = int(self._rooms[at])
        if size <= room:
            return False
        wanted = size if room == 0 else 2 * size  # most are made once
        while self._used + wanted > len(self.items):
            if self._lost * 2 > self._used:
                old, self.items = self.items, np.zeros_like(self.items)
                self._used = gathered(self.places, self._rooms, old, self.items)
                self._lost = 0
            else:
                self.items = doubled(self.items)
        self.places[at, 0], self._rooms[at] = self._used, wanted
        self._used += wanted
        self._lost += room
        return True


class Pairs:
    """A number for each pair of numbers."""

    def __init__(self) -> None:
        self.slots: Ints = np.zeros((SMALLEST, 3), np.int32)
        self._size = 0

    def get(self, one: int, other: int) -> int:
        """Return the number of a pair; 0 where it has none."""
        return int(self.slots[pair_at(self.slots, one, other), 2])

    def put(self, one: int, other: int, number: int) -> None:
        """Give a number above 0 to a pair that has none."""
        self._size += 1
        if self._size * 2 > len(self.slots):
            old, self.slots = self.slots, np.zeros((2 * len(self.slots), 3), np.int32)
            moved_pairs(old, self.slots)
        self.slots[pair_at(self.slots, one, other)] = one, other, number


class WordTable:
    """The key of each word; `UNKNOWN` where it has none."""

    def __init__(self) -> None:
        self.seed = hash("another in each process, so that nobody can write words that collide")
        self.slots: Ints = np.zeros((SMALLEST, 4), np.int32)
        self.letters: Bytes = np.zeros(8 * SMALLEST, np.uint8)
        self._size = 0
        self._used = 0

    def __len__(self) -> int:
        return self._size

    def key_of(self, word: bytes) -> int:
        """Return the key of a word, or `UNKNOWN`."""
        slot = self._slot_of(word)
        return int(self.slots[slot, KEY]) if self.slots[slot, SIZE] else UNKNOWN

    def put(self, word: bytes, key: int) -> None:
        """Set the key of a word."""
        slot = self._slot_of(word)
        if not self.slots[slot, SIZE]:
            self._make_room(len(word))
            slot = self._slot_of(word)
            self.letters[self._used : self._used + len(word)] = np.frombuffer(word, np.uint8)
            text = np.frombuffer(word, np.uint8)
            self.slots[slot] = (
                hashed(text, 0, len(word), self.seed),
                self._used,
                len(word),
                key,
            )
            self._size += 1
            self._used += len(word)
        self.slots[slot, KEY] = key

    def keep(self, flags: Bytes) -> None:
        """Drop the words that no query names, by the flags of keys."""
        self._move(len(self.slots), flags, True)

    def _slot_of(self, word: bytes) -> int:
        text = np.frombuffer(word, np.uint8)
        code = hashed(text, 0, len(word), self.seed)
        return int(word_at(self.slots, self.letters, text, 0, len(word), code))

    def _make_room(self, size: int) -> None:
        if (self._size + 1) * 2 > len(self.slots):
            self._move(2 * len(self.slots), _NONE, False)
        while self._used + size > len(self.letters):
            self.letters = doubled(self.letters)

    def _move(self, size: int, flags: Bytes, dropping: bool) -> None:
        slots, letters = np.zeros((size, 4), np.int32), np.zeros_like(self.letters)
        self._size, self._used = moved_words(
            self.slots, self.letters, slots, letters, flags, dropping
        )
        self.slots, self.letters = slots, letters


_NONE: Bytes = np.zeros(1, np.uint8)


def doubled(array: Array) -> Array:
    """Return an array of twice as many rows, the new ones of zeros."""
    return np.concatenate([array, np.zeros_like(array)])  # type: ignore[return-value]
