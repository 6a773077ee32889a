"""Terms that are unusually frequent in some articles against others, by log-likelihood.

The measure is G² of the 2 × 2 table "holds the term" × "is one of the articles" (T. Dunning,
"Accurate methods for the statistics of surprise and coincidence", Computational Linguistics 19(1),
1993). Articles are counted, not occurrences: one long text about something must not carry it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from math import inf, log

from monitor.model import Article
from monitor.text.words import words
from monitor.topics.shape import walk
from monitor.topics.tree import Exact, Fuzzy, Node, Phrase, Stem, Term

LEAST_ARTICLES = 2
"""A term of one article alone says more about that article."""
CANDIDATES = 20_000
"""Most terms that are counted in the rest of an archive."""
SIGNIFICANT = 10.83
"""G² from which a difference has less than one chance in a thousand (χ², one degree)."""
_COMMON = 0.25
"""A term of more than this share of the others tells nothing apart, as "of" in long texts."""
FUNCTION_WORDS = 40
"""Most words of one language that count as those of its grammar."""
_FREQUENT = 0.1
"""Such a word stands in at least this share of the other articles in its language."""
_LEAST_OTHERS = 50
"""Other articles in a language from which its frequent words can be told."""
_SYLLABLES = "\u2e80"
"""From here on Unicode has scripts whose tokens are signs and syllables: a frequent one is part of
many words, and no word of grammar."""
_SAME = 0.9
"""A word that stands in a phrase this often says nothing more than the phrase."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A word or a phrase of two words: in how many of the articles, in how many of the others."""

    term: str
    inside: int
    outside: int
    score: float


class Contrast:
    """Counts terms in two passes over an archive: first in the articles, then in the others.

    Only terms of the first pass are counted in the second, so memory follows the articles.
    """

    def __init__(self) -> None:
        self._inside: Counter[str] = Counter()
        self._outside: Counter[str] = Counter()
        self._words: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._spoken: Counter[str] = Counter()
        self.articles = 0
        self.others = 0

    def add(self, articles: Iterable[Article]) -> None:
        """Count articles whose terms are looked for."""
        for article in articles:
            self.articles += 1
            self._inside.update(terms_of(article))

    def choose(self) -> None:
        """Keep the terms that are worth counting in the others. Called between the two passes."""
        frequent = self._inside.most_common(CANDIDATES)
        self._inside = Counter({term: n for term, n in frequent if n >= LEAST_ARTICLES})

    def add_others(self, articles: Iterable[Article]) -> None:
        """Count articles to compare with."""
        known = self._inside.keys()
        for article in articles:
            self.others += 1
            found = known & terms_of(article)
            self._outside.update(found)
            self._spoken[article.language] += 1
            self._words[article.language].update(term for term in found if _may_be_grammar(term))

    def common(self) -> set[str]:
        """Return the most frequent words of the others, for each language by itself: those of its
        grammar, without a list of them for each."""
        return {
            word
            for language, counts in self._words.items()
            if self._spoken[language] >= _LEAST_OTHERS
            for word, number in counts.most_common(FUNCTION_WORDS)
            if number >= _FREQUENT * self._spoken[language]
        }

    def suggestions(
        self, limit: int, without: Collection[str] = (), common: Collection[str] = ()
    ) -> list[Suggestion]:
        """Return the terms that are more frequent inside, the most surprising first.

        `without` are words and phrases that are known already; no term has a word of `common`.
        """
        found = []
        for term, inside in self._inside.items():
            outside = self._outside[term]
            rarer = outside * self.articles < inside * self.others
            rare = outside <= _COMMON * self.others
            new = term not in without and not any(word in common for word in term.split())
            if rarer and rare and new and _says_something(term):
                score = log_likelihood(inside, self.articles, outside, self.others)
                if score >= SIGNIFICANT:
                    found.append(Suggestion(term, inside, outside, score))
        found.sort(key=lambda each: (-each.score, each.term))
        return list(islice(_distinct(found, without), limit))


def terms_of(article: Article) -> set[str]:
    """Return the words of title, summary and body, and all pairs of neighbours within each."""
    found: set[str] = set()
    for text in (article.title, article.summary, article.body):
        tokens = words(text)
        found.update(tokens)
        found.update([f"{left} {right}" for left, right in pairwise(tokens)])
    return found


def terms_in(query: Node) -> set[str]:
    """Return the words of a query and the pairs of neighbours in its phrases, folded."""
    found: set[str] = set()
    for node in walk(query):
        match node:
            case Term(word) | Exact(word) | Stem(word) | Fuzzy(word):
                found.update(words(word))
            case Phrase(parts):
                folded = [" ".join(sorted(terms_in(part))) for part in parts]
                found.update(f"{left} {right}" for left, right in pairwise(folded))
    return found


def log_likelihood(inside: int, articles: int, outside: int, others: int) -> float:
    """Return Dunning's G² for a term in `inside` of `articles` and in `outside` of `others`.

    0 where it is equally frequent, or where there is nothing to compare.
    """
    total = articles + others
    if not articles or not others:
        return 0.0
    table = (
        (inside, articles, inside + outside),
        (outside, others, inside + outside),
        (articles - inside, articles, total - inside - outside),
        (others - outside, others, total - inside - outside),
    )
    return 2 * sum(seen * log(seen * total / (row * column)) for seen, row, column in table if seen)


def _may_be_grammar(term: str) -> bool:
    return " " not in term and term < _SYLLABLES


def _says_something(term: str) -> bool:
    """Return whether a term could stand in a query: numbers and single letters hardly do."""
    return all(
        not word.isdecimal() and (len(word) > 1 or not word.isascii()) for word in term.split()
    )


def _distinct(found: Sequence[Suggestion], known: Collection[str]) -> Iterator[Suggestion]:
    """Yield suggestions without those that say no more than another one, or than what is known.

    A word gives way to a phrase in which it nearly always stands, if both words of that phrase
    stand out or are known; where one of them does not ("in astana"), the phrase gives way to the
    other one.
    """
    score_of = {each.term: each.score for each in found if " " not in each.term}
    score_of |= dict.fromkeys(known, inf)
    within: dict[str, int] = {}
    solid = set()
    for each in found:
        parts = each.term.split()
        if len(parts) > 1 and all(part in score_of for part in parts):
            solid.add(each.term)
            within |= {part: max(each.inside, within.get(part, 0)) for part in parts}
    for each in found:
        parts = each.term.split()
        if len(parts) == 1:
            if within.get(each.term, 0) < _SAME * each.inside:
                yield each
        elif each.term in solid or all(score_of.get(part, 0) < each.score for part in parts):
            yield each
