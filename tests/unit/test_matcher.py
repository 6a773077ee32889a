"""The matcher equals a slow reading of the same queries, whatever the topics and the articles."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.model import Article, Topic
from monitor.topics.evaluate import holds
from monitor.topics.matcher import Finder, Matcher, fastest, frequencies_of
from monitor.topics.patterns import Patterns
from monitor.topics.plain import PlainFinder
from monitor.topics.query import parse
from monitor.topics.text import Text
from monitor.topics.tree import Node
from tests.support.articles import an_article
from tests.support.matchers import matcher_of
from tests.support.queries import some_article, some_node
from tests.support.reference import reference_holds

PAIRS = int(os.environ.get("MONITOR_TEST_MATCHES", "10000"))
"""Pairs of a query and an article that are looked at: 1,000,000 take a quarter of an hour."""
QUERIES_AT_ONCE, ARTICLES_AT_ONCE = 10, 10

FINDERS = [
    pytest.param(PlainFinder, id="plain"),
    pytest.param(
        fastest,
        id="fast",
        marks=pytest.mark.skipif(not find_spec("numba"), reason="needs Numba, of the extra 'fast'"),
    ),
]


def topics_of(article: Article, **queries: str) -> tuple[str, ...]:
    topics = [Topic(id=name, name=name, query=query) for name, query in queries.items()]
    (found,) = matcher_of(topics).match([article])
    return found


@pytest.mark.parametrize("finder", FINDERS)
@settings(
    max_examples=PAIRS // (QUERIES_AT_ONCE * ARTICLES_AT_ONCE),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.randoms(use_true_random=False), st.booleans())
def test_the_matcher_equals_the_slow_reading(
    finder: Callable[[Patterns], Finder], chance: Random, informed: bool
) -> None:
    queries = [some_node(chance) for _ in range(QUERIES_AT_ONCE)]
    articles = [some_article(chance) for _ in range(ARTICLES_AT_ONCE)]
    matcher = Matcher(frequencies_of(articles) if informed else {}, finder)
    for number, query in enumerate(queries):
        matcher.put(f"t{number}", query)
    held = [[reference_holds(query, article) for query in queries] for article in articles]
    assert matcher.match(articles) == [_names(row) for row in held]
    for number in range(0, len(queries), 2):
        matcher.drop(f"t{number}")
        matcher.put(f"t{number}", queries[number - 1], 2)
        for row in held:
            row[number] = row[number - 1]
    assert matcher.match(articles) == [_names(row) for row in held]


def _names(row: Sequence[bool]) -> tuple[str, ...]:
    return tuple(f"t{number}" for number, holds in enumerate(row) if holds)


@pytest.mark.parametrize("finder", FINDERS)
def test_thousands_of_topics_come_and_go(finder: Callable[[Patterns], Finder]) -> None:
    chance = Random(5)
    vocabulary = [f"w{number}" for number in range(1500)]

    def query() -> str:
        a, b, c, d, e = chance.sample(vocabulary, 5)
        return chance.choice(
            [f'({a} OR "{b} {c}") {d} -{e}', f"title:{a}", f'title:"{a} {b}"', f"w{a[-1]}{b[1:3]}*"]
        )

    articles = [
        an_article(title=" ".join(words[:50]), body=" ".join(words[50:]))
        for words in (chance.choices(vocabulary, k=700) for _ in range(4))
    ]
    matcher = Matcher({}, finder)
    queries: dict[str, Node] = {}
    for step in range(6000):
        name = str(chance.randrange(3000))
        if chance.random() < 0.2:
            matcher.drop(name)
            queries.pop(name, None)
        else:
            queries[name] = parse(query()).root
            matcher.put(name, queries[name])
        if step % 1500 == 1499:
            assert matcher.match(articles) == [
                tuple(sorted(name for name, root in queries.items() if holds(root, text)))
                for text in map(Text.of, articles)
            ]
    assert all(matcher.match(articles))


def test_no_topics_and_no_articles() -> None:
    assert matcher_of([]).match([an_article()]) == [()]
    assert matcher_of([Topic(id="t", name="", query="a")]).match([]) == []


def test_the_ids_are_sorted() -> None:
    assert topics_of(an_article(title="storm"), b="storm", c="harbour", a="storm") == (
        "a",
        "b",
        "c",
    )


def test_title_summary_and_body_are_searched_but_nothing_else() -> None:
    article = an_article(
        title="one", summary="two", body="three", categories=("four",), authors=("five",)
    )
    found = topics_of(article, all="one two three", categories="four", authors="five")
    assert found == ("all",)


def test_a_phrase_does_not_cross_from_one_field_into_the_next() -> None:
    article = an_article(title="defence", summary="minister", body="of defence\n\nminister")
    found = topics_of(
        article, t='"defence minister of"', s='"minister of"', b='"of defence minister"'
    )
    assert found == ("b",)


def test_a_phrase_is_of_whole_words() -> None:
    article = an_article(title="warm ate", body="")
    assert topics_of(article, part='"arm ate"', end='"warm at"', whole='"warm ate"') == ("whole",)


def test_title_looks_at_the_title_alone() -> None:
    article = an_article(title="Storm", body="harbour reopened")
    found = topics_of(
        article,
        here="title:storm harbour",
        there="title:harbour",
        absent="storm -title:harbour",
        phrase='title:"harbour reopened"',
    )
    assert found == ("absent", "here")


def test_case_hyphens_and_possessives_do_not_count() -> None:
    article = an_article(title="Russia’s DEFENCE-Minister", body="")
    assert topics_of(article, t='"russia defence minister"') == ("t",)


def test_a_topic_is_dropped_and_its_version_known() -> None:
    matcher = matcher_of([Topic(id="t", name="", query="storm", version=3)])
    assert matcher.version_of("t") == 3
    assert matcher.match([an_article(title="storm")]) == [("t",)]
    matcher.drop("t")
    assert matcher.match([an_article(title="storm")]) == [()]
    assert len(matcher) == 0
