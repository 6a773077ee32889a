"""What Numba compiles: which of the queries hold that the keys of an article lead to."""

from __future__ import annotations

from monitor.topics.kernels import BREAK, Ints, compiled

ANY, NONE_OF, NEAR, NOT_NEAR, ASK = range(5)
"""Parts of a program, each followed by its numbers; ASK is the last one, and left to Python."""


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
    heads: Ints,
    size: int,
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
    holding = 0
    for place in range(size):
        start = rows[heads[place], 0]
        for at in range(start, start + rows[heads[place], 1], 2):
            number = filed[at + 1]
            if stamp[filed[at]] != article or met[number] == article:
                continue
            met[number] = article
            begin = programs[number, 0]
            end = begin + programs[number, 1]
            holds = fulfilled(code, begin, end, stamp, article, tokens, count)
            if holds:
                found[holding] = number if holds == 1 else -number - 1
                holding += 1
    return holding
