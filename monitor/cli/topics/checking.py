"""`monitor topics check`: are the queries right, and do they mean what their authors meant?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.output import counted, plain, print_json
from monitor.cli.session import FAILED, Json, execute, existing, load_config, out
from monitor.cli.topics.archive import Since, archive_if_there, start_of
from monitor.cli.topics.lookup import Known, declared_in, errors_of, known_topics, topic_named
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.model import Topic
from monitor.topics.advice import Surprise, strangers, surprises
from monitor.vocabulary import NewestWords


def check(
    file: Annotated[Path | None, typer.Argument(help="A changed file of topics.")] = None,
    topic: Annotated[list[str] | None, typer.Option(help="Only this topic; repeatable.")] = None,
    since: Since = "30d",
    json: Json = False,
) -> None:
    """Tell what is wrong with the topics' queries, and what may surprise; exit code 1 if wrong."""
    config = load_config()
    if file is not None:
        existing([file])
    start_of(since, SystemClock().now())
    found: _Looked = execute(_look(config, file, since, topic or ()))
    if json:
        surprises = [(name, surprise.sentence) for name, surprise in found.surprises]
        print_json({"problems": _fields(found.problems), "surprises": _fields(surprises)})
    else:
        _print(found)
    if found.problems:
        raise typer.Exit(FAILED)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was found: each with the id of its topic."""

    topics: Sequence[Topic]
    problems: list[tuple[str, str]]
    surprises: list[tuple[str, Surprise]]


async def _look(config: Config, file: Path | None, since: str, wanted: Collection[str]) -> _Looked:
    async with archive_if_there(config) as archive:
        known = await known_topics(config, archive)
        if file is not None:
            known = declared_in(file, known)
        topics = [topic_named(name, known) for name in wanted] or known.topics
        start = start_of(since, SystemClock().now())
        seen = await NewestWords.since(archive, start) if archive is not None else None
        told = [(topic.id, each) for topic in topics for each in await _told(topic, known, seen)]
    ids = {topic.id for topic in topics}
    errors = errors_of(known)
    problems = [(name, str(error)) for name, error in errors.items() if name in ids or not wanted]
    return _Looked(topics, problems, told)


async def _told(topic: Topic, known: Known, seen: NewestWords | None) -> list[Surprise]:
    query = known.compiled.queries.get(topic.id)
    if query is None:
        return []
    unseen = await strangers(query, seen) if seen is not None else []
    return [*surprises(query, topic.query), *unseen]


def _print(found: _Looked) -> None:
    for name, sentence in found.problems:
        out.print(f"✗ {plain(name)}: {plain(sentence)}", style="red", markup=False)
    quiet = [(name, surprise) for name, surprise in found.surprises if surprise.quiet]
    for name, surprise in quiet:
        out.print(f"· {plain(name)}: {plain(surprise.sentence)}", style="dim", markup=False)
    loud = [(name, surprise) for name, surprise in found.surprises if not surprise.quiet]
    for name, surprise in loud:
        out.print(f"! {plain(name)}: {plain(surprise.sentence)}", style="yellow", markup=False)
    told = f"{counted(len(found.problems), 'problem')}, {counted(len(loud), 'surprise')}"
    unseen = f", {len(quiet)} with words of which nothing was seen" if quiet else ""
    out.print(f"{counted(len(found.topics), 'topic')}: {told}{unseen}.", markup=False)


def _fields(told: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"topic": name, "text": sentence} for name, sentence in told]
