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
        await app.serve(config, lambda address, followed: _greet(config, address, followed))
        code = 0
    finally:
        closed(code)


def _greet(config: Config, address: str, followed: int) -> None:
    """Say what runs; of sources, most may be the users', who added them at run time."""
    parts = (
        f"{counted(followed, 'source')} ({len(config.sources)} declared)",
        counted(len(config.topics), "topic"),
        counted(len(config.rules), "rule"),
    )
    err.print(f"[bold]News Monitor {__version__}[/] · {address} · {', '.join(parts)}")
    err.print(f"roles: {', '.join(config.settings.roles)}")
