"""What tagging costs: `python -m tests.benchmarks.topics [TOPICS]`, microseconds per article.

Articles have 400 words drawn as in natural text (Zipf); topics are three ANDed groups of words and
phrases of that vocabulary, the shipped topic among them.
"""

from __future__ import annotations

import random
import sys
import time
from itertools import accumulate
from pathlib import Path

import yaml

from monitor.model import Article, Topic
from monitor.text.words import words
from monitor.topics.compile import matcher_of
from tests.support.articles import an_article

WORDS_IN_ARTICLE = 400
ARTICLES = 500


def vocabulary(dice: random.Random, size: int = 30_000) -> list[str]:
    """Return distinct words, short ones first, as frequent words are short."""
    made = {
        "".join(dice.choices("etaoinshrdlucmfwypvbgk", k=dice.randint(2, 12))) for _ in range(size)
    }
    return sorted(made, key=lambda word: (len(word), word))


def main() -> None:
    """Print the cost of words alone, and of the whole match."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    dice = random.Random(1)
    known = vocabulary(dice)
    weights = list(accumulate(1 / rank for rank in range(1, len(known) + 1)))
    articles = [an_article_of(dice, known, weights, number) for number in range(ARTICLES)]
    started = time.process_time()
    matcher = matcher_of(
        [shipped(), *(a_topic(dice, known, number) for number in range(count - 1))]
    )
    print(f"compile {count} topics: {(time.process_time() - started) * 1e3:.0f} ms")
    alone = min(timed(lambda: [[words(a.title), words(a.body)] for a in articles]) for _ in "12345")
    whole = min(timed(lambda: matcher.match(articles)) for _ in "12345")
    print(f"words alone: {alone:.0f} µs an article")
    print(f"match, words included: {whole:.0f} µs an article (aim: 120)")
    print(f"tags an article: {sum(map(len, matcher.match(articles))) / ARTICLES:.2f}")


def an_article_of(
    dice: random.Random, known: list[str], weights: list[float], number: int
) -> Article:
    """Return an article of WORDS_IN_ARTICLE words."""
    drawn = dice.choices(known, cum_weights=weights, k=WORDS_IN_ARTICLE)
    return an_article(
        id=f"a{number}", title=" ".join(drawn[:10]).capitalize(), body=" ".join(drawn[10:]) + "."
    )


def a_topic(dice: random.Random, known: list[str], number: int) -> Topic:
    """Return a topic of three groups that must all be there: two of subject words, one of any."""

    def term(least: int) -> str:
        first, second = (
            known[int(least + (len(known) - least) * dice.random() ** 3)] for _ in "ab"
        )
        return f'"{first} {second}"' if dice.random() < 0.3 else f'"{first}"'

    groups = (" OR ".join(term(least) for _ in range(8)) for least in (500, 500, 50))
    return Topic(id=f"t{number}", name="", query=" AND ".join(f"({each})" for each in groups))


def shipped() -> Topic:
    """Return the topic of config/topics.yaml."""
    text = Path("config/topics.yaml").read_text(encoding="utf-8")
    return Topic(id="shipped", **yaml.safe_load(text)["topics"]["sco-defence-meetings"])


def timed(run: object) -> float:
    """Return the microseconds an article that a run over all articles took."""
    assert callable(run)
    start = time.process_time()
    run()
    return (time.process_time() - start) / ARTICLES * 1e6


if __name__ == "__main__":
    main()
