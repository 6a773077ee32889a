"""What Numba compiles: the reading of an article, and the queries that hold of it.

A key is present where its `stamp` is the number of the article: nothing has to be cleared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int32]
Bytes: TypeAlias = NDArray[np.uint8]
Function = TypeVar("Function", bound=Callable[..., Any])

UNKNOWN, BREAK = -1, -2
"""A token that no query names, and the end of a field."""
STARTS, FOLLOWS = 1, 2
"""What a word may be in a pair."""
HASH, START, SIZE, KEY, TRIED = range(5)
"""Columns of the table of words; a slot whose SIZE is 0 is free."""
ANY, NONE_OF, NEAR, NOT_NEAR, ASK = range(5)
"""Parts of a program, each followed by its numbers; ASK is the last one, and left to Python."""

LINE, SPACE = 10, 32


def compiled(function: Function) -> Function:
    """Return a function as machine code, which is kept for the next process where it can be."""
    try:
        fast: Function = njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no folder can be written to
        fast = njit(nogil=True)(function)
    return fast


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
def moved_words(old: Ints, new: Ints) -> None:
    """Fill an empty table with the words of another."""
    mask = len(new) - 1
    for at in range(len(old)):
        if old[at, SIZE]:
            slot = old[at, HASH] & mask
            while new[slot, SIZE]:
                slot = (slot + 1) & mask
            new[slot] = old[at]


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
def marked(key: int, stamp: Ints, article: int, present: Ints, kept: int) -> int:
    """Add a key to those of an article, if it is one and new; return how many they are."""
    if key <= 0 or stamp[key] == article:
        return kept
    stamp[key] = article
    present[kept] = key
    return kept + 1


@compiled
def read(
    text: Bytes,
    slots: Ints,
    letters: Bytes,
    seed: int,
    tried: int,
    tokens: Ints,
    unknown: Ints,
) -> tuple[int, int]:
    """Put the keys of an article's words into `tokens`, and where those words start and end that
    were not tried in this round into `unknown`; return how many each are."""
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
        tokens[count] = slots[slot, KEY] if known else UNKNOWN
        count += 1
        if tried and (not known or slots[slot, TRIED] != tried):
            unknown[2 * strange], unknown[2 * strange + 1] = start, place
            strange += 1
    return count, strange


@compiled
def keys_of(
    tokens: Ints,
    count: int,
    fits: Ints,
    fitting: Ints,
    flags: Bytes,
    titles: Ints,
    pairs: Ints,
    stamp: Ints,
    article: int,
    present: Ints,
) -> int:
    """Put the keys of an article into `present`; return how many they are."""
    stamp[0] = article
    present[0] = 0
    kept = 1
    in_title = 1
    last = UNKNOWN
    for place in range(count):
        key = tokens[place]
        if key == BREAK:
            in_title = 0
        if key > 0:
            if stamp[key] != article:
                kept = marked(key, stamp, article, present, kept)
                for at in range(fits[key, 0], fits[key, 0] + fits[key, 1]):
                    kept = marked(fitting[at], stamp, article, present, kept)
            if in_title:
                kept = marked(titles[key], stamp, article, present, kept)
            if last > 0 and flags[last] & STARTS and flags[key] & FOLLOWS:
                for title in range(1 + in_title):
                    pair = pairs[pair_at(pairs, 2 * last + title, key), 2]
                    kept = marked(pair, stamp, article, present, kept)
        last = key
    return kept


@compiled
def has_phrase(tokens: Ints, count: int, code: Ints, at: int, size: int, in_title: bool) -> bool:
    """Return whether the words code[at:at + size] follow each other somewhere."""
    for place in range(count - size + 1):
        if in_title and tokens[place] == BREAK:
            return False
        offset = 0
        while offset < size and tokens[place + offset] == code[at + offset]:
            offset += 1
        if offset == size:
            return True
    return False


@compiled
def has_any(
    code: Ints, at: int, stamp: Ints, article: int, tokens: Ints, count: int
) -> tuple[bool, int]:
    """Return whether an article has a key or a phrase of the condition at `at`, and its end."""
    met = False
    lines = at + 1 + code[at]
    for place in range(at + 1, lines):
        if stamp[code[place]] == article:
            met = True
    at = lines + 1
    for _ in range(code[lines]):
        size = code[at + 1]
        met = met or has_phrase(tokens, count, code, at + 2, size, code[at] == 1)
        at += 2 + size
    return met, at


@compiled
def are_near(tokens: Ints, count: int, one: int, other: int, distance: int, ordered: bool) -> bool:
    """Return whether two words stand in one field with at most `distance` others between them."""
    for place in range(count):
        found = tokens[place]
        if found == one:
            wanted = other
        elif found == other and not ordered:
            wanted = one
        else:
            continue
        for after in range(place + 1, min(place + distance + 2, count)):
            if tokens[after] == BREAK:
                break
            if tokens[after] == wanted:
                return True
    return False


@compiled
def fulfilled(
    code: Ints, at: int, end: int, stamp: Ints, article: int, tokens: Ints, count: int
) -> int:
    """Return whether the program code[at:end] holds: 1 if so, 0 if not, 2 if Python must tell."""
    while at < end:
        part = code[at]
        at += 1
        if part == ASK:
            return 2
        if part in (ANY, NONE_OF):
            met, at = has_any(code, at, stamp, article, tokens, count)
        else:
            met = are_near(tokens, count, code[at], code[at + 1], code[at + 2], code[at + 3] == 1)
            at += 4
        if met == (part in (NONE_OF, NOT_NEAR)):
            return 0
    return 1


@compiled
def find(
    present: Ints,
    kept: int,
    rows: Ints,
    filed: Ints,
    programs: Ints,
    code: Ints,
    stamp: Ints,
    met: Ints,
    article: int,
    tokens: Ints,
    count: int,
    found: Ints,
) -> int:
    """Put the queries that hold into `found`, a query that Python must be asked as its
    complement; return how many they are. `met` keeps each from being asked twice."""
    size = 0
    for place in range(kept):
        key = present[place]
        start = rows[key, 0]
        for at in range(start, start + rows[key, 1], 2):
            if stamp[filed[at]] != article:
                continue
            number = filed[at + 1]
            if met[number] == article:
                continue
            met[number] = article
            begin = programs[number, 0]
            end = begin + programs[number, 1]
            holds = fulfilled(code, begin, end, stamp, article, tokens, count)
            if holds:
                found[size] = number if holds == 1 else -number - 1
                size += 1
    return size
