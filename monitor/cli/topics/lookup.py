"""What TOPIC and QUERY mean on the command line: a topic by its name, else a query."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from monitor import app
from monitor.cli.session import fail, refuse
from monitor.cli.topics.archive import archive_if_there
from monitor.config import Config
from monitor.declarations import NAME, nearest, read_topic_file, read_topics
from monitor.errors import ConfigError, Problem
from monitor.model import Owner, Topic, WordList
from monitor.protocols import Archive
from monitor.settings import PREFIX
from monitor.topics.compile import Compiled, compile_topics, parse_with
from monitor.topics.query import Query, QueryError
from monitor.topics.tree import Node


@dataclass(frozen=True, slots=True)
class Known:
    """The topics and word lists that there are."""

    topics: tuple[Topic, ...]
    lists: tuple[WordList, ...]
    compiled: Compiled


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked for: a topic, or a query that was given instead of one."""

    query: Query
    topic: Topic | None = None

    @property
    def label(self) -> str:
        """The topic's id; no topic has the one of a query."""
        return self.topic.id if self.topic else ""

    @property
    def shown(self) -> str:
        """What people call it."""
        return f"the topic '{self.topic.id}'" if self.topic else "the query"


def known_of(topics: Sequence[Topic], lists: Sequence[WordList]) -> Known:
    """Return topics with their queries, as far as these hold."""
    return Known(tuple(topics), tuple(lists), compile_topics(topics, lists))


def known_without_archive(config: Config) -> Known:
    """Return the topics that are declared."""
    return known_of(config.topics, config.lists)


async def known_topics(config: Config, archive: Archive | None) -> Known:
    """Return the topics that are declared, and those that people made, as far as there is an
    archive. Raises Unavailable."""
    if archive is None:
        return known_without_archive(config)
    stored = {topic.id: topic for topic in await archive.topics()}
    declared = [
        replace(topic, version=version_of(topic, stored.pop(topic.id, None)))
        for topic in config.topics
    ]
    made = [topic for topic in stored.values() if topic.owner is Owner.USER]
    return known_of([*declared, *made], config.lists)


def version_of(topic: Topic, stored: Topic | None) -> int:
    """Return the version that a topic has, or will have once it is live."""
    if stored is None:
        return 1
    same = (topic.query, topic.stem) == (stored.query, stored.stem)
    return stored.version if same else stored.version + 1


async def known_if_there(config: Config) -> Known:
    """Return the topics that there are, for a command that needs no archive."""
    async with archive_if_there(config) as archive:
        return await known_topics(config, archive)


def declared_in(path: Path, known: Known, without: Collection[str] = ()) -> Known:
    """Return the topics of a file of topics, which may use all others but those `without`.

    Raises ConfigError with what is no entry.
    """
    problems: list[Problem] = []
    topics = read_topic_file(path, problems)
    if problems:
        raise ConfigError(problems)
    names = {topic.id for topic in topics} | set(without)
    others = [topic for topic in known.topics if topic.id not in names]
    return Known(topics, known.lists, compile_topics([*topics, *others], known.lists))


def query_of(topic: Topic, known: Known) -> Query:
    """Return a topic's query, or exit with 2 where it does not hold."""
    error = known.compiled.errors.get(topic.id)
    if error is not None:
        fail(f"topic '{topic.id}': {error}")
    return known.compiled.queries[topic.id]


def queries_of(known: Known) -> Mapping[str, Node]:
    """Return the queries of all topics, or exit with 2 and what is wrong with them."""
    if errors := errors_of(known):
        fail("; ".join(f"topic '{name}': {error}" for name, error in errors.items()))
    return {topic.id: known.compiled.queries[topic.id].root for topic in known.topics}


def errors_of(known: Known) -> Mapping[str, QueryError]:
    """Return what is wrong with topics, and with the word lists that they may use."""
    mine = {topic.id for topic in known.topics} | {each.name for each in known.lists}
    return {name: error for name, error in known.compiled.errors.items() if name in mine}


def topic_named(name: str, known: Known) -> Topic:
    """Return a topic, or exit with 2 where there is none of that name."""
    for topic in known.topics:
        if topic.id == name:
            return topic
    fail(f"no topic is called '{name}'{_meant(name, known)}")


def subject_among(wanted: str, known: Known) -> Subject:
    """Return what is looked for; exits with 2 where the query does not hold, and for one bare word
    that may be the mistyped name of a topic: what a wrong query finds looks like an answer."""
    for topic in known.topics:
        if topic.id == wanted:
            return Subject(query_of(topic, known), topic)
    if NAME.fullmatch(wanted) or (NAME.fullmatch(wanted.lower()) and _near(wanted, known)):
        fail(f"no topic is called '{wanted}'{_meant(wanted, known)}; {_as_query(wanted)}")
    try:
        return Subject(parse_with(wanted, known.compiled))
    except QueryError as error:
        fail(str(error))


def declared_subject(wanted: str) -> Subject:
    """Return what is looked for, without any database.

    Of a configuration that is wrong elsewhere the topics alone are read; a query needs none at all.
    """
    try:
        known = known_without_archive(app.load_config())
    except ConfigError as error:
        known = _topics_alone(wanted, error)
    return subject_among(wanted, known)


def _topics_alone(wanted: str, error: ConfigError) -> Known:
    folder = Path(os.environ.get(f"{PREFIX}CONFIG_DIR") or "config")
    problems: list[Problem] = []
    named = NAME.fullmatch(wanted) is not None
    if (folder / "topics.yaml").is_file():
        topics, lists = read_topics(folder, lambda topics, lists: {}, problems)
        if not problems:
            return known_of(topics, lists)
        if named:
            refuse(ConfigError(problems))
    elif named:
        fail(f"no topic is called '{wanted}' ({error.problems[0]}); {_as_query(wanted)}")
    return known_of((), ())


def _meant(name: str, known: Known) -> str:
    """Return a question for what is nearly a topic's name, else where the names are."""
    near = _near(name, known)
    return f" ({near or '`monitor topics list` shows them'})"


def _near(name: str, known: Known) -> str:
    return nearest(name.lower(), [topic.id for topic in known.topics])


def _as_query(word: str) -> str:
    return f"""as a query write it in quotes: '"{word}"'"""
