"""`monitor topics`: what is watched for, why it matches, and what a change of it would do."""

from __future__ import annotations

import typer

from monitor.cli.topics import (
    checking,
    explaining,
    listing,
    marking,
    matching,
    rehearsing,
    suggesting,
    testing,
)

commands = typer.Typer(help="The news subjects that are watched for.", no_args_is_help=True)

commands.command("list")(listing.list_topics)
commands.command("check")(checking.check)
commands.command("test")(testing.run_expectations)
commands.command("explain")(explaining.explain_topic)
commands.command("match")(matching.match)
commands.command("rehearse")(rehearsing.rehearse)
commands.command("suggest")(suggesting.suggest)
commands.command("wrong")(marking.wrong)
