"""Terms that are unusually frequent in some articles."""

from __future__ import annotations

import random

import pytest

from monitor.model import Article
from monitor.topics.query import parse
from monitor.topics.suggest import Contrast, log_likelihood, terms_in, terms_of
from tests.support.articles import an_article


def article(body: str, title: str = "") -> Article:
    return an_article(title=title, body=body)


def contrast(inside: list[str], outside: list[str]) -> Contrast:
    made = Contrast()
    made.add(map(article, inside))
    made.choose()
    made.add_others(map(article, outside))
    return made


def test_the_measure_of_the_paper() -> None:
    # Dunning's table 2: "the swiss", 110 times together, 2,442 times "the" without, 111 times
    # "swiss" without, 29,114 pairs with neither: -2 log lambda is 270.72.
    assert log_likelihood(110, 110 + 2442, 111, 111 + 29114) == pytest.approx(270.72, abs=0.01)


def test_what_is_equally_frequent_says_nothing() -> None:
    assert log_likelihood(5, 10, 50, 100) == pytest.approx(0)
    assert log_likelihood(3, 3, 0, 0) == 0


def test_a_term_of_all_matches_and_few_others_comes_first() -> None:
    words = [f"w{number:03}x" for number in range(300)]
    chance = random.Random(1)
    others = [" ".join(chance.sample(words, 30)) for _ in range(200)]
    inside = [f"{' '.join(chance.sample(words, 30))} shoigu astana" for _ in range(20)]
    found = contrast(inside, others).suggestions(10)
    assert [each.term for each in found] == ["shoigu astana"]
    assert (found[0].inside, found[0].outside) == (20, 0)


def test_a_word_stands_alone_where_its_phrases_are_rarer() -> None:
    inside = [f"the minister {name} spoke" for name in ("lee", "kim", "park", "choi") * 5]
    found = contrast(inside, ["the weather was fine"] * 100).suggestions(3)
    assert found[0].term in ("minister", "spoke", "the minister")
    assert len({each.term for each in found}) == len(found)


def test_terms_that_are_known_numbers_and_letters_are_left_out() -> None:
    found = contrast(["drone 2024 x over kyiv"] * 10, ["rain"] * 50)
    terms = {each.term for each in found.suggestions(50, without={"drone"})}
    assert "drone" not in terms
    assert not terms & {"2024", "x", "2024 x"}
    assert "over kyiv" in terms


def test_a_term_of_one_article_is_chance() -> None:
    assert contrast(["drone"], ["rain"] * 1000).suggestions(5) == []


def test_an_archive_without_others_suggests_nothing() -> None:
    assert contrast(["drone strike"] * 10, []).suggestions(5) == []


def test_pairs_do_not_cross_the_fields() -> None:
    assert terms_of(article("b c", title="a")) >= {"a", "b", "c", "b c"}
    assert "a b" not in terms_of(article("b c", title="a"))


def test_what_is_common_everywhere_tells_nothing_apart() -> None:
    inside = ["the price of oil"] * 20
    found = contrast(inside, ["a bag of tea"] * 30 + ["tea"] * 60).suggestions(9, without={"oil"})
    assert {each.term for each in found} == {"the price"}


def test_the_terms_of_a_query() -> None:
    query = parse('=SCO NEAR/3 "defence ministers^" NOT (title:unix OR score>=2:(2*a 1*drone~1))')
    assert terms_in(query.root) == {
        *("sco", "defence", "ministers", "defence ministers", "unix", "a", "drone"),
    }


def test_words_that_are_frequent_in_the_archive_suggest_nothing() -> None:
    chance = random.Random(7)
    names = [f"name{number}" for number in range(400)]

    def english(*more: str) -> Article:
        frequent = [word for word in ("to", "an", "of", "they") if chance.random() < 0.3]
        return an_article(
            title="", language="en", body=" ".join([*chance.sample(names, 20), *frequent, *more])
        )

    made = Contrast()
    made.add([english("damage to an undersea cable") for _ in range(20)])
    made.choose()
    made.add_others([english() for _ in range(200)])
    # Most of the archive is in another language, so that few of all articles hold "to".
    made.add_others(an_article(title="", body="было тихо", language="ru") for _ in range(800))
    common = made.common()
    assert {"to", "an"} <= common <= {"to", "an", "of", "they"}
    found = [each.term for each in made.suggestions(9, common=common)]
    assert "undersea cable" in found
    assert not {word for term in found for word in term.split()} & {"to", "an"}


def test_signs_of_a_script_without_spaces_are_never_too_common() -> None:
    made = Contrast()
    made.add([an_article(title="", body="中国海军", language="zh")] * 5)
    made.choose()
    made.add_others([an_article(title="", body="中国", language="zh")] * 100)
    assert made.common() == set()
