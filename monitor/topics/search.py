"""How a query looks through an archive: by an index of words first, then by the query itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from monitor.model import Article, SearchPlan
from monitor.topics.evaluate import holds
from monitor.topics.patterns import literal_prefix
from monitor.topics.presearch import PATTERN, TITLE, Clause, necessary
from monitor.topics.shape import parts_of, walk
from monitor.topics.text import Text
from monitor.topics.tree import (
    And,
    Field,
    In,
    Node,
    Not,
    Published,
    Term,
    Use,
    Value,
    Within,
    Zone,
)

SATURATION = 1.2
LENGTH = 0.75
"""`k1` and `b` of BM25 (Robertson and Zaragoza, 2009) as they are mostly set."""
TITLE_COUNTS = 3
"""A word of the title counts as so many of the body."""
_BLANK = Article(
    id="", source="", title="", fetched=datetime.min.replace(tzinfo=UTC), content_hash=""
)


def plan_of(query: Node, now: datetime) -> SearchPlan:
    """Return what an archive needs for a search; `now` is what `in:24h` counts from."""
    clauses = [words for clause in necessary(query, len) if (words := _words_of(clause, query))]
    parts = list(_required(query))
    since, until = _times(parts, now)
    return SearchPlan(
        clauses=tuple(dict.fromkeys(clauses)),
        holds=lambda article: holds(query, Text.of(article, now)),
        source=_test(parts, Field.SOURCE, lambda value: replace(_BLANK, source=value)),
        language=_test(parts, Field.LANGUAGE, lambda value: replace(_BLANK, language=value)),
        since=since,
        until=until,
    )


def _required(query: Node) -> Iterator[Node]:
    """Yield parts that hold of every article of which a query does."""
    match query:
        case And(items):
            for item in items:
                yield from _required(item)
        case Use(_, item):
            yield from _required(item)
        case _:
            yield query


def _test(
    parts: Iterable[Node], field: Field, article_with: Callable[[str], Article]
) -> Callable[[str], bool] | None:
    """Return what the parts that look at one field alone say of its value; None without any."""
    asking = [part for part in parts if _looks_at_only(part, field)]
    if not asking:
        return None

    def fits(value: str) -> bool:
        text = Text.of(article_with(value))
        return all(holds(part, text) for part in asking)

    return fits


def _looks_at_only(part: Node, field: Field) -> bool:
    leaves = [node for node in walk(part) if not parts_of(node)]
    return all(isinstance(leaf, Value) and leaf.field is field for leaf in leaves)


def _times(parts: Iterable[Node], now: datetime) -> tuple[datetime | None, datetime | None]:
    """Return the latest of the starts, and the earliest of the ends."""
    starts, ends = [], []
    for part in parts:
        match part:
            case Published(start, end):
                starts += [start] if start else []
                ends += [end] if end else []
            case Within(seconds):
                starts.append(now - timedelta(seconds=seconds))
    return max(starts, default=None), min(ends, default=None)


def _words_of(clause: Clause, query: Node) -> tuple[str, ...]:
    """Return the words of an index that a clause amounts to, `minist*` for a prefix; none where
    an index of words cannot tell."""
    found: list[str] = []
    for key in clause:
        if key[0] == PATTERN:
            prefix = literal_prefix(key[1:].strip('"'))
            if "*" not in key and "?" not in key:  # a stem, or a misspelt word
                return ()
            found.append(f"{prefix}*")
        else:
            # Of two words that follow each other, both must be there: the longer one is rarer.
            found.append(max(key.removeprefix(TITLE).split(" "), key=len))
    return tuple(found)


def terms_of(query: Node) -> tuple[str, ...]:
    """Return the plain words that speak for an article, none of those that must not be there."""
    match query:
        case Not():
            return ()
        case Use(_, item) | In(_, item):
            return terms_of(item)
        case And(items):
            return tuple(dict.fromkeys(term for item in items for term in terms_of(item)))
        case _:
            return tuple(dict.fromkeys(n.word for n in walk(query) if isinstance(n, Term)))


@dataclass(frozen=True, slots=True)
class Ranking:
    """BM25 over words, from how many of `total` articles have each."""

    counts: Mapping[str, int]
    total: int
    length: float

    def score(self, article: Article) -> float:
        """Return how much an article is on the words: the more, the better."""
        text = Text.of(article)
        title, summary, body = text.segments(Zone.TEXT)
        length = len(title.folded) + len(summary.folded) + len(body.folded)
        score = 0.0
        for term, count in self.counts.items():
            often = TITLE_COUNTS * len(title.at(term)) + len(summary.at(term)) + len(body.at(term))
            rare = math.log(1 + (self.total - count + 0.5) / (count + 0.5))
            damped = SATURATION * (1 - LENGTH + LENGTH * length / (self.length or 1))
            score += rare * often * (SATURATION + 1) / (often + damped)
        return score
