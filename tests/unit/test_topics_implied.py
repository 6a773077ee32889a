"""What one part of a query says of another, against articles made by chance."""

from __future__ import annotations

import time
from itertools import permutations
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.topics.evaluate import holds
from monitor.topics.implied import Implications
from monitor.topics.query import parse
from monitor.topics.text import Text
from monitor.topics.tree import Or, Term, Use
from tests.support.queries import some_article, some_node, some_places


@settings(max_examples=60, deadline=None)
@given(chance=st.randoms(use_true_random=False))
def test_what_is_implied_is_so_in_every_article(chance: Random) -> None:
    nodes = [some_node(chance, 2) for _ in range(8)] + [some_places(chance) for _ in range(8)]
    texts = [Text.of(some_article(chance)) for _ in range(12)]
    for one, other in permutations(nodes, 2):
        if Implications().implies(one, other):
            assert all(holds(other, text) for text in texts if holds(one, text))


def test_something_is_implied() -> None:
    names = {"list": Or((Term("a"), Term("b")))}
    for one, other in (
        ("a", "a OR c"),
        ("a", "@list"),
        ("@list", "a OR b OR c"),
        ('lead:"a b c"', '"b c"~3 AND a'),
        ("title:ministers AND d", "minist* AND shoigu~1 OR title:ministers"),
    ):
        pair = [parse(text, names=names).root for text in (one, other)]
        assert Implications().implies(*pair)
        assert not Implications().implies(*reversed(pair))


def test_long_lists_take_no_long_time() -> None:
    lists = [
        Use(name, Or(tuple(Term(f"{name}{number}") for number in range(20_000)))) for name in "ab"
    ]
    start = time.process_time()
    assert not Implications().implies(*lists)
    assert time.process_time() - start < 1
