"""What is right in a query and will surprise all the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from monitor.topics.advice import MANY, strangers, surprises, unknown_sources
from monitor.topics.query import parse
from monitor.topics.tree import Field, Fuzzy, Stem, Value, Wildcard

B = Value(Field.SOURCE, "elsewhere")


def told(text: str) -> list[str]:
    return [surprise.sentence for surprise in surprises(parse(text), text)]


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a b",
        "a OR b OR c",
        "(a OR b) c",
        "a (b OR c) NOT d",
        'title:(a OR b) "c d" -e',
        "atleast(2, a b, c, d OR e)",
        "score>=3:(2*(a OR b) 1*c -1*d)",
        "repeat(2, (a OR b)) c",
        "a NEAR/3 b OR c AND d",
        "a published:[2024-01-01 TO 2024-02-01]",
        "a AND url:/(x OR y z)/",
        "lang:en lang:en a",
        "domain:uk domain:bbc.co.uk a",
        "minist* -minister",
        "sco -=SCO",
        '"a b"~3 -"a b"',
        "a -title:a",
        "(a OR b) -a",
        "a NEAR/3 (a OR b)",
        "a country:ru lang:fil published:>2024 published:<2026",
    ],
)
def test_nothing_surprises(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a b OR c", "it is read as (a AND b) OR c; add parentheses"),
        ("a OR b NOT c", "OR beside parts without an operator"),
        ('(a OR "b c" d) e', "OR beside parts without an operator"),
        ("atleast(2, a b OR c, d, e)", "OR beside parts without an operator"),
        ("sco NOT sco", "sco must be there and must not be there: this never matches"),
        ('"sco summit" NOT (unix OR sco)', 'NOT sco excludes "sco summit", which must be there'),
        ("title:sco -sco", "NOT sco excludes title:sco"),
        ("title:(a b) -title:b", "NOT title:b excludes title:(a AND b)"),
        ("minister -minist*", "NOT minist* excludes minister"),
        ("=SCO -sco", "NOT sco excludes =SCO"),
        ('"a b c" -"b c"~2', 'NOT "b c"~2 excludes "a b c"'),
        ("(sco NEAR summit) -summ*", "NOT summ* excludes sco NEAR/10 summit"),
        ("repeat(2, sco) -sco", "NOT sco excludes repeat(2, sco)"),
        ("(a OR b) -a -b", "what must not be there excludes a OR b, which must be there"),
        ("a OR (b -b)", "b must be there and must not be there"),
        (
            "a published:2024 published:>=2025",
            "published:[2024-01-01 TO 2024-12-31] and published:>=2025-01-01 share no time",
        ),
        ("a country:co", "country:co never holds: an address that ends in .co says nothing"),
        ("a country:eu", "country:eu never holds"),
        ("a country:xx", "country:xx never holds: xx is no code of ISO 3166"),
        ("a lang:xx", "lang:xx never holds: xx is no code of ISO 639"),
        ('sco NEAR/3 "sco summit"', 'sco is also within "sco summit": it is looked for beside it'),
        ("army NEAR army", "army must be there twice: each side takes a place of its own"),
        ("(a b) AND NOT a", "a must be there and must not"),
        ("a lang:en lang:fr", "lang:en and lang:fr at once: this never matches"),
        ("a AND (b OR NOT c)", "NOT c within an OR holds of nearly every article"),
        ('sco OR "sco summit"', '"sco summit" adds nothing: sco finds all of that'),
        ("lang:en", "every article is held against it"),
        ("url:/defence/", "every article is held against it"),
    ],
)
def test_a_surprise(text: str, part: str) -> None:
    (sentence,) = told(text)
    assert part in sentence


class Words:
    """A vocabulary of three words."""

    def __init__(self, articles: int = 1_000) -> None:
        self.articles = articles

    async def count(self, words: Collection[str]) -> Mapping[str, int]:
        return {word: n for word, n in {"us": 800, "sco": 7}.items() if word in words}

    async def expand(self, word: Stem | Wildcard | Fuzzy, limit: int) -> int:
        return {Wildcard("int*"): limit, Fuzzy("shoigu", 1): 2}.get(word, 0)


async def test_words_that_are_strange_to_the_archive() -> None:
    query = parse('US =SCO "sco qingdoa" int* shoigu~1 minister^')
    assert [surprise.sentence for surprise in await strangers(query, Words())] == [
        '"sco qingdoa", minister^en are in none of 1000 articles: check the spelling',
        "us is in 80 % of 1000 articles: leave it out, or write =US if the capitals are meant",
        f"int* stands for more than {MANY:,} words: write more letters",
    ]


async def test_many_strangers_are_cut_short_and_absent_ones_are_no_surprise() -> None:
    query = parse(f"({' OR '.join(f'word{n}' for n in range(9))}) NOT qingdoa")
    (surprise,) = await strangers(query, Words())
    assert surprise.sentence.startswith(
        "word0, word1, word2, word3, word4, word5 and 3 more are in"
    )


async def test_a_common_word_of_a_phrase_is_no_surprise() -> None:
    assert await strangers(parse('"us sco"'), Words()) == []


async def test_a_small_archive_says_nothing() -> None:
    assert await strangers(parse("qingdoa"), Words(articles=10)) == []


async def test_what_is_used_by_name_is_told_where_it_stands() -> None:
    query = parse("@other sco author:qingdoa", names={"other": parse("qingdoa").root})
    assert await strangers(query, Words()) == []


def test_sources_that_there_are_not() -> None:
    query = parse("a (source:bbc OR source:BBC-* OR NOT source:nope OR @used)", names={"used": B})
    assert unknown_sources(query, ["bbc", "bbc-world"]) == ["nope"]
    assert unknown_sources(query, ["wire"]) == ["bbc", "bbc-*", "nope"]
