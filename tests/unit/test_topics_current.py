"""Topics that change: what is parsed again, and what keeps running."""

from __future__ import annotations

from dataclasses import replace

from monitor.model import CatalogChange, Topic, WordList
from monitor.topics.compile import compile_topics
from monitor.topics.current import AT_ONCE, CurrentTopics
from monitor.topics.packed import pack
from monitor.topics.tree import Term


def a_topic(topic_id: str, query: str, version: int = 1) -> Topic:
    return Topic(id=topic_id, name=topic_id, query=query, version=version)


def of(*topics: Topic, lists: tuple[WordList, ...] = ()) -> CurrentTopics:
    current = CurrentTopics()
    current.take(CatalogChange(revision=1, topics=topics, lists=lists))
    return current


def canonical(current: CurrentTopics) -> dict[str, str]:
    names = compile_topics(current.topics.values(), current.lists.values()).queries
    assert {name: running.query for name, running in current.running.items()} == names
    return {name: str(running.query) for name, running in current.running.items()}


def test_a_change_touches_what_uses_it_and_nothing_else() -> None:
    current = of(a_topic("a", "x"), a_topic("b", "@a y"), a_topic("c", "@b z"), a_topic("d", "w"))
    change = CatalogChange(revision=2, topics=(a_topic("a", "v", 2),))
    assert current.take(change) == {"a", "b", "c"}
    assert set(canonical(current)) == {"a", "b", "c", "d"}
    assert current.running["a"].version == 2
    assert current.take(change) == set()


def test_what_was_missing_comes() -> None:
    current = of(a_topic("b", "@a y"))
    assert "no topic or word list is called" in str(current.errors["b"])
    assert current.running == {}
    words = WordList(name="a", terms=("x",))
    assert current.take(CatalogChange(revision=2, lists=(words,))) == {"b"}
    assert (current.errors, set(canonical(current))) == ({}, {"b"})


def test_a_topic_that_does_not_hold_any_more_runs_as_before() -> None:
    current = of(a_topic("a", "x"), a_topic("b", "@a y"))
    before = current.running["b"]
    assert current.take(CatalogChange(revision=2, removed_topics=("a",))) == {"a"}
    assert (set(current.running), current.running["b"]) == ({"b"}, before)
    assert set(current.errors) == {"b"}
    assert current.take(CatalogChange(revision=3, removed_topics=("b",))) == {"b"}
    assert (current.running, current.errors) == ({}, {})


def test_what_a_topic_would_break_is_told_before() -> None:
    current = of(a_topic("a", "x"), a_topic("b", "@a y"), a_topic("bad", "@none"))
    assert current.problems_with(a_topic("a", "z")) == {}
    assert set(current.problems_with(a_topic("a", "x AND"))) == {"a", "b"}
    assert "cannot use itself" in str(current.problems_with(a_topic("a", "@b"))["a"])
    assert current.users_of("a") == ["b"]
    assert set(current.running) == {"a", "b"}


def test_what_was_parsed_before_is_not_parsed_again() -> None:
    topics = (a_topic("a", "x"), a_topic("b", "@a y"), a_topic("c", "z"), a_topic("d", "@list"))
    lists = (WordList(name="list", terms=("w",)), WordList(name="e", terms=("w",)))
    change = CatalogChange(revision=1, topics=(*topics, a_topic("e", "v")), lists=lists)
    first = CurrentTopics()
    first.take(change)
    trees = first.parsed_anew(change)
    # What uses others is parsed with them, and what does not hold is told of each time.
    assert set(trees) == {"a", "c"}
    # Trees that no text says, to see where they come from.
    other = pack(Term("other"))
    again = replace(change, trees={name: other for name in "abcde"})
    second = CurrentTopics()
    assert second.take(again) == {"a", "b", "c", "d"}
    roots = {name: str(running.query) for name, running in second.running.items()}
    assert roots == {"a": "x", "b": "@a AND y", "c": "other", "d": "@list"}
    assert set(second.errors) == {"e"}
    assert second.parsed_anew(replace(again, trees={"a": other, "c": b"old"})).keys() == {"c"}


async def test_much_is_taken_over_by_a_copy() -> None:
    current = of(a_topic("a", "x"))
    many = tuple(a_topic(f"t{number}", "@a y") for number in range(AT_ONCE + 1))
    after, otherwise = await current.after(CatalogChange(revision=2, topics=many))
    assert (len(otherwise), len(after.running), len(current.running)) == (AT_ONCE + 1, 102, 1)
    same, _ = await after.after(CatalogChange(revision=3, removed_topics=("a",)))
    assert same is after
    assert len(after.errors) == AT_ONCE + 1
