"""What the finder in machine code does when its tables fill, and when it has read for long."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("numba", reason="needs Numba, of the extra 'fast'")

from monitor.topics import fast
from monitor.topics.matcher import MANY, Matcher, finder_for
from monitor.topics.patterns import Patterns
from monitor.topics.plain import PlainFinder
from monitor.topics.query import parse
from monitor.topics.tables import SMALLEST, Lists, Pairs, WordTable
from tests.support.articles import an_article


def matcher_of(**queries: str) -> Matcher:
    matcher = Matcher({}, fast.FastFinder)
    for name, query in queries.items():
        matcher.put(name, parse(query).root)
    return matcher


def test_it_is_taken_where_there_are_queries_enough() -> None:
    assert finder_for(MANY - 1) is PlainFinder
    assert isinstance(finder_for(MANY)(Patterns({})), fast.FastFinder)


def test_words_that_no_query_names_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "MOST_WORDS", 10)
    matcher = matcher_of(prefix="stor*", both="stor* harbour")
    for number in range(20):
        filling = " ".join(f"filling{number}n{place} storey{number}" for place in range(5))
        assert matcher.match([an_article(title="storm", body=filling)]) == [("prefix",)]
        assert matcher.match([an_article(title="x", body=f"{filling} harbour")]) == [
            ("both", "prefix")
        ]
        assert matcher.match([an_article(title="x", body="harbour")]) == [()]


def test_words_are_tried_by_how_they_begin_as_far_as_that_is_known() -> None:
    articles = [an_article(title="storm harbour ye", body="élan élans")]
    matcher = matcher_of(accents="ela*", other="sto?y", long="harbo*r", longer="harbours*")
    assert matcher.match(articles) == [("accents", "long")]
    matcher.put("fitting", parse("st*rm").root)
    assert matcher.match(articles) == [("accents", "fitting", "long")]
    matcher.put("misspelt", parse("harbor~1").root)
    assert matcher.match(articles) == [("accents", "fitting", "long", "misspelt")]


def test_a_query_may_name_a_word_that_was_only_read_so_far() -> None:
    matcher = matcher_of(prefix="stor*")
    articles = [an_article(title="storm harbour", body="")]
    assert matcher.match(articles) == [("prefix",)]
    matcher.put("word", parse("harbour").root)
    matcher.put("fitting", parse("storm").root)
    matcher.put("shorter", parse("harb*").root)
    assert matcher.match(articles) == [("fitting", "prefix", "shorter", "word")]


def test_the_stamps_of_articles_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "LAST_ARTICLE", 3)
    matcher = matcher_of(storm="storm", harbour="harbour", both="storm harbour")
    for _ in range(5):
        assert matcher.match([an_article(title="storm", body="")]) == [("storm",)]
        assert matcher.match([an_article(title="harbour", body="")]) == [("harbour",)]


def test_an_article_longer_than_any_before() -> None:
    matcher = matcher_of(last="wanted", phrase='"one two three"', near="one NEAR/2 wanted")
    for length in (10, 5_000, 100):
        article = an_article(title="x", body="a " * length + "one two three wanted")
        assert matcher.match([article]) == [("last", "near", "phrase")]


lists = st.lists(st.integers(0, 9), max_size=40)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0, 1, 2, 5, SMALLEST + 3]), lists)))
def test_lists_keep_what_is_put_into_them(steps: list[tuple[bool, int, list[int]]]) -> None:
    tested, expected = Lists(), dict[int, list[int]]()
    for adding, at, items in steps * 5:
        if adding:
            tested.add(at, items)
            expected[at] = expected.get(at, []) + items
        else:
            tested.put(at, items)
            expected[at] = items
        assert tested.get(at).tolist() == expected[at]
    for at, items in expected.items():
        assert tested.get(at).tolist() == items


def test_what_lists_leave_behind_is_used_again() -> None:
    tested = Lists()
    for size in chain(range(1, 300), range(300)):
        for at in range(3):
            tested.add(at, [size])
            tested.put(at + 10, range(size % 50))
    assert len(tested.items) <= 8 * SMALLEST
    assert tested.get(2).tolist() == [*range(1, 300), *range(300)]


def test_words_and_pairs_are_told_apart() -> None:
    words, pairs = WordTable(), Pairs()
    for number in range(1, 5_000):
        words.put(b"%d" % number, number)
        pairs.put(number % 70, number // 70, number)
    for number in range(1, 5_000):
        assert words.key_of(b"%d" % number) == number
        assert pairs.get(number % 70, number // 70) == number
    assert words.key_of(b"5000") == -1
    assert pairs.get(70, 0) == 0
