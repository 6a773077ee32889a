"""`monitor sources`: what is followed, and how its polls go."""

from __future__ import annotations

import typer

from monitor.cli.sources import edit, follow, listing, polling, transfer

commands = typer.Typer(help="What is followed, and how its polls go.", no_args_is_help=True)

commands.command("add")(follow.add)
commands.command("list")(listing.list_sources)
commands.command("show")(listing.show)
commands.command("poll")(polling.poll)
commands.command("pause")(edit.pause)
commands.command("resume")(edit.resume)
commands.command("remove")(edit.remove)
commands.command("import")(transfer.import_sources)
commands.command("export")(transfer.export_sources)
commands.command("politeness")(listing.politeness)
