"""`monitor topics check`: are the queries right, and do they mean what their authors meant?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.output import counted, plain, print_json
from monitor.cli.session import FAILED, Json, execute, existing, load_config, out
from monitor.cli.topics.archive import Since, archive_if_there, pages_since, start_of
from monitor.cli.topics.lookup import Known, declared_in, errors_of, known_topics
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.protocols import Archive
from monitor.text.words import words
from monitor.topics.advice import Surprise, strangers, surprises
from monitor.topics.evaluate import fitting
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
            for row in rows:
                article = row.article
                text = (article.title, article.summary, article.body)
                seen._counts.update({word for part in text for word in words(part)})
            seen.articles += len(rows)
        return seen

    async def count(self, words: Collection[str]) -> Mapping[str, int]:
        """Return how many articles hold each of these words."""
        return {word: self._counts[word] for word in words}

    async def expand(self, word: Stem | Wildcard | Fuzzy, limit: int) -> int:
        """Return for how many words this one stands, at most `limit`."""
        fits, number = fitting(word), 0
        for known in self._counts:
            number += fits(known)
            if number == limit:
                break
        return number


def check(
    file: Annotated[Path | None, typer.Argument(help="A changed file of topics.")] = None,
    since: Since = "30d",
    json: Json = False,
) -> None:
    """Tell what is wrong with the topics' queries, and what may surprise; exit code 1 if wrong."""
    config = load_config()
    if file is not None:
        existing([file])
    start_of(since, SystemClock().now())
    known: Known
    told: list[tuple[str, Surprise]]
    known, told = execute(_look(config, file, since))
    problems = [(name, str(error)) for name, error in errors_of(known).items()]
    unexpected = [(name, surprise.sentence) for name, surprise in told]
    if json:
        print_json({"problems": _fields(problems), "surprises": _fields(unexpected)})
    else:
        _print(known, problems, unexpected)
    if problems:
        raise typer.Exit(FAILED)


async def _look(
    config: Config, file: Path | None, since: str
) -> tuple[Known, list[tuple[str, Surprise]]]:
    async with archive_if_there(config) as archive:
        known = await known_topics(config, archive)
        seen = await _Seen.of(archive, since) if archive is not None else _Seen()
    if file is not None:
        known = declared_in(file, known)
    told: list[tuple[str, Surprise]] = []
    for topic in known.topics:
        query = known.compiled.queries.get(topic.id)
        if query is not None:
            found = [*surprises(query, topic.query), *await strangers(query, seen)]
            told += [(topic.id, surprise) for surprise in found]
    return known, told


def _print(
    known: Known, problems: list[tuple[str, str]], unexpected: list[tuple[str, str]]
) -> None:
    for name, sentence in problems:
        out.print(f"✗ {plain(name)}: {plain(sentence)}", style="red", markup=False)
    for name, sentence in unexpected:
        out.print(f"! {plain(name)}: {plain(sentence)}", style="yellow", markup=False)
    told = f"{counted(len(problems), 'problem')}, {counted(len(unexpected), 'surprise')}"
    out.print(f"{counted(len(known.topics), 'topic')}: {told}.", markup=False)


def _fields(told: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"topic": name, "text": sentence} for name, sentence in told]
