"""Where queries are filed: under a key of one clause, and there under a key of another."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TypeAlias

from monitor.topics.presearch import Clause

Numbers: TypeAlias = int | list[int]

NO_KEY = ""
"""The second key of queries that have one clause."""


class Filing:
    """Numbers of queries by two keys. An article has `NO_KEY` beside its own."""

    def __init__(self) -> None:
        self._below: dict[str, dict[str, Numbers]] = {}
        self._first: set[str] = set()  # the keys of `_below`: sets meet in half the time

    def add(self, first: Clause, second: Clause, number: int) -> None:
        """File a query under each key of a clause, and there under each of another, if any."""
        for key in first:
            below = self._below.get(key)
            if below is None:
                below = self._below[key] = {}
                self._first.add(key)
            for other in second or (NO_KEY,):
                there = below.get(other)
                if there is None:
                    below[other] = number
                elif isinstance(there, int):
                    below[other] = [there, number]
                else:
                    there.append(number)

    def remove(self, first: Clause, second: Clause, number: int) -> None:
        """Undo `add` of the same."""
        for key in first:
            below = self._below[key]
            for other in second or (NO_KEY,):
                there = below[other]
                if isinstance(there, int):
                    del below[other]
                    continue
                there.remove(number)
                if len(there) == 1:
                    below[other] = there[0]
            if not below:
                del self._below[key]
                self._first.discard(key)

    def found(self, keys: AbstractSet[str]) -> set[int]:
        """Return the queries that are filed under two of an article's keys.

        What is done in C is little of it all; Python code for each key would be most.
        """
        found: set[int] = set()
        by_key = self._below
        no_key_of = keys.isdisjoint
        for key in self._first & keys:
            below = by_key[key]
            if no_key_of(below):  # mostly, and told without making a set
                continue
            for other in below.keys() & keys:
                numbers = below[other]
                if numbers.__class__ is int:
                    found.add(numbers)
                else:
                    found.update(numbers)  # type: ignore[arg-type]
        return found
