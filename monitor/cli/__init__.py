"""The command line: parses, calls the service's parts, prints. One module per noun."""

from __future__ import annotations

import typer

from monitor import __version__
from monitor.cli import alerts, articles, check, dlq, replay, run, search, sources, tail, topics

cli = typer.Typer(
    name="monitor",
    help="News Monitor: polls sources, tags articles by your topics, and alerts within seconds.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

cli.command("run")(run.run)
cli.command("check")(check.check)
cli.command("replay")(replay.replay)
cli.command("record")(replay.record)
cli.command("articles")(articles.articles)
cli.command("search")(search.search)
cli.command("tail")(tail.tail)
cli.add_typer(sources.commands, name="sources")
cli.add_typer(topics.commands, name="topics")
cli.add_typer(alerts.commands, name="alerts")
cli.add_typer(dlq.commands, name="dlq")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"news-monitor {__version__}")
        raise typer.Exit


@cli.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """News Monitor: polls sources, tags articles by your topics, and alerts within seconds."""


def main() -> None:
    """The entry point of `monitor`."""
    cli()
