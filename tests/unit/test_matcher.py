"""The matcher equals a slow reading of the same queries, whatever the topics and the articles."""

from __future__ import annotations

import os
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.model import Article, Topic
from monitor.topics.compile import matcher_of
from monitor.topics.matcher import Matcher, frequencies_of
from monitor.topics.query import QueryError
from tests.support.articles import an_article
from tests.support.queries import some_article, some_node
from tests.support.reference import reference_holds

PAIRS = int(os.environ.get("MONITOR_TEST_MATCHES", "10000"))
"""Pairs of a query and an article that are looked at: 1,000,000 take a quarter of an hour."""
QUERIES_AT_ONCE, ARTICLES_AT_ONCE = 10, 10


def topics_of(article: Article, **queries: str) -> tuple[str, ...]:
    topics = [Topic(id=name, name=name, query=query) for name, query in queries.items()]
    (found,) = matcher_of(topics).match([article])
    return found


@settings(
    max_examples=PAIRS // (QUERIES_AT_ONCE * ARTICLES_AT_ONCE),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.randoms(use_true_random=False), st.booleans())
def test_the_matcher_equals_the_slow_reading(chance: Random, informed: bool) -> None:
    queries = [some_node(chance) for _ in range(QUERIES_AT_ONCE)]
    articles = [some_article(chance) for _ in range(ARTICLES_AT_ONCE)]
    matcher = Matcher(frequencies_of(articles) if informed else {})
    for number, query in enumerate(queries):
        matcher.put(f"t{number}", query)
    expected = [
        tuple(f"t{n}" for n, query in enumerate(queries) if reference_holds(query, article))
        for article in articles
    ]
    assert matcher.match(articles) == expected
    for number in range(0, len(queries), 2):
        matcher.drop(f"t{number}")
        matcher.put(f"t{number}", queries[number - 1], 2)
    queries[::2] = [queries[number - 1] for number in range(0, len(queries), 2)]
    expected = [
        tuple(f"t{n}" for n, query in enumerate(queries) if reference_holds(query, article))
        for article in articles
    ]
    assert matcher.match(articles) == expected


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


def test_a_topic_whose_query_does_not_hold_is_named() -> None:
    with pytest.raises(QueryError, match=r"^topic 'bad': column 3: AND needs") as caught:
        matcher_of([Topic(id="bad", name="", query="a AND")])
    assert caught.value.column == 3


def test_a_topic_is_dropped_and_its_version_known() -> None:
    matcher = matcher_of([Topic(id="t", name="", query="storm", version=3)])
    assert matcher.version_of("t") == 3
    assert matcher.match([an_article(title="storm")]) == [("t",)]
    matcher.drop("t")
    assert matcher.match([an_article(title="storm")]) == [()]
    assert len(matcher) == 0
