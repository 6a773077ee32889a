"""Articles and queries as media monitors have them, made by chance from one seed.

Words are drawn by Zipf's law. Of the queries 70 % are `(A OR B OR "C D") AND (E OR F) AND NOT G`,
10 % one phrase, 10 % NEAR, 5 % have a prefix and 5 % look at the title alone. Phrases are taken
from articles, since people write those that occur.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from monitor.model import Article
from monitor.topics.tree import And, In, Near, Node, Not, Or, Phrase, Term, Wildcard, Zone
from tests.support.articles import an_article

WORDS = 50_000
TITLE_WORDS, BODY_WORDS = 10, 390
COMMON = 1_500
"""So many of the most frequent words stand in no query: nobody asks for "the"."""
DISTANCE = 5
PREFIX = 5


@dataclass(frozen=True, slots=True)
class Workload:
    """`queries` are trees; `lines` say the same to Lucene, see LuceneMonitor.java."""

    articles: tuple[Article, ...]
    queries: tuple[Node, ...]
    lines: tuple[str, ...]


class Words:
    """A vocabulary whose words are drawn by Zipf's law."""

    def __init__(self, chance: Random) -> None:
        made: dict[str, None] = {}
        while len(made) < WORDS:
            letters = chance.choices("etaoinshrdlucmfwypvbgk", k=chance.randint(3, 11))
            made["".join(letters)] = None
        self._words = sorted(made, key=len)
        chance.shuffle(self._words)
        self._weights = list(accumulate(1 / (rank + 3) for rank in range(WORDS)))
        self._chance = chance

    def text(self, count: int) -> list[str]:
        """Return the words of a text."""
        return self._chance.choices(self._words, cum_weights=self._weights, k=count)

    def asked(self) -> str:
        """Return a word that somebody asks for: drawn as in texts, but never a common one."""
        start = self._weights[COMMON]
        at = start + self._chance.random() * (self._weights[-1] - start)
        return self._words[min(bisect_left(self._weights, at), WORDS - 1)]


def make(articles: int, queries: int, seed: int = 7) -> Workload:
    """Return a workload; of the same seed the first queries are always the same."""
    chance = Random(seed)
    words = Words(chance)
    texts = [words.text(TITLE_WORDS + BODY_WORDS) for _ in range(articles)]
    made = [_query(chance, words, texts) for _ in range(queries)]
    return Workload(
        tuple(
            an_article(
                id=f"a{number}",
                title=" ".join(text[:TITLE_WORDS]).capitalize(),
                body=" ".join(text[TITLE_WORDS:]) + ".",
            )
            for number, text in enumerate(texts)
        ),
        tuple(query for query, _ in made),
        tuple(line for _, line in made),
    )


def _query(chance: Random, words: Words, texts: list[list[str]]) -> tuple[Node, str]:
    kind = chance.random()
    if kind < 0.7:
        a, b, e, f, g = (words.asked() for _ in range(5))
        c, d = _neighbours(chance, texts)
        first = Or((Term(a), Term(b), Phrase((Term(c), Term(d)))))
        query: Node = And((first, Or((Term(e), Term(f))), Not(Term(g))))
        return query, f"B\t{a},{b},{c} {d}\t{e},{f}\t{g}"
    if kind < 0.8:
        c, d = _neighbours(chance, texts)
        return Phrase((Term(c), Term(d))), f"P\t{c} {d}"
    if kind < 0.9:
        a, b = words.asked(), words.asked()
        return Near(Term(a), Term(b), DISTANCE), f"N\t{a} {b}\t{DISTANCE}"
    if kind < 0.95:
        a, b, e = words.asked(), _long(words), words.asked()
        prefix = b[:PREFIX]
        first = Or((Term(a), Wildcard(f"{prefix}*")))
        return And((first, Term(e))), f"X\t{a}\t{prefix}\t{e}"
    a, b = words.asked(), words.asked()
    return In(Zone.TITLE, Or((Term(a), Term(b)))), f"T\t{a},{b}"


def _neighbours(chance: Random, texts: list[list[str]]) -> tuple[str, str]:
    text = chance.choice(texts)
    at = chance.randrange(TITLE_WORDS, len(text) - 1)
    return text[at], text[at + 1]


def _long(words: Words) -> str:
    return next(word for word in _endless(words) if len(word) > PREFIX)


def _endless(words: Words) -> Iterator[str]:
    while True:
        yield words.asked()
