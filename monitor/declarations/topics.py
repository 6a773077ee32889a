"""What is watched for: `topics.yaml`, `topics/*.yaml`, and the word lists in `lists/*.txt`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from pydantic import TypeAdapter

from monitor.declarations.entries import NAME, NAME_RULE, Declaration, read_entries
from monitor.errors import Problem
from monitor.model import Expectations, Priority, Topic, WordList

TopicsCheck: TypeAlias = Callable[[Sequence[Topic], Sequence[WordList]], Mapping[str, str]]
"""What is wrong with topics and word lists that belong together, by name."""


class ExpectEntry(Declaration):
    """The keys of what a topic is tested with."""

    match: tuple[str, ...] = ()
    no_match: tuple[str, ...] = ()


class TopicEntry(Declaration):
    """The keys of a topic."""

    name: str = ""
    query: str
    stem: str = ""
    description: str = ""
    priority: Priority = Priority.NORMAL
    expect: ExpectEntry = ExpectEntry()


_TOPIC = TypeAdapter(TopicEntry)


def read_topics(
    folder: Path, check: TopicsCheck, problems: list[Problem]
) -> tuple[tuple[Topic, ...], tuple[WordList, ...]]:
    """Return the declared topics and word lists of a configuration."""
    places: dict[str, str] = {}
    topics: list[Topic] = []
    lists: list[WordList] = []
    for path in (folder / "topics.yaml", *sorted((folder / "topics").glob("*.yaml"))):
        for topic, place in _entries(path, problems):
            if topic.id in places:
                other = places[topic.id].rpartition(" in ")[2]
                problems.append(Problem(place, f"is in {other} as well: rename one of them"))
            places.setdefault(topic.id, place)
            topics.append(topic)
    for path in sorted((folder / "lists").glob("*.txt")):
        places[path.stem] = f"word list {path}"
        lists += _word_list(path, problems)
    for name, wrong in check(topics, lists).items():
        prefix = "" if places[name].startswith("word list") else "query: "
        problems.append(Problem(places[name], f"{prefix}{wrong}"))
    return tuple(topics), tuple(lists)


def read_topic_file(path: Path, problems: list[Problem]) -> tuple[Topic, ...]:
    """Return the topics of one file, their queries unread."""
    return tuple(topic for topic, _ in _entries(path, problems))


def _entries(path: Path, problems: list[Problem]) -> list[tuple[Topic, str]]:
    found = read_entries(path, "topics", ("topics",), "topic", _TOPIC, problems)
    return [(_topic(name, entry), place) for name, place, entry in found]


def _topic(name: str, entry: TopicEntry) -> Topic:
    return Topic(
        id=name,
        name=entry.name or name,
        query=entry.query,
        stem=entry.stem,
        description=entry.description,
        priority=entry.priority,
        expect=Expectations(match=entry.expect.match, no_match=entry.expect.no_match),
    )


def _word_list(path: Path, problems: list[Problem]) -> list[WordList]:
    """Return the list of a file: a term a line, what follows a # is a comment."""
    place = f"word list {path}"
    if not NAME.fullmatch(path.stem):
        problems.append(Problem(place, NAME_RULE))
        return []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(place, f"cannot be read: {error}"))
        return []
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [WordList(name=path.stem, terms=tuple(line for line in lines if line))]
