"""Queries that are made to take long: refused at once, or answered in time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from monitor.topics.evaluate import holds
from monitor.topics.explain import explain
from monitor.topics.query import Query, QueryError, parse
from monitor.topics.text import Text
from tests.support.articles import an_article

PARSED_WITHIN = 0.05
MATCHED_WITHIN = 0.005
"""For 64 KB, on a machine that does nothing else; other tests run beside, so four times that."""
BYTES = 64 * 1024

REDOS = [
    r"(a+)+$", r"(a*)*b", r"(a|a)*b", r"(a|aa)+$", r"(.*)*x", r"(.*a){20}", r"([a-z]+)*\d",
    r"^(a+)+b", r"(a?){50}a{50}", r"(x+x+)+y", r"(\w+\s?)+$", r"(a|b|ab)*c", r"((a+)b?)+c",
    r"(?:a+){2,}b", r"a.*a.*a.*a.*b", r"(a{1,100}){1,9}b", r"((((a*)*)*)*)b", r"(\s*a\s*)+b",
    r"(a+)\1", r"(?=a+b)a+", r"(a{1000}){1000}", r"(?<!a)b",
]  # fmt: skip
EXPLOSIVE = [
    " NEAR/100 ".join(["a"] * 200),
    "atleast(2, " * 100 + "a" + ", b, c)" * 100,
    "repeat(3, " * 100 + "a" + ")" * 100,
    " ".join(f"abc{n}*" for n in range(1_000)),
    " OR ".join(f"shoigu{n}~2" for n in range(400)),
    "score>=5: " + " ".join(f"{n}*w{n}" for n in range(2_000)),
    "score>=1:(" * 150 + "a" + ")" * 150,
    "title:" * 1_500 + "a",
    "title:/" + "a{1,100}" * 20 + "/",
    "title:/" + "(a|b)*" * 400 + "/",
    '"' + "a " * 4_900 + '"~100',
    "@a " * 3_000,
    "published:[" * 900 + "2024",
    "a^" * 4_900,
    "=" * 9_999,
    "~" * 9_999,
    "?" * 9_999,
    "in:" + "9" * 9_000 + "h",
    "NEAR " * 1_999,
    "-(" * 3_000 + "a" + ")" * 3_000,
]  # fmt: skip


def fastest(run: Callable[[], object]) -> float:
    """Return the CPU seconds of the fastest of some runs."""
    took = []
    for _ in range(3):
        started = time.process_time()
        run()
        took.append(time.process_time() - started)
    return min(took)


def told(text: str) -> Query | QueryError:
    """Return the query of a text, or why it does not hold."""
    try:
        return parse(text)
    except QueryError as error:
        return error


@pytest.mark.parametrize("text", EXPLOSIVE, ids=lambda text: f"{text[:14]}… {len(text)}")
def test_an_explosive_query_is_read_or_refused_in_time(text: str) -> None:
    assert fastest(lambda: told(text)) < PARSED_WITHIN
    assert len(str(told(text))) < 12_000


@pytest.mark.parametrize("pattern", REDOS)
def test_a_regular_expression_is_refused_or_takes_no_longer_than_its_text(pattern: str) -> None:
    query = told(f"body:/{pattern}/")
    assert fastest(lambda: told(f"body:/{pattern}/")) < PARSED_WITHIN
    if isinstance(query, QueryError):
        assert "is refused: " in str(query) or "counts a group" in str(query)
        return
    for body in ("a" * BYTES, "ab " * (BYTES // 3), "x" * BYTES):
        text = Text.of(an_article(body=body))
        assert fastest(lambda text=text: holds(query.root, text)) < 4 * MATCHED_WITHIN  # type: ignore[misc]


@pytest.mark.parametrize(
    "text",
    [
        "a NEAR/100 a NEAR/100 b OR repeat(900, a NEAR/5 a)",
        "a NEAR/100 a NEAR/100 a",
        '"a a a a"~100',
        'a NEAR/100 "a a a"~100 NEAR/100 a',
        "repeat(999, a NEAR/100 a NEAR/100 a)",
        '"a a a c"~100',
    ],
)
def test_places_of_a_word_that_is_everywhere_are_found_in_time(text: str) -> None:
    query = parse(text)
    article = Text.of(an_article(body="a " * 2_000 + "b c"))
    start = time.process_time()
    assert holds(query.root, article) is explain(query.root, article).holds
    assert time.process_time() - start < 5.0


@pytest.mark.parametrize("text", ["aaa*a*a*a*a*a*a*b", "aaa?*?*?*?*b", "source:a*a*a*a*a*b a"])
def test_several_stars_take_no_longer_than_their_word(text: str) -> None:
    query = parse(text)
    article = an_article(body="a" * 2_000, source="a" * 100)
    assert fastest(lambda: holds(query.root, Text.of(article))) < 4 * MATCHED_WITHIN
