"""What every command shares: the configuration, opened parts, and errors as exit codes.

0 all is well · 1 the answer is no, or something failed · 2 wrong use or configuration ·
3 the database or the broker cannot be reached.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import uvloop
from rich.console import Console

from monitor import app, telemetry
from monitor.channels import CHANNELS, Channel, dead_letter_channels
from monitor.config import Config
from monitor.errors import ConfigError, Rejected, Stalled, Unavailable
from monitor.protocols import Broker, Store

FAILED = 1
USAGE = 2
UNREACHABLE = 3

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def load_config(*, quiet: bool = True, **overrides: Any) -> Config:
    """Return the configuration, or print every problem and exit with 2."""
    try:
        config = app.load_config(**{key: value for key, value in overrides.items() if value})
    except ConfigError as error:
        refuse(error)
    settings = config.settings
    telemetry.configure_logging(settings.log_format, "warning" if quiet else settings.log_level)
    for warning in config.warnings:
        err.print(f"[yellow]warning:[/] {warning}", markup=True)
    return config


def refuse(error: ConfigError) -> None:
    """Print every problem of a configuration and exit with 2."""
    count = len(error.problems)
    err.print(f"[red]{count} problem{'' if count == 1 else 's'} in the configuration:[/]")
    for problem in error.problems:
        err.print(f"  {problem}", markup=False)
    raise typer.Exit(USAGE)


def fail(text: str, code: int = USAGE) -> NoReturn:
    """Print one line on what is wrong, and exit."""
    err.print(f"error: {text}", style="red", markup=False)
    raise typer.Exit(code)


def execute(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a command's coroutine; its errors become one line and an exit code."""
    try:
        return uvloop.run(work)
    except ConfigError as error:
        refuse(error)
    except Unavailable as error:
        fail(str(error), UNREACHABLE)
    except (Rejected, Stalled) as error:
        fail(str(error), FAILED)
    except KeyboardInterrupt:
        raise typer.Exit(128 + signal.SIGINT) from None


@asynccontextmanager
async def opened_store(config: Config) -> AsyncIterator[Store]:
    """Yield the store, its schema up to date."""
    store = app.connect_store(config.settings)
    try:
        await store.start()
        await store.migrate()
        yield store
    finally:
        await store.stop()


@asynccontextmanager
async def opened_broker(config: Config) -> AsyncIterator[Broker]:
    """Yield the broker, connected."""
    broker = app.connect_broker(config.settings)
    try:
        await broker.start()
        yield broker
    finally:
        with suppress(asyncio.CancelledError):
            await broker.stop()


def existing(paths: list[Path]) -> list[Path]:
    """Return the paths, or exit with 2 where one does not exist."""
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        fail(f"no such file or folder: {', '.join(missing)}")
    return paths


def channel_named(name: str) -> Channel:
    """Return the channel of that name, or exit with 2 where there is none."""
    known = {channel.name: channel for channel in (*CHANNELS, *dead_letter_channels())}
    if name not in known:
        fail(f"no channel is called '{name}'; there are {', '.join(known)}")
    return known[name]
