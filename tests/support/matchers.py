"""A matcher of topics as they are declared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.model import Topic, WordList
from monitor.topics.compile import compile_topics
from monitor.topics.matcher import Matcher


def matcher_of(topics: Sequence[Topic], lists: Iterable[WordList] = ()) -> Matcher:
    """Return the matcher of topics, whose queries hold."""
    compiled = compile_topics(topics, lists)
    assert compiled.errors == {}
    matcher = Matcher()
    for topic in topics:
        matcher.put(topic.id, compiled.queries[topic.id].root, topic.version)
    return matcher
