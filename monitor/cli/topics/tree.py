"""A query's tree in the terminal: what holds, what each part matched, and what is left out."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from rich.tree import Tree

from monitor.cli.output import plain
from monitor.topics.explain import Part, Place
from monitor.topics.highlights import quotation
from monitor.topics.nearmiss import changes
from monitor.topics.tree import And, AtLeast, In, Not, Or, Score, Use

SHOWN = 6
"""Parts of an OR and the like that are shown where most say nothing."""
QUOTED = 2
"""Places of one part that are quoted."""


def tree_of(part: Part, *, everything: bool = False) -> Tree:
    """Return the tree of an explanation; without `everything` it is cut to what tells something."""
    tree = Tree(_label(part, True), guide_style="dim")
    _grow(tree, part, True, everything)
    return tree


def _grow(tree: Tree, part: Part, wanted: bool, everything: bool) -> None:
    below = wanted is not isinstance(part.node, Not)
    if part.is_leaf:
        for place in part.places if everything else part.places[:QUOTED]:
            tree.add(quoted(place))
        if not everything and len(part.places) > QUOTED:
            tree.add(Text(f"… {len(part.places) - QUOTED} more places", style="dim"))
        # The sides of a proximity say something only where the two do not come together.
        if part.holds:
            return
    shown = list(range(len(part.items))) if everything else _telling(part, below)
    for number in shown:
        item = part.items[number]
        _grow(tree.add(_label(item, below, _weight(part, number))), item, below, everything)
    hidden = len(part.items) - len(shown)
    if hidden:
        tree.add(Text(f"… {hidden} more, {_state_of_rest(part, shown)}", style="dim"))


def _telling(part: Part, wanted: bool) -> list[int]:
    """Return which items are shown: those that decide, and of the rest the nearest ones."""
    places = range(len(part.items))
    if isinstance(part.node, And) or len(part.items) <= 1:
        return list(places)
    holding = [place for place in places if part.items[place].holds]
    rest = [place for place in places if not part.items[place].holds]
    if holding and part.holds:
        return holding if isinstance(part.node, Or) else sorted(holding + rest[:SHOWN])
    if len(rest) > SHOWN:
        rest = sorted(rest, key=lambda place: len(changes(part.items[place])))[:SHOWN]
    return sorted(holding + rest)


def _state_of_rest(part: Part, shown: Sequence[int]) -> str:
    rest = [item for place, item in enumerate(part.items) if place not in shown]
    return "none of them there" if not any(item.holds for item in rest) else "not needed"


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


def quoted(place: Place) -> Text:
    """Return a passage with what stands around it; it is marked also where there are no colours."""
    found = quotation(place)
    text = Text(f"{place.segment}: ", style="dim")
    text.append(plain(found.before))
    text.append(f"[{plain(found.passage)}]", style="bold yellow")
    text.append(plain(found.after))
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
