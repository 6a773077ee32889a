"""What is watched for: `topics.yaml`, `topics/*.yaml`, and the word lists in `lists/*.txt`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from monitor.declarations.entries import (
    NAME,
    NAME_RULE,
    Declaration,
    Entry,
    Kind,
    read_entries,
    read_sections,
)
from monitor.errors import Problem
from monitor.model import Expectations, Priority, Topic, WordList
from monitor.yamlfile import names_near

TopicsCheck: TypeAlias = Callable[
    [Sequence[Topic], Sequence[WordList]], Mapping[str, Sequence[str]]
]
"""What is wrong with topics and word lists that belong together, by name. What only uses something
that is wrong is not wrong itself."""


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


_TOPIC = Kind("topic", TopicEntry, "{query: harbour AND strike}", {"query": ""})


def read_topics(
    folder: Path, check: TopicsCheck, problems: list[Problem]
) -> tuple[tuple[Topic, ...], tuple[WordList, ...]]:
    """Return the declared topics and word lists of a configuration, as far as they can be
    understood: what is in a file that cannot be read has its name and no query."""
    places: dict[str, str] = {}
    unjudged: set[str] = set()
    topics, again = _of_files(folder, places, unjudged, problems)
    lists: list[WordList] = []
    for path in sorted((folder / "lists").glob("*.txt")):
        places[path.stem] = f"word list {path}"
        lists += _word_list(path, problems)
        unjudged |= {path.stem} - {each.name for each in lists}
    known = {topic.id for topic in topics}
    topics += [Topic(id=name, name=name, query="") for name in sorted(unjudged - known)]
    for name, wrong in check(topics, lists).items():
        if name not in unjudged:
            problems.extend(_told(places[name], sentence) for sentence in wrong)
    for place, topic in again:
        others = [each for each in topics if each.id != topic.id]
        wrong = check([*others, topic], lists).get(topic.id, ())
        problems.extend(_told(place, sentence) for sentence in wrong)
    return tuple(topics), tuple(lists)


def _of_files(
    folder: Path, places: dict[str, str], unjudged: set[str], problems: list[Problem]
) -> tuple[list[Topic], list[tuple[str, Topic]]]:
    """Return the topics of all files, and those that are there again, with their places."""
    topics: list[Topic] = []
    again: list[tuple[str, Topic]] = []
    for path in (folder / "topics.yaml", *sorted((folder / "topics").glob("*.yaml"))):
        entries = _entries(path, problems)
        if entries is None:
            unjudged.update(names_near(path))
        for entry in entries or ():
            if entry.name not in places:
                places[entry.name] = entry.place
                topics.append(_topic(entry))
                unjudged |= {entry.name} if "query" in entry.wrong else set()
                continue
            other = places[entry.name].rpartition(" in ")[2]
            problems.append(Problem(entry.place, f"is in {other} as well: rename one of them"))
            again += [] if "query" in entry.wrong else [(entry.place, _topic(entry))]
    return topics, again


def _told(place: str, sentence: str) -> Problem:
    of_query = not (place.startswith("word list") or sentence.startswith("stem: "))
    return Problem(place, f"query: {sentence}" if of_query else sentence)


def taken_over(names: Iterable[str]) -> list[str]:
    """Return a sentence for each declared topic that a user had made until now."""
    place = "it takes the place of the one of that name that was added at run time"
    return [f"topic '{name}' is declared in a file now: {place}" for name in names]


def read_topic_file(path: Path, problems: list[Problem]) -> tuple[Topic, ...]:
    """Return the topics of one file, their queries unread."""
    return tuple(map(_topic, _entries(path, problems) or ()))


def _entries(path: Path, problems: list[Problem]) -> list[Entry[TopicEntry]] | None:
    content = read_sections(path, ("topics",), problems)
    return None if content is None else read_entries(content, path, "topics", _TOPIC, problems)


def _topic(entry: Entry[TopicEntry]) -> Topic:
    content = entry.content
    return Topic(
        id=entry.name,
        name=content.name or entry.name,
        query=content.query,
        stem=content.stem,
        description=content.description,
        priority=content.priority,
        expect=Expectations(match=content.expect.match, no_match=content.expect.no_match),
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
