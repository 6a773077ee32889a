"""`monitor articles`: what is stored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

import typer

from monitor.cli.output import ID, print_json, print_table
from monitor.cli.session import Json, execute, load_config, opened_store
from monitor.config import Config
from monitor.model import ArticleFilter, ArticleRow
from monitor.protocols import Archive
from monitor.text.urls import canonical_url

RECENT = 1_000
"""Newest articles that are looked through for the names of sources that are followed no more."""
NAMED = 5


def articles(
    topic: Annotated[str, typer.Option(help="Only those tagged with this topic.")] = "",
    source: Annotated[str, typer.Option(help="Only those of this source.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    json: Json = False,
) -> None:
    """List stored articles, the latest first; `monitor search` looks for words in them."""
    which = ArticleFilter(topic=topic, source=source, limit=limit)
    rows, elsewhere = execute(_list(load_config(), which))
    if json:
        print_json(rows)
        return
    print_rows(rows, _nothing(which) + elsewhere)


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


async def _list(config: Config, which: ArticleFilter) -> tuple[list[ArticleRow], str]:
    """Return articles; of a source that has none, also where they may be."""
    async with opened_store(config) as store:
        rows = list(await store.articles(which))
        alone = which.source and not which.topic and not rows
        return rows, await _elsewhere(config, store, which.source) if alone else ""


async def _elsewhere(config: Config, store: Archive, name: str) -> str:
    """Return a sentence on the articles of a source that has another name now: they keep the old
    one."""
    stored = await store.locations()
    known = {**stored, **{source.name: source.location for source in config.sources}}
    if name not in known:
        return ""
    address = canonical_url(known[name])
    others = [
        other
        for other, location in known.items()
        if other != name and canonical_url(location) == address
    ]
    if others:
        return f" Those of its address stand under {_quoted(others)}."
    recent = {row.article.source for row in await store.articles(ArticleFilter(limit=RECENT))}
    if not (left := recent - known.keys()):
        return ""
    return (
        " Where this is the new name of an old source, its articles keep the old one; of sources"
        f" that are followed no more: {_quoted(left)}."
    )


def _quoted(names: Collection[str]) -> str:
    shown = [f"'{name}'" for name in sorted(names)[:NAMED]]
    return ", ".join(shown) + (", …" if len(names) > NAMED else "")
