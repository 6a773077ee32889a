"""A slow reading of queries, word by word, from what the nodes say of themselves.

It shares with the service the cutting into words and the stemmers, and nothing else.
"""

from __future__ import annotations

import fnmatch
import itertools
import re
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

import Stemmer

from monitor.model import Article
from monitor.text.words import exact_words, words
from monitor.topics.tree import (
    And,
    AtLeast,
    Exact,
    Field,
    Fuzzy,
    In,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Published,
    Regex,
    Repeat,
    Score,
    Stem,
    Term,
    Use,
    Value,
    Wildcard,
    Within,
    Word,
    Zone,
)

Tokens = tuple[tuple[str, str], ...]
Place = tuple[int, int, int]

_STEMMERS = {"en": Stemmer.Stemmer("english")}


def reference_holds(node: Node, article: Article, now: datetime | None = None) -> bool:
    """Say whether a query holds of an article."""
    return _holds(node, article, now or article.fetched, Zone.TEXT)


def _holds(node: Node, article: Article, now: datetime, zone: Zone) -> bool:
    match node:
        case Not(item):
            return not _holds(item, article, now, zone)
        case And(items):
            return all([_holds(item, article, now, zone) for item in items])
        case Or(items):
            return any([_holds(item, article, now, zone) for item in items])
        case AtLeast(count, items):
            return len([1 for item in items if _holds(item, article, now, zone)]) >= count
        case Score(threshold, parts):
            return sum(w * _holds(item, article, now, zone) for w, item in parts) >= threshold
        case In(inner, item):
            return _holds(item, article, now, inner)
        case Use(_, item):
            return _holds(item, article, now, zone)
        case Repeat(count, item):
            starts = {(segment, start) for segment, start, _ in _places(item, article, zone)}
            return len(starts) >= count
        case Regex() | Value() | Published() | Within():
            return _has(node, article, now)
        case _:
            return bool(_places(node, article, zone))


def _places(node: Node, article: Article, zone: Zone) -> set[Place]:
    segments = _segments(article, zone)
    match node:
        case Or(items):
            return {place for item in items for place in _places(item, article, zone)}
        case Use(_, item):
            return _places(item, article, zone)
        case Near(left, right, distance, ordered):
            pairs = itertools.product(_places(left, article, zone), _places(right, article, zone))
            return {
                (one[0], min(one[1], other[1]), max(one[2], other[2]))
                for one, other in pairs
                if one[0] == other[0]
                and (
                    0 <= other[1] - one[2] <= distance
                    or (not ordered and 0 <= one[1] - other[2] <= distance)
                )
            }
        case Phrase(parts, slop):
            return {
                (number, chosen[0], chosen[-1] + 1)
                for number, tokens in enumerate(segments)
                for chosen in itertools.product(
                    *([at for at, token in enumerate(tokens) if _is(word, token)] for word in parts)
                )
                if all(first < second for first, second in itertools.pairwise(chosen))
                and chosen[-1] - chosen[0] + 1 - len(parts) <= slop
            }
        case Term() | Exact() | Stem() | Wildcard() | Fuzzy():
            return {
                (number, at, at + 1)
                for number, tokens in enumerate(segments)
                for at, token in enumerate(tokens)
                if _is(node, token)
            }
        case _:
            raise AssertionError(f"{node} has no places")


def _is(word: Word, token: tuple[str, str]) -> bool:
    folded, exact = token
    match word:
        case Term(wanted):
            return folded == wanted
        case Exact(wanted):
            return exact == wanted
        case Stem(wanted, language):
            stemmer = _STEMMERS[language]
            return bool(stemmer.stemWord(folded) == stemmer.stemWord(wanted))
        case Wildcard(pattern):
            return fnmatch.fnmatchcase(folded, pattern)
        case Fuzzy(wanted, distance):
            return _distance(folded, wanted) <= distance


@lru_cache(100_000)
def _distance(one: str, other: str) -> int:
    """Levenshtein's, by the definition."""
    before = list(range(len(other) + 1))
    for row, sign in enumerate(one, 1):
        now = [row]
        for column, wanted in enumerate(other, 1):
            changed = before[column - 1] + (sign != wanted)
            now.append(min(changed, before[column] + 1, now[-1] + 1))
        before = now
    return before[-1]


def _has(node: Regex | Value | Published | Within, article: Article, now: datetime) -> bool:
    published = article.published or article.fetched
    match node:
        case Regex(zone, pattern, ignore_case):
            flags = re.IGNORECASE if ignore_case else 0
            return any(re.search(pattern, raw, flags) for raw in _raw(article, zone))
        case Published(start, end):
            return not (start and published < start) and not (end and published >= end)
        case Within(seconds):
            return now - published < timedelta(seconds=seconds)
        case Value(Field.SOURCE, value):
            return fnmatch.fnmatchcase(article.source.casefold(), value)
        case Value(Field.LANGUAGE, value):
            return article.language.split("-")[0].casefold() == value
        case Value(field, value):
            host = urlsplit(article.url).hostname or ""
            if field is Field.COUNTRY:
                return {"uk": "gb"}.get(host.split(".")[-1], host.split(".")[-1]) == value
            return f".{host}".endswith(f".{value}")


def _raw(article: Article, zone: Zone) -> list[str]:
    match zone:
        case Zone.TEXT:
            return [article.title, article.summary, article.body]
        case Zone.TITLE:
            return [article.title]
        case Zone.BODY:
            return [article.summary, article.body]
        case Zone.AUTHOR:
            return list(article.authors)
        case Zone.TAG:
            return list(article.categories)
        case Zone.PLACE:
            return [article.place]
        case Zone.URL:
            return [article.url]
        case Zone.LEAD:
            raise AssertionError("the lead has no text of its own")


def _segments(article: Article, zone: Zone) -> list[Tokens]:
    if zone is Zone.LEAD:
        start = article.body if words(article.body) else article.summary
        return [_tokens(article.title), _tokens(start)[:60]]
    return [_tokens(raw) for raw in _raw(article, zone)]


@lru_cache(10_000)
def _tokens(text: str) -> Tokens:
    return tuple(zip(words(text), exact_words(text), strict=True))
