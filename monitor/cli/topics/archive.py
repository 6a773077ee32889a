"""The archive as commands on topics need it: if it is there, and its articles of the last days."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from monitor import app
from monitor.cli.session import err, fail
from monitor.config import Config
from monitor.errors import Unavailable
from monitor.model import ArticleRow
from monitor.protocols import Archive

PAGE = 500
SEVERAL = 3
"""Ids that are named where a beginning is not enough."""
_BEGINNING = re.compile(r"[0-9a-f]{4,31}")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_SINCE = re.compile(r"(\d{1,5})([hdw])")

Since = Annotated[str, typer.Option(help="How far to look back: 12h, 30d, 8w.")]


def start_of(since: str, now: datetime) -> datetime:
    """Return the moment that `--since` means, or exit with 2."""
    found = _SINCE.fullmatch(since)
    if found is None or not int(found[1]):
        fail(f"--since {since}: write a number of hours, days or weeks: 12h, 30d, 8w")
    try:
        return now - int(found[1]) * _UNITS[found[2]]
    except OverflowError:
        return datetime.min.replace(year=1970, tzinfo=now.tzinfo)


@asynccontextmanager
async def archive_if_there(config: Config) -> AsyncIterator[Archive | None]:
    """Yield the archive, or None where it cannot be opened or was never made.

    For commands that only look something up in it: they make no database, and need none.
    """
    file = config.settings.database_file
    if file is not None and not file.exists():
        yield None
        return
    store = app.connect_store(config.settings)
    try:
        try:
            await store.start()
            await store.migrate()
        except Unavailable as error:
            err.print(f"without the database: {error}", style="yellow", markup=False)
            yield None
        else:
            yield store
    finally:
        await store.stop()


async def article_named(archive: Archive, wanted: str) -> ArticleRow | None:
    """Return the article of an id or of an id's beginning, None where there is none.

    Exits with 2 where several ids begin so.
    """
    row = await archive.article(wanted)
    if row is not None or not _BEGINNING.fullmatch(wanted):
        return row
    found = await archive.article_ids(wanted, SEVERAL)
    if len(found) > 1:
        fail(f"several articles have an id that begins with {wanted}: {', '.join(found)}")
    return await archive.article(found[0]) if found else None


async def pages_since(
    archive: Archive, start: datetime, now: datetime, doing: str
) -> AsyncIterator[Sequence[ArticleRow]]:
    """Yield the articles fetched from `start` on, page by page, with a progress bar.

    How far it has come is told by the articles' times: nobody has to count them first.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(doing, total=max((now - start).total_seconds(), 1.0))
        when, seq = start, 0
        while rows := await archive.articles_since(when, seq, PAGE):
            yield rows
            when, seq = rows[-1].article.fetched, rows[-1].seq
            progress.update(task, completed=(when - start).total_seconds())
