"""Topics that use each other: which mistake is told of which, and told once."""

from __future__ import annotations

import pytest

from monitor.model import Topic, WordList
from monitor.topics.compile import compile_topics
from monitor.topics.mistakes import BrokenUse

TOWNS = WordList(name="towns", terms=("Astana", "mi*"))


def told(*lists: WordList, **queries: str) -> dict[str, str]:
    """Return what is wrong, by name; a topic's stem may stand before a | in its query."""
    topics = []
    for name, query in queries.items():
        stem, _, text = query.rpartition("|")
        topics.append(Topic(id=name, name=name, query=text, stem=stem))
    compiled = compile_topics(topics, lists)
    assert set(compiled.queries) == set(queries) - set(compiled.errors)
    return {
        name: str(error)
        for name, error in compiled.errors.items()
        if not isinstance(error, BrokenUse)
    }


def test_a_cycle_is_one_mistake() -> None:
    assert told(a="@b storm", b="@a storm", c="@a rain") == {
        "b": "@a uses @b uses @a: a topic cannot use itself, write one of them out"
    }
    assert set(told(c="@a rain", a="@b storm", b="@a storm").values()) == {
        "@a uses @b uses @a: a topic cannot use itself, write one of them out"
    }
    assert told(a="@a storm") == {
        "a": "@a uses @a: a topic cannot use itself, write one of them out"
    }


@pytest.mark.parametrize(
    ("queries", "wrong"),
    [
        ({"a": "storm AND", "b": "@a rain", "c": "@b rain"}, {"a"}),
        ({"b": "@a rain", "a": "storm AND"}, {"a"}),
        ({"a": "storm AND", "b": "@a rain AND @none"}, {"a", "b"}),
        ({"b": "@towns rain", "c": "@b"}, {"towns"}),
    ],
)
def test_what_uses_a_broken_one_is_not_wrong_itself(
    queries: dict[str, str], wrong: set[str]
) -> None:
    found = told(*([TOWNS] if "towns" in wrong else []), **queries)
    assert set(found) == wrong
    assert not any(
        "is called 'a'" in text or "is called 'towns'" in text for text in found.values()
    )


def test_it_says_what_it_uses() -> None:
    topics = [Topic(id=name, name="", query=query) for name, query in (("a", "x ("), ("b", "@a"))]
    error = compile_topics(topics).errors["b"]
    assert str(error) == "it uses @a, which does not hold: correct that one"


def test_a_stemmer_that_there_is_not_hides_nothing() -> None:
    (found,) = told(a="english|storm AND").values()
    assert found.startswith("stem: no stemmer for the language 'english'; did you mean en?")
    assert found.endswith("; column 7: AND needs something on both sides")
    (found,) = told(a="xx|storm").values()
    assert found.startswith("stem: no stemmer for the language 'xx'; there are ar, ca,")


def test_every_wrong_term_of_a_list_is_told() -> None:
    words = WordList(name="w", terms=("=", "storm", "mi*", "x" * 50 + "…*?"))
    assert told(words)["w"].count(": ") > 2
    assert "mi*: " in told(words)["w"]
    assert told(WordList(name="w", terms=()))["w"] == "the list has no term: add one"
