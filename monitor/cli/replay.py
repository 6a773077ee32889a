"""`monitor replay` and `monitor record`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from monitor import app
from monitor.channels import Channel
from monitor.cli.output import counted, print_json
from monitor.cli.session import (
    FAILED,
    Json,
    channel_named,
    err,
    execute,
    existing,
    load_config,
    opened_broker,
    out,
)
from monitor.config import Config
from monitor.replay import ReplayResult
from monitor.replay import record as record_channel
from monitor.telemetry import configure_logging


def replay(
    paths: Annotated[list[Path], typer.Argument(help="Texts, recordings, saved feeds, folders.")],
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Let its alerts reach every channel.")
    ] = False,
    hand_over: Annotated[
        bool, typer.Option("--hand-over", help="Leave the work to a running service.")
    ] = False,
    json: Json = False,
) -> None:
    """Replay fixtures and recordings through the stream; what is known changes nothing."""
    config = load_config()
    if not json:
        configure_logging(config.settings.log_format, config.settings.log_level)
    result: ReplayResult = execute(_replay(config, existing(paths), deliver, work=not hand_over))
    if json:
        print_json(result)
    else:
        out.print(
            f"{counted(result.read, 'article')} read, {len(result.new)} new,"
            f" {counted(len(result.alerts), 'alert')}."
        )
        for row in result.alerts:
            out.print(f"  {row.alert.rule}: {row.alert.article.title}", markup=False)
    for problem in result.problems:
        err.print(problem, style="red", markup=False)
    if result.problems:
        raise typer.Exit(FAILED)


def record(
    channel: Annotated[str, typer.Argument(help="Such as news.article.fetched.")],
    follow: Annotated[bool, typer.Option(help="Go on until Ctrl-C.")] = False,
) -> None:
    """Write a channel's events as JSON lines that `monitor replay` takes."""
    wanted = channel_named(channel)
    execute(_record(load_config(), wanted, follow))


async def _replay(config: Config, paths: list[Path], deliver: bool, *, work: bool) -> ReplayResult:
    service = app.compose(config)
    async with service.connected():
        return await service.replay_files(paths, deliver=deliver, work=work)


async def _record(config: Config, channel: Channel, follow: bool) -> Any:
    async with opened_broker(config) as broker:
        lines = record_channel(broker, channel, from_start=True, follow=follow)
        async for line in lines:
            await asyncio.to_thread(sys.stdout.buffer.write, line + b"\n")
            sys.stdout.buffer.flush()
