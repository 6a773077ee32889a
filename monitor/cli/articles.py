"""`monitor articles`: what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from monitor.cli.output import ID, print_json, print_table
from monitor.cli.session import Json, execute, load_config, opened_store
from monitor.config import Config
from monitor.model import ArticleFilter, ArticleRow


def articles(
    topic: Annotated[str, typer.Option(help="Only those tagged with this topic.")] = "",
    source: Annotated[str, typer.Option(help="Only those of this source.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    json: Json = False,
) -> None:
    """List stored articles, the latest first; `monitor search` looks for words in them."""
    which = ArticleFilter(topic=topic, source=source, limit=limit)
    rows: list[ArticleRow] = execute(_list(load_config(), which))
    if json:
        print_json(rows)
        return
    print_rows(rows, _nothing(which))


def _nothing(which: ArticleFilter) -> str:
    """Return why a listing may be empty, and what to do."""
    if which.topic:
        of = f" of the source '{which.source}'" if which.source else ""
        return (
            f"No stored article{of} has the topic '{which.topic}'. `monitor topics list` shows the"
            " topics; `monitor topics rehearse` what one finds."
        )
    if which.source:
        return (
            f"No stored article is of the source '{which.source}'. `monitor sources list` shows the"
            " sources."
        )
    return "No articles. `monitor run` polls the sources; `monitor sources list` shows how it goes."


def print_rows(rows: Sequence[ArticleRow], empty: str) -> None:
    """Print articles as a table, or what is said where there are none."""
    print_table(
        ("id", "published", "source", "title", "topics", "alerted"),
        [
            (
                row.article.id[:ID],
                f"{row.article.published:%Y-%m-%d %H:%M}" if row.article.published else "",
                row.article.source,
                row.article.title + (" (replayed)" if row.article.replayed else ""),
                row.article.topics,
                row.alerted,
            )
            for row in rows
        ],
        empty,
    )


async def _list(config: Config, which: ArticleFilter) -> list[ArticleRow]:
    async with opened_store(config) as store:
        return list(await store.articles(which))
