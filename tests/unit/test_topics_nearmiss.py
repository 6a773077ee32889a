"""The smallest set of changes with which a query would hold."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.topics.explain import Part, explain
from monitor.topics.nearmiss import Change, changes, told
from monitor.topics.query import parse
from monitor.topics.text import Text
from monitor.topics.tree import And, AtLeast, Node, Not, Or, Score, Term, Zone
from tests.support.articles import an_article


def miss(query: str, body: str, title: str = "") -> list[str]:
    article = an_article(title=title, body=body)
    return [told(change) for change in changes(explain(parse(query).root, Text.of(article)))]


@pytest.mark.parametrize(
    ("query", "body", "expected"),
    [
        ("a", "a", []),
        ("sco defence", "the defence", ["sco would have to be there"]),
        (
            "sco defence minister",
            "sco",
            ["defence would have to be there", "minister would have to be there"],
        ),
        ("sco OR nato OR csto", "x", ["sco, nato or csto would have to be there"]),
        ("(sco defence) OR (nato summit)", "nato", ["summit would have to be there"]),
        ("sco NOT unix", "sco unix", ["unix would have to be absent"]),
        (
            "sco NOT (unix OR linux)",
            "sco unix linux",
            ["unix would have to be absent", "linux would have to be absent"],
        ),
        ("sco NOT (unix linux)", "sco unix linux", ["unix or linux would have to be absent"]),
        ("title:sco", "sco", ["title:sco would have to be there"]),
        (
            "atleast(3, sco, nato, csto, asean)",
            "sco",
            ["nato would have to be there", "csto would have to be there"],
        ),
        ("atleast(2, sco, nato, csto)", "sco", ["nato or csto would have to be there"]),
        ("score>=5:(3*sco 2*nato 5*csto)", "sco", ["nato or csto would have to be there"]),
        ("score>=5:(3*sco 1*nato 2*csto)", "sco", ["csto would have to be there"]),
        ("score>=4:(1*sco 1*nato 4*csto)", "x", ["csto would have to be there"]),
        ("score>=3:(3*sco -2*unix)", "sco unix", ["unix would have to be absent"]),
    ],
)
def test_the_fewest_changes(query: str, body: str, expected: list[str]) -> None:
    assert miss(query, body) == expected


def test_what_is_nearly_there_is_told() -> None:
    (phrase,) = miss('"defence ministers"', "ministers of defence")
    assert phrase.endswith("(its words are there, but not like this)")
    (near,) = miss("sco NEAR/1 defence", "sco has no other defence")
    assert near.endswith("(both are there, 3 words apart at the nearest)")
    (often,) = miss("repeat(3, drone)", "drone and drone")
    assert often.endswith("(2 of 3)")
    (field,) = miss("source:bbc a", "a")
    assert field.endswith("(the source is wire)")


def test_many_alternatives_are_cut_short() -> None:
    names = [f"word{number}" for number in range(10)]
    (sentence,) = miss(" OR ".join(names), "x")
    assert sentence == ("word0, word1, word2, word3, word4, word5 or 4 more would have to be there")


# Queries over leaves that all differ, so that a change of one leaf is a change of the article.


def leaf(number: int) -> Node:
    return Term(f"w{number}")


def shapes(below: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(below, min_size=2, max_size=4).map(tuple)
    three = st.lists(below, min_size=3, max_size=4).map(tuple)
    weights = st.sampled_from([-3, -1, 1, 2, 4])
    return st.one_of(
        several.map(And),
        several.map(Or),
        below.map(Not),
        three.map(lambda items: AtLeast(2, items)),
        st.lists(st.tuples(weights, below), min_size=2, max_size=4)
        .filter(lambda parts: any(weight > 0 for weight, _ in parts))
        .map(lambda parts: Score(1, tuple(parts))),
    )


QUERIES = st.recursive(st.just(Term("w")), shapes, max_leaves=7)


def part_of(node: Node, there: frozenset[int], names: list[int]) -> Part:
    """Return an explanation in which the leaves with these numbers hold; all leaves are apart."""

    def made(node: Node, holds: bool, items: tuple[Part, ...]) -> Part:
        return Part(node, Zone.TEXT, "", holds, items)

    match node:
        case And(items) | Or(items) | AtLeast(_, items):
            parts = tuple(part_of(item, there, names) for item in items)
        case Not(item):
            parts = (part_of(item, there, names),)
        case Score(_, weighted):
            parts = tuple(part_of(item, there, names) for _, item in weighted)
        case _:
            number = len(names)
            names.append(number)
            return replace(made(leaf(number), number in there, ()), text=f"w{number}")
    return made(node, truth(node, [part.holds for part in parts]), parts)


def truth(node: Node, below: list[bool]) -> bool:
    match node:
        case And():
            return all(below)
        case Or():
            return any(below)
        case Not():
            return not below[0]
        case AtLeast(count):
            return sum(below) >= count
        case Score(threshold, weighted):
            pairs = zip(weighted, below, strict=True)
            return sum(weight for (weight, _), holds in pairs if holds) >= threshold
    raise AssertionError(node)


def fewest(node: Node, there: frozenset[int], leaves: int, wanted: bool) -> int:
    """Return the size of the smallest change by trying all."""
    for size in range(leaves + 1):
        for flipped in combinations(range(leaves), size):
            if part_of(node, there ^ frozenset(flipped), []).holds is wanted:
                return size
    raise AssertionError("no change will do")


@settings(max_examples=300, deadline=None)
@given(node=QUERIES, there=st.frozensets(st.integers(0, 6)), wanted=st.booleans())
def test_the_changes_are_the_fewest_and_they_do_it(
    node: Node, there: frozenset[int], wanted: bool
) -> None:
    names: list[int] = []
    part = part_of(node, there, names)
    there = there & frozenset(names)
    found = changes(part, wanted)
    assert len(found) == fewest(node, there, len(names), wanted)
    assert all(each.present is not any(p.holds for p in each.parts) for each in found)
    for position in (0, -1):
        flipped = frozenset(int(each.parts[position].text[1:]) for each in found)
        assert part_of(node, there ^ flipped, []).holds is wanted


def test_a_change_of_several_parts_is_one_of_them() -> None:
    part = part_of(Or((leaf(0), leaf(1))), frozenset(), [])
    assert changes(part) == (Change(True, part.items),)
