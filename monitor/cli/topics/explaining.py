"""`monitor topics explain`: why an article matches, or what it lacks."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from monitor.cli.output import plain, print_json
from monitor.cli.session import FAILED, Json, execute, fail, load_config, out
from monitor.cli.topics.archive import archive_if_there, article_named
from monitor.cli.topics.lookup import Subject, known_topics, subject_among
from monitor.cli.topics.reading import Found, article_of, reader_of
from monitor.cli.topics.tree import WIDTH, as_json, tree_of
from monitor.config import Config
from monitor.model import Article
from monitor.topics.explain import Part, explain
from monitor.topics.nearmiss import changes, told
from monitor.topics.text import Text


def explain_topic(
    topic: Annotated[str, typer.Argument(help="A topic, or a query.")],
    article: Annotated[
        str,
        typer.Argument(help="The id of a stored article, a file, a text, or - for the input."),
    ],
    id: Annotated[str, typer.Option(help="Which article of a file that holds several.")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Show all parts, also those that say nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what each part of a query matched and where, or the least that is missing."""
    config = load_config()
    subject, found = execute(_find(config, topic, article, id))
    part = explain(subject.query.root, Text.of(found))
    if json:
        print_json(_as_json(subject, found, part))
    else:
        _print(subject, found, part, everything)
    if not part.holds:
        raise typer.Exit(FAILED)


async def _find(config: Config, topic: str, article: str, which: str) -> tuple[Subject, Article]:
    async with archive_if_there(config) as archive:
        subject = subject_among(topic, await known_topics(config, archive))
        if article == "-":
            found = article_of(sys.stdin.buffer.read(), "the input")
            return subject, _one(found, "the input", which)
        if await asyncio.to_thread(Path(article).is_file):
            async with reader_of(config) as reader:
                return subject, _one(await reader.file(Path(article)), article, which)
        row = await article_named(archive, article) if archive else None
        if row is not None:
            return subject, row.article
        if " " in article.strip():  # neither an id nor the name of a file that is missing
            return subject, _one(article_of(article.encode(), "the text"), "the text", which)
        fail(f"{plain(article)} is neither a file nor the id of a stored article")


def _one(found: Found, where: str, which: str) -> Article:
    articles = [each for each in found.articles if not which or each.id == which]
    if len(articles) == 1:
        return articles[0]
    if not found.articles:
        fail("; ".join(found.problems) or f"{where} holds no article")
    if which:
        fail(f"{where} holds no article with the id {which}")
    ids = ", ".join(each.id for each in articles[:3])
    fail(f"{where} holds {len(articles)} articles: choose one with --id ({ids}, …)")


def _print(subject: Subject, article: Article, part: Part, everything: bool) -> None:
    out.print(plain(article.title) or "(no title)", style="bold", markup=False)
    # A pipe has no width of its own, and what is cut off there is lost.
    wide = out if out.is_terminal else Console(width=WIDTH, highlight=False)
    wide.print(tree_of(part, wide.width, everything=everything))
    if part.holds:
        out.print(f"It matches {subject.shown}.", markup=False)
        return
    missing = changes(part)
    out.print(f"It does not match {subject.shown}. The least that is missing:", markup=False)
    for change in missing:
        out.print(f"  • {plain(told(change))}", markup=False)


def _as_json(subject: Subject, article: Article, part: Part) -> dict[str, object]:
    return {
        "topic": subject.topic.id if subject.topic else None,
        "query": str(subject.query),
        "article": {"id": article.id, "title": article.title},
        "matches": part.holds,
        "tree": as_json(part),
        "missing": [
            {
                "present": change.present,
                "any_of": [each.text for each in change.parts],
                "sentence": told(change),
            }
            for change in changes(part)
        ],
    }
