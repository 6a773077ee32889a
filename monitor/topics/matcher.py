"""Which topics does an article match? Every topic is compiled once and then asked only rarely.

A topic can match only where at least one word of some set is present, as in Lucene Monitor's
term-filtered presearcher: for an AND the rarest part will do, for an OR each side counts. Topics
are indexed by those words, so an article meets only the few topics with which it shares one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TypeAlias

from monitor.model import Article, Topic
from monitor.text.words import words
from monitor.topics.query import And, InTitle, Node, Not, Or, Phrase, QueryError, Term, parse


class Matcher:
    """Tells which topics articles match: exactly those whose queries hold, whatever their number.

    A query is about title, summary and body together; a phrase lies within one of the three.
    Raises QueryError, with the topic's id, for a query that does not hold.
    """

    def __init__(self, topics: Sequence[Topic]) -> None:
        self._tests: list[tuple[str, _Test]] = []
        self._watched: dict[str, list[int]] = {}
        for place, topic in enumerate(topics):
            root = _parse(topic)
            self._tests.append((topic.id, _compile(root)))
            for word in _necessary(root) or ():
                self._watched.setdefault(word, []).append(place)

    def match(self, articles: Sequence[Article]) -> list[tuple[str, ...]]:
        """Return for each article the ids of the topics that it matches, sorted."""
        return [self._topics_of(_Text.of(article)) for article in articles]

    def _topics_of(self, text: _Text) -> tuple[str, ...]:
        watched, tests = self._watched, self._tests
        candidates = {place for word in watched.keys() & text.words for place in watched[word]}
        found = [tests[place][0] for place in candidates if tests[place][1](text)]
        return tuple(sorted(found))


class _Text:
    """An article's fields as words: a set for terms, a line for each field for phrases."""

    def __init__(self, fields: Sequence[list[str]]) -> None:
        self._fields = fields
        self.words = set().union(*fields)

    @classmethod
    def of(cls, article: Article) -> _Text:
        """Return the text of the fields that queries are about, the title first."""
        return cls([words(field) for field in (article.title, article.summary, article.body)])

    @cached_property
    def title(self) -> _Text:
        """The title alone; of a title, itself."""
        return _Text(self._fields[:1])

    @cached_property
    def lines(self) -> str:
        """The words between single spaces. A phrase is found as text, which is faster than by
        positions; the line ends keep phrases within their field, as no word holds white space."""
        return "\n".join(map(_line, self._fields))


_Test: TypeAlias = Callable[[_Text], bool]


def _parse(topic: Topic) -> Node:
    try:
        return parse(topic.query).root
    except QueryError as error:
        raise QueryError(f"topic '{topic.id}': {error}", error.column, error.line) from None


def _compile(node: Node) -> _Test:
    """Return a function that tells whether a text matches."""
    match node:
        case Term(word):
            return lambda text: word in text.words
        case Phrase(parts):
            rarest, line = _rarest(parts), _line(parts)
            return lambda text: rarest in text.words and line in text.lines
        case InTitle(item):
            inner = _compile(item)
            return lambda text: inner(text.title)
        case Not(item):
            inner = _compile(item)
            return lambda text: not inner(text)
        case And(items):
            terms = frozenset(item.word for item in items if isinstance(item, Term))
            tests = [_compile(item) for item in items if not isinstance(item, Term)]
            return lambda text: terms <= text.words and all(test(text) for test in tests)
        case Or(items):
            return _compile_any(items)


def _compile_any(items: Sequence[Node]) -> _Test:
    """Return a test of an OR: all words in one set operation, then the phrases that have their
    rarest word in the text, then the rest."""
    terms = frozenset(item.word for item in items if isinstance(item, Term))
    tests = [_compile(item) for item in items if not isinstance(item, Term | Phrase)]
    lines: dict[str, list[str]] = {}
    for item in items:
        if isinstance(item, Phrase):
            lines.setdefault(_rarest(item.words), []).append(_line(item.words))
    rarest = frozenset(lines)

    def holds(text: _Text) -> bool:
        if not terms.isdisjoint(text.words):
            return True
        for word in rarest & text.words:
            for line in lines[word]:
                if line in text.lines:
                    return True
        return any(test(text) for test in tests)

    return holds


def _line(parts: Iterable[str]) -> str:
    """Return a phrase as it stands in a line of `_Text.lines`."""
    return f" {' '.join(parts)} "


def _necessary(node: Node, wanted: bool = True) -> frozenset[str] | None:
    """Return words of which a text must hold at least one for `node` to be `wanted`.

    None where a text without any word will do, which `parse` refuses for a whole query.
    """
    match node:
        case Term(word):
            return frozenset((word,)) if wanted else None
        case Phrase(parts):
            return frozenset((_rarest(parts),)) if wanted else None
        case InTitle(item):
            return _necessary(item, wanted)
        case Not(item):
            return _necessary(item, not wanted)
        case And(items) | Or(items):
            sets = [_necessary(item, wanted) for item in items]
            known = [each for each in sets if each is not None]
            if isinstance(node, And) is wanted:  # all must be as wanted: one of the sets will do
                return min(known, key=_frequency, default=None)
            return frozenset().union(*known) if len(known) == len(sets) else None


def _rarest(parts: Iterable[str]) -> str:
    return max(parts, key=len)


def _frequency(terms: frozenset[str]) -> float:
    """Return a guess of how many articles hold one of these words: long words are rare."""
    return sum(2.0 ** -len(term) for term in terms)
