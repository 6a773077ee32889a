"""A query's tree in the terminal: what holds, what each part matched, and what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from rich.tree import Tree

from monitor.cli.output import counted, plain
from monitor.topics.explain import Part, Place
from monitor.topics.highlights import deciding, quotation
from monitor.topics.nearmiss import changes
from monitor.topics.tree import And, AtLeast, In, Not, Or, Score, Use

SHOWN = 6
"""Parts of an OR and the like that are shown where most say nothing."""
QUOTED = 2
"""Places of one part that are quoted."""
WIDTH = 120
"""Columns where the output is no terminal."""
LEAST = 12
"""Characters around a passage that a deep tree leaves at least."""


@dataclass(frozen=True, slots=True)
class _View:
    """How a tree is shown. `missed` where the whole query is not as it is wanted: then what is as
    wanted is told in one line, and what is not has all the room."""

    width: int
    everything: bool
    missed: bool


def tree_of(part: Part, width: int, *, everything: bool = False) -> Tree:
    """Return the tree of an explanation; without `everything` it is cut to what tells something."""
    tree = Tree(_label(part, True), guide_style="dim")
    _grow(tree, part, True, 1, _View(width, everything, missed=not part.holds))
    return tree


def _grow(tree: Tree, part: Part, wanted: bool, depth: int, view: _View) -> None:
    below = wanted is not isinstance(part.node, Not)
    if not view.everything and view.missed and part.holds is wanted:
        return
    if part.is_leaf:
        for place in part.places if view.everything else part.places[:QUOTED]:
            tree.add(_quoted(place, view.width - 4 * depth))
        if not view.everything and len(part.places) > QUOTED:
            more = counted(len(part.places) - QUOTED, "more place")
            tree.add(Text(f"… {more}", style="dim"))
        # The sides of a proximity say something only where the two do not come together.
        if part.holds:
            return
    shown = list(range(len(part.items))) if view.everything else _telling(part, wanted)
    for number in shown:
        item = part.items[number]
        label = _label(item, below, _weight(part, number))
        if view.missed and not view.everything and item.holds is below:
            label.append(_summary(item), style="dim")
        _grow(tree.add(label), item, below, depth + 1, view)
    if len(shown) < len(part.items):
        tree.add(Text(_rest(part, shown), style="dim"))


def _telling(part: Part, wanted: bool) -> list[int]:
    """Return which items are shown: those that decide, and where none does the nearest ones."""
    numbers = range(len(part.items))
    holding = [number for number in numbers if part.items[number].holds]
    rest = [number for number in numbers if not part.items[number].holds]
    match part.node:
        case And():
            return rest if not part.holds and not wanted else list(numbers)
        case Or() if part.holds:
            return holding[:SHOWN]
        case Or() if not wanted:
            return rest if len(rest) == 1 else []
        case Or() | AtLeast() | Score():
            if len(rest) > SHOWN:
                rest = sorted(rest, key=lambda number: len(changes(part.items[number])))[:SHOWN]
            return sorted(holding + rest)
        case _:
            return list(numbers)


def _rest(part: Part, shown: Sequence[int]) -> str:
    """Return what became of the items that are not shown."""
    rest = [item for number, item in enumerate(part.items) if number not in shown]
    if any(item.holds for item in rest):
        return f"… {len(rest)} more, which change nothing"
    if shown:
        return f"… {len(rest)} more, {'not' if len(rest) == 1 else 'none of them'} there"
    return f"none of {len(rest)}: {_listed([plain(item.text) for item in rest])}"


def _summary(part: Part) -> str:
    """Return by what a part holds, on one line."""
    leaves = list(dict.fromkeys(plain(leaf.text) for leaf in deciding(part)))
    return "" if part.is_leaf or not leaves else f"  {_listed(leaves)}"


def _listed(texts: Sequence[str]) -> str:
    short = [text if len(text) <= 40 else text[:39] + "…" for text in texts[:SHOWN]]
    return ", ".join(short) + (", …" if len(texts) > SHOWN else "")


def _label(part: Part, wanted: bool, weight: int | None = None) -> Text:
    good = part.holds is wanted
    label = Text()
    label.append("✓ " if part.holds else "✗ ", style="green" if good else "red")
    if weight is not None:
        label.append(f"{weight}* ", style="dim")
    label.append(plain(_name(part)), style="bold" if not part.is_leaf else "")
    told = [part.note] if part.note else []
    if len(part.places) > 1:
        told.append(f"{len(part.places)} places")
    if told:
        label.append("  " + ", ".join(told), style="dim")
    return label


def _name(part: Part) -> str:
    match part.node:
        case And():
            return "AND"
        case Or():
            return "OR"
        case Not():
            return "NOT"
        case AtLeast(count):
            return f"atleast {count}"
        case Score(threshold):
            return f"score>={threshold}"
        case In(zone):
            return f"{zone.value}:"
        case Use(name):
            return f"@{name}"
        case _:
            return part.text


def _weight(part: Part, number: int) -> int | None:
    return part.node.parts[number][0] if isinstance(part.node, Score) else None


def _quoted(place: Place, width: int) -> Text:
    """Return a passage with what stands around it; it is marked also where there are no colours."""
    room = width - len(place.segment) - (place.end - place.start) - 8
    found = quotation(place, max(LEAST, room // 2))
    text = Text(f"{place.segment}: ", style="dim")
    text.append(plain(found.before), style="not dim")
    text.append(f"[{plain(found.passage)}]", style="not dim bold yellow")
    text.append(plain(found.after), style="not dim")
    return text


def as_json(part: Part) -> dict[str, object]:
    """Return an explanation for programs: places count characters in the segment's text."""
    found: dict[str, object] = {
        "part": part.text,
        "kind": type(part.node).__name__.lower(),
        "holds": part.holds,
    }
    if part.note:
        found["note"] = part.note
    if part.places:
        found["places"] = [_place(place) for place in part.places]
    if part.items:
        found["parts"] = [as_json(item) for item in part.items]
    return found


def _place(place: Place) -> dict[str, object]:
    quote = quotation(place)
    return {
        "in": place.segment,
        "start": place.start,
        "end": place.end,
        "text": quote.passage,
        "before": quote.before,
        "after": quote.after,
    }
