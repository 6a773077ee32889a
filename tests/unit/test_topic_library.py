"""The shipped topics do what is expected of them, and so do those that a user has added."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.cli.topics.reading import article_of
from monitor.declarations import read_topics
from monitor.model import Article, Topic
from monitor.topics.advice import surprises
from monitor.topics.compile import compile_topics
from tests.support.matchers import matcher_of

CONFIG = Path(__file__).parents[2] / "config"
TOPICS, LISTS = read_topics(CONFIG, lambda *_: {}, [])
MATCHER = matcher_of(TOPICS, LISTS)
LEAST = 5


def article(entry: str) -> Article:
    """Return the article of an expectation: a file, or a text."""
    content = (CONFIG / entry).read_bytes() if entry.endswith(".txt") else entry.encode()
    found = article_of(content, entry)
    assert not found.problems
    return found.articles[0]


def test_there_are_many_and_each_has_expectations_enough() -> None:
    thorough = [
        topic
        for topic in TOPICS
        if min(len(topic.expect.match), len(topic.expect.no_match)) >= LEAST
    ]
    assert len(thorough) > 30


def test_nothing_surprises_in_them() -> None:
    queries = compile_topics(TOPICS, LISTS).queries
    assert [told for topic in TOPICS for told in surprises(queries[topic.id], topic.query)] == []


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.id)
def test_a_topic_matches_what_it_should_and_no_more(topic: Topic) -> None:
    wanted = [article(entry) for entry in topic.expect.match]
    unwanted = [article(entry) for entry in topic.expect.no_match]
    found = {item.title for item in wanted + unwanted if topic.id in MATCHER.match([item])[0]}
    assert found == {item.title for item in wanted}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.id)
def test_the_canonical_text_is_the_same_query(topic: Topic) -> None:
    compiled = compile_topics(TOPICS, LISTS)
    query = compiled.queries[topic.id]
    again = Topic(id="again", name="", query=str(query))
    assert compile_topics([*TOPICS, again], LISTS).queries["again"] == query
