"""`monitor topics check`: are the queries right, and do they mean what their authors meant?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.output import counted, plain, print_json
from monitor.cli.session import FAILED, Json, execute, existing, load_config, out
from monitor.cli.topics.archive import Since, archive_if_there, pages_since, start_of
from monitor.cli.topics.lookup import declared_in, errors_of, known_topics, topic_named
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.model import Topic
from monitor.protocols import Archive
from monitor.topics.advice import Surprise, strangers, surprises
from monitor.topics.evaluate import count_fitting
from monitor.topics.matcher import frequencies_of
from monitor.topics.tree import Fuzzy, Stem, Wildcard


class _Seen:
    """The words of the stored articles of some time, each with how many articles hold it."""

    def __init__(self) -> None:
        self.articles = 0
        self._counts: Counter[str] = Counter()

    @classmethod
    async def of(cls, archive: Archive, since: str) -> _Seen:
        """Read the articles of the last days."""
        seen, now = cls(), SystemClock().now()
        async for rows in pages_since(archive, start_of(since, now), now, "reading"):
            seen._counts.update(frequencies_of(row.article for row in rows))
            seen.articles += len(rows)
        return seen

    async def count(self, words: Collection[str]) -> Mapping[str, int]:
        """Return how many articles hold each of these words."""
        return {word: self._counts[word] for word in words}

    async def expand(self, word: Stem | Wildcard | Fuzzy, limit: int) -> int:
        """Return for how many words this one stands, at most `limit`."""
        return count_fitting(word, self._counts, limit)


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
        seen = await _Seen.of(archive, since) if archive is not None else _Seen()
    if file is not None:
        known = declared_in(file, known)
    topics = [topic_named(name, known) for name in wanted] or known.topics
    ids = {topic.id for topic in topics}
    errors = errors_of(known)
    problems = [(name, str(error)) for name, error in errors.items() if name in ids or not wanted]
    told: list[tuple[str, Surprise]] = []
    for topic in topics:
        query = known.compiled.queries.get(topic.id)
        if query is not None:
            found = [*surprises(query, topic.query), *await strangers(query, seen)]
            told += [(topic.id, surprise) for surprise in found]
    return _Looked(topics, problems, told)


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
