"""`monitor check`: is the configuration right, and can everything be reached?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from monitor import app
from monitor.channels import CHANNELS
from monitor.cli.output import counted, print_json, print_table
from monitor.cli.session import FAILED, Json, execute, load_config, out
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.errors import MonitorError


def check(
    connect: Annotated[
        bool, typer.Option("--connect", help="Also reach the database, broker and channels.")
    ] = False,
    json: Json = False,
) -> None:
    """Validate all configuration; every problem is listed, exit code 2."""
    config = load_config()
    results = execute(_reach(config)) if connect else []
    if json:
        shown = [{"what": what, "ok": fine, "text": text} for what, fine, text in results]
        print_json({"valid": True, "connections": shown})
    else:
        counts = ", ".join(
            counted(len(items), noun)
            for items, noun in (
                (config.sources, "source"),
                (config.topics, "topic"),
                (config.channels, "channel"),
                (config.rules, "rule"),
            )
        )
        out.print(f"The configuration is valid: {counts}.")
        rows = [(what, "ok" if fine else "FAILED", text) for what, fine, text in results]
        if connect:
            print_table(("connection", "state", ""), rows, "")
    if not all(fine for _, fine, _ in results):
        raise typer.Exit(FAILED)


async def _reach(config: Config) -> list[tuple[str, bool, str]]:
    store, broker = app.connect_store(config.settings), app.connect_broker(config.settings)
    notifiers = app.notifiers_of(config, SystemClock())
    results = [
        await _tried("database", store.start),
        await _tried("broker", broker.start),
    ]
    if results[1][1]:
        results[1] = ("broker", True, "; ".join(await broker.ensure(CHANNELS)))
    for name, (_, notifier) in notifiers.items():
        results.append(await _tried(f"channel '{name}'", notifier.check))
        await notifier.close()
    await broker.stop()
    await store.stop()
    return results


async def _tried(what: str, action: Callable[[], Awaitable[None]]) -> tuple[str, bool, str]:
    try:
        await action()
    except MonitorError as error:
        return what, False, str(error)
    return what, True, ""
