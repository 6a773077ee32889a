"""`monitor run`: the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from monitor import __version__, app
from monitor.cli.output import counted
from monitor.cli.session import FAILED, err, execute, load_config
from monitor.config import Config
from monitor.lifecycle import leaving


def run(
    roles: Annotated[
        str, typer.Option(help="Roles of this process, with commas; all by default.")
    ] = "",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "",
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Run the service until SIGTERM or Ctrl-C; a second one leaves at once."""
    config = load_config(
        quiet=False, roles=roles, host=host, port=None if port is None else str(port)
    )
    with leaving() as closed:
        execute(_serve(config, closed))


async def _serve(config: Config, closed: Callable[[int], None]) -> None:
    code = FAILED
    try:
        await app.serve(config, lambda address: _greet(config, address))
        code = 0
    finally:
        closed(code)


def _greet(config: Config, address: str) -> None:
    parts = ((config.sources, "source"), (config.topics, "topic"), (config.rules, "rule"))
    counts = ", ".join(counted(len(items), noun) for items, noun in parts)
    err.print(f"[bold]News Monitor {__version__}[/] · {address} · {counts}")
    err.print(f"roles: {', '.join(config.settings.roles)}")
