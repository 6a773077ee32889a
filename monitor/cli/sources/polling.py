"""`monitor sources poll`."""

from __future__ import annotations

from typing import Annotated

import typer

from monitor import app
from monitor.cli.output import print_json, print_table
from monitor.cli.session import FAILED, Json, execute, load_config, opened_store
from monitor.cli.sources.followed import followed, known, progress
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.model import Poll
from monitor.web.words import stamp


def poll(
    names: Annotated[list[str] | None, typer.Argument(help="Sources; all of them without.")] = None,
    json: Json = False,
) -> None:
    """Poll sources now, whenever they are due; the service sends on what is new."""
    polls: list[tuple[Poll, int]] = execute(_poll(load_config(), names or [], quiet=json))
    if json:
        print_json(
            [
                {
                    "source": done.source,
                    "outcome": "postponed" if done.postponed else done.memory.last_outcome,
                    "error": _error(done),
                    "new": new,
                }
                for done, new in polls
            ]
        )
    else:
        print_table(
            ("source", "outcome", "new"),
            [(done.source, _error(done) or done.memory.last_outcome, new) for done, new in polls],
            "Nothing was polled: the sources are paused, or polled by somebody else just now.",
        )
    if any(_error(done) for done, _ in polls):
        raise typer.Exit(FAILED)


def _error(done: Poll) -> str:
    """Return why a source was not polled, or why its poll failed."""
    memory = done.memory
    if done.postponed and memory.quiet_until is not None:
        until = stamp(memory.quiet_until)
        return f"not asked: its host wants to be left alone until {until} ({memory.last_error})"
    return memory.last_error


async def _poll(config: Config, names: list[str], *, quiet: bool) -> list[tuple[Poll, int]]:
    async with opened_store(config) as store:
        states = await followed(config, store, SystemClock().now())
    known(names, states)
    total = len(set(names)) or sum(state.source.enabled for state in states.values())
    service = app.compose(config)
    async with service.connected(broker=False):
        with progress("polling", total, quiet=quiet) as bar:

            def polled(name: str) -> None:
                bar.update(bar.task_ids[0], advance=1, description=name)

            return await service.poll_named(names, polled)
