"""Records a channel, and replays recordings and fixtures through the outbox, as a poll would.

A replayed article says so. Nothing that is known is sent again, so a second replay of the same
files changes nothing and alerts nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from monitor.channels import (
    ALERT_RAISED,
    ARTICLE_DEDUPLICATED,
    ARTICLE_FETCHED,
    ARTICLE_TAGGED,
    Channel,
)
from monitor.decide import replayed_changes
from monitor.errors import MonitorError, Rejected
from monitor.events import decode, dump_line, load, load_line
from monitor.model import AlertRow, Article, Document, Memory, Source
from monitor.protocols import Broker, Clock, Parser, Sources, Turns

BATCH = 500
SOURCE = "replay"
TYPE_OF = {".txt": "text", ".json": "jsonfeed"} | dict.fromkeys(
    (".xml", ".rss", ".atom", ".rdf"), "feed"
)
ENDINGS = frozenset({".jsonl"}) | TYPE_OF.keys()
HOLDS_ARTICLE = frozenset(
    channel.name for channel in (ARTICLE_FETCHED, ARTICLE_DEDUPLICATED, ARTICLE_TAGGED)
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the files held: the articles, and a sentence for each file or line that is none."""

    articles: tuple[Article, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay did: how much it read, what was new, and the alerts of that."""

    read: int
    new: tuple[Article, ...]
    alerts: tuple[AlertRow, ...]
    problems: tuple[str, ...]


class Replayed(Sources, Turns, Protocol):
    """What a replay needs of storage."""


async def read_fixtures(paths: Iterable[Path], parser: Parser, clock: Clock) -> Reading:
    """Read fixtures (`.txt`), recordings (`.jsonl`) and saved feeds; folders with all in them."""
    articles: list[Article] = []
    problems: list[str] = []
    for path in await asyncio.to_thread(_expand, paths, problems):
        try:
            body = await asyncio.to_thread(path.read_bytes)
            if path.suffix == ".jsonl":
                articles += _recorded(path, body, problems)
            else:
                articles += await _parsed(path, body, parser, clock)
        except (MonitorError, OSError) as error:
            problems.append(f"{path}: {error}")
    return Reading(tuple(articles), tuple(problems))


async def replay(
    articles: Sequence[Article], store: Replayed, *, deliver: bool
) -> tuple[Article, ...]:
    """Put what is not known yet into the outbox; return it.

    Without `deliver` the alerts reach the log and the page only. Raises Unavailable.
    """
    marked = [replace(article, replayed=True, muted=not deliver, topics=()) for article in articles]
    recorded: list[Article] = []
    for start in range(0, len(marked), BATCH):
        batch = marked[start : start + BATCH]
        known = await store.known([article.id for article in batch])
        changed = replayed_changes(batch, known)
        new = set(await store.record_articles(changed))
        recorded += [article for article in changed if article.id in new]
    return tuple(recorded)


async def record(
    broker: Broker, channel: Channel, *, from_start: bool, follow: bool
) -> AsyncIterator[bytes]:
    """Yield a channel's events as lines that `replay` takes; records that are none are left out."""
    async for found in broker.read(channel, from_start=from_start, follow=follow):
        try:
            yield dump_line(decode(found))
        except Rejected:
            continue


def _expand(paths: Iterable[Path], problems: list[str]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [item for item in sorted(path.rglob("*")) if item.suffix in ENDINGS]
            files += inside
            if not inside:
                problems.append(f"{path}: the folder holds no {_endings()} file")
        elif not path.exists():
            problems.append(f"{path}: no such file")
        elif path.suffix not in ENDINGS:
            problems.append(f"{path}: a replay takes {_endings()} files")
        else:
            files.append(path)
    return files


def _endings() -> str:
    return ", ".join(sorted(ENDINGS))


def _recorded(path: Path, body: bytes, problems: list[str]) -> list[Article]:
    """Return the articles of a recording; a line that holds none is a problem, not the end."""
    articles = []
    for number, line in enumerate(body.splitlines(), 1):
        if not line.strip():
            continue
        try:
            event = load_line(line)
            if event.type not in HOLDS_ARTICLE:
                hint = (
                    " (record news.article.fetched instead)"
                    if event.type == ALERT_RAISED.name
                    else ""
                )
                raise Rejected(f"an event of type {event.type} holds no article{hint}")
            article = load(Article, event.data)
            if article.fetched.tzinfo is None:
                raise Rejected("its times have no time zone")
            articles.append(article)
        except Rejected as error:
            problems.append(f"{path} line {number}: {error}")
    return articles


async def _parsed(path: Path, body: bytes, parser: Parser, clock: Clock) -> Sequence[Article]:
    source = Source(name=SOURCE, type=TYPE_OF[path.suffix], location=str(path), title="Replay")
    document = Document(url=str(path), body=body, fetched=clock.now())
    return (await parser.parse(source, document, Memory())).articles
