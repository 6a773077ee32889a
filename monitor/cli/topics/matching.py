"""`monitor topics match`: which of many articles in a file match."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from monitor.cli.output import print_json
from monitor.cli.session import FAILED, Json, err, fail
from monitor.cli.topics.lookup import Subject, declared_subject
from monitor.clock import SystemClock
from monitor.topics.jsonlines import Line, read_lines
from monitor.topics.matcher import Matcher

BATCH = 256


def match(
    topic: Annotated[str, typer.Argument(help="A topic, or a query.")],
    file: Annotated[
        Path,
        typer.Argument(help="Articles as JSON lines, or a recording; - reads them from the input."),
    ],
    json: Json = False,
) -> None:
    """Print the ids of the articles that match, one a line."""
    subject = declared_subject(topic)
    found: list[str | int] = []
    problems = 0
    with _opened(file) as lines:
        for line in _matching(subject, read_lines(lines, SystemClock().now())):
            if line.problem:
                problems += 1
                err.print(f"{file} line {line.number}: {line.problem}", style="red", markup=False)
            elif json:
                found.append(line.id)
            else:
                sys.stdout.write(f"{line.id}\n")
    if json:
        print_json(found)
    if problems:
        raise typer.Exit(FAILED)


def _matching(subject: Subject, lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the lines whose articles match, and those that hold none, in the file's order."""
    matcher = Matcher()
    matcher.put(subject.label, subject.query.root)
    lines = iter(lines)
    while batch := list(islice(lines, BATCH)):
        articles = [line.article for line in batch if line.article is not None]
        found = iter(matcher.match(articles))
        for line in batch:
            if line.article is None or next(found):
                yield line


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Yield a file's lines, or exit with 2 where it cannot be opened."""
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    with file:
        yield file
