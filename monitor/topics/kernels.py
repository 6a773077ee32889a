"""What Numba compiles: the words and the keys of an article.

A key is present where its `stamp` is the number of the article: nothing has to be cleared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int32]
Bytes: TypeAlias = NDArray[np.uint8]
Function = TypeVar("Function", bound=Callable[..., Any])

UNKNOWN, BREAK = -1, -2
"""A token that no query names, and the end of a field."""
STARTS, FOLLOWS, FILED, FITTING, TITLED, TRIED, GUEST = 1, 2, 4, 8, 16, 32, 64
"""Flags of a key: it is first or second in a pair, queries are filed under it, it fits patterns, it
is another key in titles, its patterns are known, no query names it."""
HASH, START, SIZE, KEY = range(4)
"""Columns of the table of words; a slot whose SIZE is 0 is free."""
LINE, SPACE = 10, 32
START_BYTES = 3
"""So many first bytes of a word tell whether a pattern may fit it."""
STARTS_SIZE = 1 << 16


def compiled(function: Function) -> Function:
    """Return a function as machine code, which is kept for the next process where it can be."""
    try:
        fast: Any = njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no folder can be written to
        fast = njit(nogil=True)(function)
    return cast(Function, fast)


@compiled
def word_at(
    slots: Ints, letters: Bytes, text: Bytes, start: int, end: int, code: np.int64
) -> np.int64:
    """Return the slot of the word text[start:end], whose hash is `code`, or the free one for it."""
    mask = len(slots) - 1
    slot = code & mask
    while slots[slot, SIZE]:
        if slots[slot, HASH] == code and slots[slot, SIZE] == end - start:
            at, place = slots[slot, START] - start, start
            while place < end and letters[at + place] == text[place]:
                place += 1
            if place == end:
                return slot
        slot = (slot + 1) & mask
    return slot


@compiled
def hashed(text: Bytes, start: int, end: int, seed: int) -> np.int64:
    """Return the hash of a word, 31 bits (FNV-1a)."""
    code = np.uint64(0xCBF29CE484222325) ^ np.uint64(seed)
    for place in range(start, end):
        code = (code ^ np.uint64(text[place])) * np.uint64(0x100000001B3)
    return np.int64((code ^ (code >> np.uint64(32))) & np.uint64(0x7FFFFFFF))


@compiled
def pair_at(slots: Ints, one: int, other: int) -> np.int64:
    """Return the slot of a pair of numbers, or the free one for it: one whose key is 0."""
    mask = len(slots) - 1
    code = np.uint64(one) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(other)
    code = code * np.uint64(0xC2B2AE3D27D4EB4F)
    slot = np.int64(code >> np.uint64(33)) & mask
    while slots[slot, 2]:
        if slots[slot, 0] == one and slots[slot, 1] == other:
            return slot
        slot = (slot + 1) & mask
    return slot


@compiled
def moved_words(
    old: Ints, letters: Bytes, new: Ints, kept: Bytes, flags: Bytes, dropping: bool
) -> tuple[int, int]:
    """Fill an empty table with the words of another, or those of them that queries name; return
    how many they are, and how many letters they have."""
    mask, size, used = len(new) - 1, 0, 0
    for at in range(len(old)):
        key, start, length = old[at, KEY], old[at, START], old[at, SIZE]
        if not length or (dropping and (key == UNKNOWN or flags[key] & GUEST)):
            continue
        slot = old[at, HASH] & mask
        while new[slot, SIZE]:
            slot = (slot + 1) & mask
        new[slot] = old[at]
        new[slot, START] = used
        kept[used : used + length] = letters[start : start + length]
        used += length
        size += 1
    return size, used


@compiled
def moved_pairs(old: Ints, new: Ints) -> None:
    """Fill an empty table with the pairs of another."""
    for at in range(len(old)):
        if old[at, 2]:
            new[pair_at(new, old[at, 0], old[at, 1])] = old[at]


@compiled
def gathered(places: Ints, rooms: Ints, old: Ints, new: Ints) -> int:
    """Move all lists together, so that what was left behind is free; return where they end."""
    used = 0
    for at in range(len(places)):
        if rooms[at]:
            start, size = places[at, 0], places[at, 1]
            new[used : used + size] = old[start : start + size]
            places[at, 0] = used
            used += rooms[at]
    return used


@compiled
def start_of(text: Bytes, at: int) -> int:
    """Return where the table of starts has the word whose first bytes stand at a place."""
    code: int = text[at] * 961 + text[at + 1] * 31 + text[at + 2]
    return code & (STARTS_SIZE - 1)


@compiled
def read(
    text: Bytes,
    slots: Ints,
    letters: Bytes,
    seed: int,
    flags: Bytes,
    starts: Bytes,
    tokens: Ints,
    unknown: Ints,
) -> tuple[int, int]:
    """Put the keys of an article's words into `tokens`, and where those words start and end that
    are yet to be tried into `unknown`; return how many each are. To be tried are words with one of
    the `starts`: all words where there is a single one, 1, and none where that is 0."""
    count = strange = place = 0
    while place < len(text):
        if text[place] <= SPACE:
            if text[place] == LINE:
                tokens[count] = BREAK
                count += 1
            place += 1
            continue
        start = place
        while place < len(text) and text[place] > SPACE:
            place += 1
        slot = word_at(slots, letters, text, start, place, hashed(text, start, place, seed))
        known = slots[slot, SIZE] > 0
        key = slots[slot, KEY] if known else UNKNOWN
        tokens[count] = key
        count += 1
        if known and (key < 0 or flags[key] & TRIED):
            continue
        if len(starts) > 1:
            trying = place - start >= START_BYTES and starts[start_of(text, start)] > 0
        else:
            trying = starts[0] > 0
        if trying:
            unknown[2 * strange], unknown[2 * strange + 1] = start, place
            strange += 1
    return count, strange


@compiled
def marked(key: int, flags: Bytes, stamp: Ints, article: int, heads: Ints, size: int) -> int:
    """Note that an article has a key; return how many `heads` there are then."""
    if stamp[key] == article:
        return size
    stamp[key] = article
    if flags[key] & FILED:
        heads[size] = key
        size += 1
    return size


@compiled
def keys_of(
    tokens: Ints,
    count: int,
    flags: Bytes,
    fits: Ints,
    fitting: Ints,
    titles: Ints,
    pairs: Ints,
    stamp: Ints,
    article: int,
    heads: Ints,
) -> int:
    """Note which keys an article has, and put those under which queries are filed into `heads`;
    return how many they are."""
    size = marked(0, flags, stamp, article, heads, 0)
    in_title = 1
    last = before = 0  # the word before, and its flags
    for place in range(count):
        key = tokens[place]
        if key == BREAK:
            in_title = 0
        flag = flags[key] if key > 0 else 0
        if key > 0 and stamp[key] != article:
            size = marked(key, flags, stamp, article, heads, size)
            if flag & FITTING:
                for at in range(fits[key, 0], fits[key, 0] + fits[key, 1]):
                    size = marked(fitting[at], flags, stamp, article, heads, size)
        if in_title and flag & TITLED:
            size = marked(titles[key], flags, stamp, article, heads, size)
        if before & STARTS and flag & FOLLOWS:
            for title in range(1 + in_title):
                pair = pairs[pair_at(pairs, 2 * last + title, key), 2]
                if pair:
                    size = marked(pair, flags, stamp, article, heads, size)
        last, before = key, flag
    return size
