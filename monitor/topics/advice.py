"""What is right in a query and will surprise its author all the same.

None of it is an error. `surprises` looks at the query alone, `strangers` asks a vocabulary, which
knows what the articles of some time hold.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitor.text.words import fold
from monitor.topics.canonical import canonical
from monitor.topics.evaluate import starred
from monitor.topics.implied import Implications
from monitor.topics.never import SHORT, never_holds, never_together, short, twice
from monitor.topics.presearch import necessary
from monitor.topics.query import Query
from monitor.topics.shape import parts_of, walk
from monitor.topics.tree import (
    And,
    Exact,
    Field,
    Fuzzy,
    In,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Stem,
    Term,
    Use,
    Value,
    Wildcard,
    Word,
    Zone,
)

MANY = 1_000
"""Words for which a wildcard or a misspelling may stand before it is told."""
COMMON = 0.25
"""The share of all articles from which a word tells nothing apart."""
ENOUGH = 200
"""Articles that a vocabulary must know for its silence to mean something."""
_APART = frozenset({Zone.AUTHOR, Zone.TAG, Zone.PLACE, Zone.URL})
"""Zones whose words are not those of texts."""
_NAMED = 6


@dataclass(frozen=True, slots=True)
class Surprise:
    """A sentence with what will surprise, and the cure. `part` is what it is about, as text.
    `quiet` tells what is often meant so: an alternative that no article has had of late."""

    sentence: str
    part: str = ""
    quiet: bool = False


class Vocabulary(Protocol):
    """What the articles of some time hold."""

    @property
    def articles(self) -> int:
        """How many articles it knows."""

    async def count(self, words: Collection[str]) -> Mapping[str, int]:
        """Return how many articles hold each of these folded words; 0 may be left out."""

    async def expand(self, word: Stem | Wildcard | Fuzzy, limit: int) -> int:
        """Return for how many of its words this one stands, at most `limit`."""


def surprises(query: Query, text: str = "") -> list[Surprise]:
    """Return what will surprise in a query; `text` is how its author wrote it."""
    found = [*_unwritten(query, text), *_of_all_articles(query.root)]
    known = Implications()
    for node in walk(query.root):
        match node:
            case And(items):
                found += _told(never_together(items, known), node)
            case Or(items):
                found += _always(items)
                found += _for_nothing(items)
            case Value():
                found += _told(never_holds(node), node)
            case Near():
                found += _told(twice(node, known), node)
    return list(dict.fromkeys(found))


def unknown_sources(query: Query, names: Collection[str]) -> list[str]:
    """Return the values of `source:` that are the name of none of these sources, sorted; those of
    what the query uses by name are told there."""
    waiting, found = [query.root], set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, Value) and node.field is Field.SOURCE:
            wanted = starred([*map(re.escape, node.value.split("*"))])
            found |= {node.value} if not any(map(wanted.fullmatch, names)) else set()
        elif not isinstance(node, Use):
            waiting.extend(parts_of(node))
    return sorted(found)


async def strangers(query: Query, vocabulary: Vocabulary) -> list[Surprise]:
    """Return the words of a query that no article holds, or very many, and those that stand for
    very many others. Nothing where the vocabulary knows too few articles."""
    if vocabulary.articles < ENOUGH:
        return []
    own = _own_parts(query.root)
    whole = {part: _words_in(part) for part in own}
    counts = await vocabulary.count({word for words in whole.values() for word in words})
    found: list[Surprise] = []
    names = [canonical(part) for part in own if any(not counts.get(word) for word in whole[part])]
    for part in own:
        if isinstance(part, Term):  # in a phrase, a common word is as good as any
            found += _common(part.word, counts.get(part.word, 0), vocabulary.articles)
        elif isinstance(part, Stem | Wildcard | Fuzzy):
            number = await vocabulary.expand(part, MANY + 1)
            names += [canonical(part)] if not number else []
            found += _broad(canonical(part), number)
    return [*_unseen(names, vocabulary.articles), *found]


def _words_in(part: Word | Phrase) -> list[str]:
    """Return the folded words that a text needs for a part, as far as they are certain."""
    words = part.words if isinstance(part, Phrase) else (part,)
    return [fold(word.word) for word in words if isinstance(word, Term | Exact)]


def _own_parts(root: Node) -> list[Word | Phrase]:
    """Return the words and phrases that a query looks for in texts, but not those that must be
    absent, nor those of what it uses by name: they are told there."""
    waiting, found = [root], []
    while waiting:
        node = waiting.pop()
        if isinstance(node, Term | Exact | Stem | Wildcard | Fuzzy | Phrase):
            found.append(node)
        elif not (isinstance(node, Use | Not) or (isinstance(node, In) and node.zone in _APART)):
            waiting.extend(reversed(parts_of(node)))
    return list(dict.fromkeys(found))


def _unseen(texts: Sequence[str], articles: int) -> Iterator[Surprise]:
    if texts:
        more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
        verb = "is" if len(texts) == 1 else "are"
        listed = f"{', '.join(texts[:_NAMED])}{more}"
        sentence = f"{listed} {verb} in none of {articles} articles: check the spelling"
        yield Surprise(sentence, listed, quiet=True)


def _common(text: str, number: int, articles: int) -> Iterator[Surprise]:
    if number > COMMON * articles:
        share = round(100 * number / articles)
        cure = f"leave it out, or write ={text.upper()} if the capitals are meant"
        yield Surprise(f"{text} is in {share} % of {articles} articles: {cure}", text)


def _broad(text: str, number: int) -> Iterator[Surprise]:
    if number > MANY:
        yield Surprise(f"{text} stands for more than {MANY:,} words: write more letters", text)


_TOKEN = re.compile(
    r'[a-z]+:/(?:[^/\\\n]|\\.)+/i?|published:\[[^\]]*\]|=?"[^"]*"\S*?(?=[\s(),]|$)|[(),]|[^\s()",]+'
)
_WEIGHT = re.compile(r"-?\d+\*")
_BETWEEN = re.compile(r"AND|O?NEAR(/\d+)?")


def _unwritten(query: Query, text: str) -> Iterator[Surprise]:
    """Yield where an OR stands beside an AND that nobody wrote: the AND binds closer."""
    if any(_mixed(text)):
        meant = canonical(query.root)
        read = f": it is read as {meant}" if len(meant) <= SHORT else ""
        yield Surprise(f"OR beside parts without an operator between them{read}; add parentheses")


def _mixed(text: str) -> Iterator[bool]:
    """Yield for each group whether it holds both an OR and two parts side by side."""
    groups: list[list[bool]] = [[False, False]]
    after_part = False
    for found in _TOKEN.finditer(text):
        sign = found[0]
        glued = found.start() > 0 and not text[found.start() - 1].isspace()
        if sign == "OR":
            groups[-1][0], after_part = True, False
        elif _BETWEEN.fullmatch(sign):
            after_part = False
        elif sign == ",":
            yield all(groups[-1])
            groups[-1], after_part = [False, False], False
        elif sign == ")":
            yield all(groups.pop() if len(groups) > 1 else groups[-1])
            after_part = True
        else:
            beside = after_part and not (glued and sign == "(") and not _WEIGHT.match(sign)
            groups[-1][1] = groups[-1][1] or beside
            after_part = sign not in ("(", "NOT") and not sign.endswith(":")
            if sign == "(":
                groups.append([False, False])
    yield all(groups[-1])


def _of_all_articles(root: Node) -> Iterator[Surprise]:
    if not necessary(root, lambda key: 1.0):
        sentence = "no word has to be there, so every article is held against it: add a word"
        yield Surprise(sentence)


def _told(sentences: Iterable[str], node: Node) -> Iterator[Surprise]:
    for sentence in sentences:
        yield Surprise(sentence, short(node))


def _always(items: Sequence[Node]) -> Iterator[Surprise]:
    for item in items:
        if isinstance(item, Not):
            text = canonical(item)
            yield Surprise(f"{text} within an OR holds of nearly every article: write AND", text)


def _for_nothing(items: Sequence[Node]) -> Iterator[Surprise]:
    """Yield the alternatives that find nothing which a shorter one does not find."""
    alone = set(items)
    for item in items:
        for part in item.words if isinstance(item, Phrase) else ():
            if part in alone:
                text, shorter = canonical(item), canonical(part)
                yield Surprise(f"{text} adds nothing: {shorter} finds all of that", text)
                break
