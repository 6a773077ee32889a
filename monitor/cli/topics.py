"""`monitor topics`: what is watched for, and what a text would match."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monitor import app
from monitor.cli.output import print_json, print_table
from monitor.cli.session import FAILED, USAGE, Json, err, execute, existing, load_config
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.replay import Reading, read_fixtures
from monitor.topics.compile import matcher_of

commands = typer.Typer(help="The news subjects that are watched for.", no_args_is_help=True)


@commands.command("list")
def list_topics(json: Json = False) -> None:
    """List the topics with their queries."""
    config = load_config()
    if json:
        print_json(config.topics)
        return
    print_table(
        ("topic", "name", "query"),
        [(topic.id, topic.name, topic.query) for topic in config.topics],
        "No topics. Add one to topics.yaml.",
    )


@commands.command("test")
def try_topics(
    paths: Annotated[list[Path], typer.Argument(help="Texts, recordings, saved feeds, folders.")],
    topic: Annotated[str, typer.Option(help="This topic must match every article.")] = "",
    json: Json = False,
) -> None:
    """Show which topics the articles of files match; exit code 1 where one matches none."""
    config = load_config()
    if topic and topic not in {item.id for item in config.topics}:
        err.print(f"error: no topic is called '{topic}'", style="red", markup=False)
        raise typer.Exit(USAGE)
    reading: Reading = execute(_read(config, existing(paths)))
    found = matcher_of(config.topics).match(reading.articles)
    pairs = list(zip(reading.articles, found, strict=True))
    if json:
        print_json([{"title": article.title, "topics": matched} for article, matched in pairs])
    else:
        print_table(
            ("title", "topics"), [(item.title, matched) for item, matched in pairs], "No articles."
        )
    for problem in reading.problems:
        err.print(problem, style="red", markup=False)
    missed = [matched for matched in found if (topic not in matched if topic else not matched)]
    if missed or reading.problems or not found:
        raise typer.Exit(FAILED)


async def _read(config: Config, paths: list[Path]) -> Reading:
    service = app.compose(config)
    try:
        return await read_fixtures(paths, service.parser, SystemClock())
    finally:
        await service.parser.close()
