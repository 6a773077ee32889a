"""The matcher equals a slow reading of the same queries, whatever the topics and the articles."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Article, Topic
from monitor.text.words import words
from monitor.topics.matcher import Matcher
from monitor.topics.query import (
    And,
    InTitle,
    Node,
    Not,
    Or,
    Phrase,
    QueryError,
    Term,
    parse,
)
from tests.support.articles import an_article


def topics_of(article: Article, **queries: str) -> tuple[str, ...]:
    topics = [Topic(id=name, name=name, query=query) for name, query in queries.items()]
    (found,) = Matcher(topics).match([article])
    return found


def holds(node: Node, fields: Sequence[list[str]]) -> bool:
    """Say whether a query holds of fields, word by word: slow and plain. The first is the title."""
    match node:
        case Term(word):
            return any(word in field for field in fields)
        case Phrase(parts):
            size = len(parts)
            return any(
                tuple(field[start : start + size]) == parts
                for field in fields
                for start in range(len(field))
            )
        case InTitle(item):
            return holds(item, fields[:1])
        case Not(item):
            return not holds(item, fields)
        case And(items):
            return all(holds(item, fields) for item in items)
        case Or(items):
            return any(holds(item, fields) for item in items)


WORDS = ["a", "b", "c", "ab", "don't", "会"]
TEXTS = st.lists(st.sampled_from([*WORDS, "A", "B-c", "a.", "\n", "x"]), max_size=6).map(" ".join)
ARTICLES = st.builds(an_article, title=TEXTS, summary=TEXTS, body=TEXTS)
QUERIES = st.recursive(
    st.sampled_from(WORDS)
    | st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(
        lambda found: f'"{" ".join(found)}"'
    ),
    lambda inner: st.one_of(
        inner.map("title:({})".format),
        inner.map("NOT ({})".format),
        st.tuples(inner, inner).map(lambda pair: "({}) AND ({})".format(*pair)),
        st.tuples(inner, inner, inner).map(lambda three: "({}) OR ({}) OR ({})".format(*three)),
    ),
    max_leaves=10,
)


@given(st.lists(QUERIES, max_size=8), st.lists(ARTICLES, max_size=4))
def test_the_matcher_equals_the_slow_reading(queries: list[str], articles: list[Article]) -> None:
    topics = []
    for number, query in enumerate(queries):
        try:
            parse(query)
        except QueryError:  # would match an empty article
            continue
        topics.append(Topic(id=f"t{number}", name="", query=query))
    expected = [
        tuple(
            topic.id
            for topic in topics
            if holds(
                parse(topic.query).root,
                [words(article.title), words(article.summary), words(article.body)],
            )
        )
        for article in articles
    ]
    assert Matcher(topics).match(articles) == expected


def test_no_topics_and_no_articles() -> None:
    assert Matcher([]).match([an_article()]) == [()]
    assert Matcher([Topic(id="t", name="", query="a")]).match([]) == []


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
        Matcher([Topic(id="bad", name="", query="a AND")])
    assert caught.value.column == 3
