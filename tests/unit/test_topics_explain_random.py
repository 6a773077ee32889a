"""Explanations of queries and articles made by chance: true, complete, and never an error."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from monitor.cli.topics.tree import as_json, tree_of
from monitor.events import dump
from monitor.topics.explain import Part, explain
from monitor.topics.highlights import deciding, passages, pieces, quotation, ranges
from monitor.topics.nearmiss import changes, told
from monitor.topics.text import Text
from monitor.topics.tree import And, AtLeast, Not, Or, Score
from tests.support.queries import some_article, some_node
from tests.support.reference import reference_holds

CHANCE = st.randoms(use_true_random=False)


def all_parts(part: Part) -> Iterator[Part]:
    yield part
    for item in part.items:
        yield from all_parts(item)


def truth(part: Part, changed: set[int]) -> bool:
    """Return whether a part would hold if these leaves (by identity) were the other way round."""
    if part.is_leaf:
        return part.holds is not (id(part) in changed)
    below = [truth(item, changed) for item in part.items]
    match part.node:
        case And():
            return all(below)
        case Or():
            return any(below)
        case Not():
            return not below[0]
        case AtLeast(count):
            return sum(below) >= count
        case Score(threshold, parts):
            return sum(w for (w, _), holds in zip(parts, below, strict=True) if holds) >= threshold
        case _:
            return below[0]


@settings(max_examples=400, deadline=None)
@given(chance=CHANCE)
def test_it_says_what_the_reference_says(chance: Random) -> None:
    node, article = some_node(chance), some_article(chance)
    part = explain(node, Text.of(article))
    assert part.holds is reference_holds(node, article)
    for each in all_parts(part):
        assert each.holds is truth(each, set())
        for place in each.places:
            assert 0 <= place.start < place.end <= len(place.raw) or not place.raw


@settings(max_examples=400, deadline=None)
@given(chance=CHANCE)
def test_the_changes_that_are_missing_would_do_it(chance: Random) -> None:
    node, article = some_node(chance), some_article(chance)
    part = explain(node, Text.of(article))
    found = changes(part, not part.holds)
    for position in (0, -1):
        chosen = [change.parts[position] for change in found]
        assert all(
            change.present is not leaf.holds for change, leaf in zip(found, chosen, strict=True)
        )
        assert truth(part, {id(leaf) for leaf in chosen}) is not part.holds
    assert all(told(change) for change in found)


@settings(max_examples=200, deadline=None)
@given(chance=CHANCE)
def test_it_can_always_be_shown(chance: Random) -> None:
    article = some_article(chance)
    part = explain(some_node(chance), Text.of(article))
    places = list(passages(part))
    for segment, text in (("title", article.title), ("body", article.body)):
        cut = pieces(text, ranges(places, segment))
        assert "".join(piece for piece, _ in cut) == text
    assert all("\n" not in quotation(place).passage for place in places)
    assert all(leaf.is_leaf and leaf.holds for leaf in deciding(part))
    assert dump(as_json(part))
    console = Console(width=60, quiet=True)
    for everything in (True, False):
        console.print(tree_of(part, 60, everything=everything))
