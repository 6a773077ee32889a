"""The smallest set of changes of an article with which a query would hold: a near miss.

A change is that one word, phrase or other leaf of the query would be there, or would not. For an
AND all failing items count together, of an OR the cheapest item does, and under NOT it is the
other way round; `atleast` takes the cheapest that are missing, and a score the fewest that reach
its threshold. Every leaf counts for itself, also where the same word stands twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from monitor.topics.canonical import canonical
from monitor.topics.explain import Part
from monitor.topics.tree import And, AtLeast, In, Not, Or, Score, Zone


@dataclass(frozen=True, slots=True)
class Change:
    """One leaf that would have to be there, or not to be there; any one of `parts` will do."""

    present: bool
    parts: tuple[Part, ...]


Changes: TypeAlias = tuple[Change, ...]


def changes(part: Part, wanted: bool = True) -> Changes:
    """Return the fewest changes of leaves with which `part` is as `wanted`; none where it is so."""
    if part.holds is wanted:
        return ()
    if part.is_leaf:
        return (Change(wanted, (part,)),)
    match part.node:
        case Not():
            return changes(part.items[0], not wanted)
        case AtLeast(count):
            there = sum(item.holds for item in part.items)
            return _cheapest(part.items, wanted, count - there if wanted else there - count + 1)
        case And():
            return _cheapest(part.items, wanted, None if wanted else 1)
        case Or():
            return _cheapest(part.items, wanted, 1 if wanted else None)
        case Score(threshold, parts):
            return _scored(part.items, [weight for weight, _ in parts], threshold, wanted)
        case _:  # In and Use are what they hold
            return changes(part.items[0], wanted)


def _cheapest(items: Sequence[Part], wanted: bool, number: int | None) -> Changes:
    """Return what makes so many more of the items as wanted, or all of them."""
    found = [changes(item, wanted) for item in items if item.holds is not wanted]
    if number is None or number == len(found):
        return tuple(chain.from_iterable(found))
    found.sort(key=len)
    if number > 1:
        return tuple(chain.from_iterable(found[:number]))
    return _either(found) if len(found[0]) == 1 else found[0]


def _either(found: Sequence[Changes]) -> Changes:
    """Return the single changes as alternatives, as none of them is better than the others."""
    single = [each[0] for each in found if len(each) == 1]
    alike = [change for change in single if change.present is single[0].present]
    return (Change(alike[0].present, tuple(chain.from_iterable(each.parts for each in alike))),)


def _scored(items: Sequence[Part], weights: Sequence[int], threshold: int, wanted: bool) -> Changes:
    """Return the fewest changes that bring a score to its threshold, or below it.

    A knapsack over the number of changes: `best[n]` is the most that n changes gain, and by which
    items. There are at most as many changes as leaves, so this is quick whatever the weights.
    """
    score = sum(weight for weight, item in zip(weights, items, strict=True) if item.holds)
    needed = threshold - score if wanted else score - threshold + 1
    best: dict[int, tuple[int, Changes]] = {0: (0, ())}
    enough: list[Changes] = []
    for weight, item in zip(weights, items, strict=True):
        gain = -weight if item.holds else weight
        gain = gain if wanted else -gain
        if gain <= 0:
            continue
        made = changes(item, not item.holds)
        enough += [made] if gain >= needed and len(made) == 1 else []
        for cost, (sum_, taken) in sorted(best.items(), reverse=True):
            more = (sum_ + gain, taken + made)
            if more[0] > best.get(cost + len(made), (0, ()))[0]:
                best[cost + len(made)] = more
    if enough:
        return _either(enough)
    reached = [cost for cost, (sum_, _) in best.items() if sum_ >= needed]
    return best[min(reached)][1]


def told(change: Change, most: int = 6) -> str:
    """Return a change as a sentence without a full stop, with at most so many alternatives."""
    names = list(dict.fromkeys(named(part) for part in change.parts))
    more = len(names) - most
    if more > 0:
        names = [*names[:most], f"{more} more"]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
    missing = "would have to be there" if change.present else "would have to be absent"
    notes = {part.note for part in change.parts if part.note} if len(change.parts) == 1 else set()
    return f"{listed} {missing}" + "".join(f" ({note})" for note in notes)


def named(part: Part) -> str:
    """Return a leaf's text with the zone that it is looked for in."""
    return part.text if part.zone is Zone.TEXT else canonical(In(part.zone, part.node))
