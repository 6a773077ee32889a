"""Why an article has its topics: what each of them matched, and its text with that marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from monitor.model import Article
from monitor.topics.explain import Part, explain
from monitor.topics.highlights import Range, deciding, passages, pieces, ranges
from monitor.topics.nearmiss import named
from monitor.topics.text import Text
from monitor.topics.tree import Node

Pieces: TypeAlias = list[tuple[str, bool]]
"""A text cut up: each piece with whether it is marked."""
_TERMS = 12
_GAP = re.compile(r"\n\s*\n|\Z")


@dataclass(frozen=True, slots=True)
class Reason:
    """What of a topic's query was found in the article: at most some terms, and how many more.

    `stale` where the query, as it is now, does not match.
    """

    topic: str
    terms: tuple[str, ...]
    more: int = 0
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Matches:
    """An article's reasons, its title and its paragraphs."""

    reasons: tuple[Reason, ...]
    title: Pieces
    paragraphs: tuple[Pieces, ...]


def matches_of(article: Article, queries: Mapping[str, Node]) -> Matches:
    """Return why an article has its topics, as far as their queries are known."""
    text = Text.of(article)
    parts = {name: explain(queries[name], text) for name in article.topics if name in queries}
    places = [place for part in parts.values() for place in passages(part)]
    shown = "body" if article.body else "summary"
    return Matches(
        reasons=tuple(_reason(name, part) for name, part in parts.items()),
        title=pieces(article.title, ranges(places, "title")),
        paragraphs=tuple(_paragraphs(article.body or article.summary, ranges(places, shown))),
    )


def _reason(topic: str, part: Part) -> Reason:
    terms = tuple(dict.fromkeys(named(leaf) for leaf in deciding(part)))
    return Reason(topic, terms[:_TERMS], max(0, len(terms) - _TERMS), stale=not part.holds)


def _paragraphs(text: str, marked: list[Range]) -> Iterator[Pieces]:
    """Yield the paragraphs of a plain text, which blank lines separate."""
    start = 0
    for gap in _GAP.finditer(text):
        block = text[start : gap.start()]
        if shown := block.strip():
            yield pieces(shown, marked, start + len(block) - len(block.lstrip()))
        start = gap.end()
