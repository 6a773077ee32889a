"""Topics tested like code: articles that each one must match, and articles that it must not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.model import Article
from monitor.topics.evaluate import holds
from monitor.topics.explain import explain
from monitor.topics.highlights import deciding
from monitor.topics.nearmiss import changes, told
from monitor.topics.text import Text
from monitor.topics.tree import Node

_LABEL = 80
_DETAILS = 8


@dataclass(frozen=True, slots=True)
class Expectation:
    """One entry of `expect`: a file or a text, as the articles that it holds.

    `problem` is a sentence where it holds none that can be read.
    """

    topic: str
    wanted: bool
    entry: str
    articles: tuple[Article, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one article of an expectation.

    `reason` is empty where it is as wanted; `details` say what is missing or what matched.
    """

    topic: str
    wanted: bool
    label: str
    reason: str = ""
    details: tuple[str, ...] = ()
    unreadable: bool = False

    @property
    def passed(self) -> bool:
        """Whether the topic does what is expected of it."""
        return not self.reason


def check(expectation: Expectation, query: Node) -> list[Outcome]:
    """Return an outcome for each article of an expectation of the topic that has this query."""
    label = _short(expectation.entry)
    if expectation.problem:
        return [
            Outcome(
                expectation.topic, expectation.wanted, label, expectation.problem, unreadable=True
            )
        ]
    several = len(expectation.articles) > 1
    return [
        _outcome(
            expectation, query, article, f"{label}: {_short(article.title)}" if several else label
        )
        for article in expectation.articles
    ]


def check_all(expectations: Sequence[Expectation], queries: Mapping[str, Node]) -> list[Outcome]:
    """Return the outcomes of expectations of the topics that have these queries."""
    return [
        outcome
        for expectation in expectations
        for outcome in check(expectation, queries[expectation.topic])
    ]


def _outcome(expectation: Expectation, query: Node, article: Article, label: str) -> Outcome:
    text, wanted = Text.of(article), expectation.wanted
    if holds(query, text) is wanted:
        return Outcome(expectation.topic, wanted, label)
    part = explain(query, text)
    if wanted:
        reason = "must match and does not"
        details = tuple(told(change) for change in changes(part))
    else:
        reason = "must not match and does"
        details = (
            f"matched by {_list(list(dict.fromkeys(leaf.text for leaf in deciding(part))))}",
        )
    return Outcome(expectation.topic, wanted, label, reason, details)


def _list(texts: Sequence[str]) -> str:
    more = len(texts) - _DETAILS
    return ", ".join(texts[:_DETAILS]) + (f" and {more} more" if more > 0 else "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LABEL else line[: _LABEL - 1].rstrip() + "…"
