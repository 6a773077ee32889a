"""Articles that commands are given: as a text, as a file, or as an id in the archive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from monitor import app
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.errors import MonitorError
from monitor.model import Article, Document, Memory, Source
from monitor.protocols import Parser
from monitor.replay import read_fixtures
from monitor.sources import text as plain_text
from monitor.topics.jsonlines import read_lines

SOURCE = Source(name="text", type="text", location="-")


@dataclass(frozen=True, slots=True)
class Found:
    """The articles that were read, and a sentence for whatever could not be."""

    articles: tuple[Article, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class Reader:
    """Reads files once each, whoever asks for them."""

    parser: Parser
    _read: dict[Path, Found] = field(default_factory=dict)

    async def file(self, path: Path) -> Found:
        """Return the articles of a text, a saved feed, a recording, or JSON lines."""
        if path not in self._read:
            self._read[path] = await self._articles(path)
        return self._read[path]

    async def _articles(self, path: Path) -> Found:
        in_process = {".jsonl": _lines, ".txt": _text_file}.get(path.suffix)
        if in_process is not None:
            return await asyncio.to_thread(in_process, path)
        reading = await read_fixtures([path], self.parser, SystemClock())
        return Found(reading.articles, reading.problems)


@asynccontextmanager
async def reader_of(config: Config) -> AsyncIterator[Reader]:
    """Yield what reads files; saved feeds are parsed in processes of their own."""
    parser = app.connect_parser(config.settings)
    try:
        yield Reader(parser)
    finally:
        await parser.close()


def article_of(content: bytes, label: str) -> Found:
    """Return the article that a text is, as of a `.txt` file: its first line is the title."""
    document = Document(url=label, body=content, fetched=SystemClock().now())
    try:
        return Found(tuple(plain_text.parse(document, SOURCE, Memory()).articles))
    except MonitorError as error:
        return Found(problems=(f"{label}: {error}",))


def _text_file(path: Path) -> Found:
    try:
        return article_of(path.read_bytes(), str(path))
    except OSError as error:
        return Found(problems=(f"{path}: {error.strerror}",))


def _lines(path: Path) -> Found:
    try:
        with path.open("rb") as file:
            lines = list(read_lines(file, SystemClock().now()))
    except OSError as error:
        return Found(problems=(f"{path}: {error.strerror}",))
    return Found(
        tuple(line.article for line in lines if line.article is not None),
        tuple(f"{path} line {line.number}: {line.problem}" for line in lines if line.problem),
    )
