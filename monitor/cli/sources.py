"""`monitor sources`: what is followed, and how its polls go."""

from __future__ import annotations

from typing import Annotated

import typer

from monitor import app
from monitor.cli.output import print_json, print_table
from monitor.cli.session import FAILED, USAGE, Json, err, execute, load_config, opened_store
from monitor.clock import SystemClock
from monitor.model import Poll, SourceState
from monitor.settings import Config

commands = typer.Typer(help="What is followed, and how its polls go.", no_args_is_help=True)


@commands.command("list")
def list_sources(json: Json = False) -> None:
    """List the sources with the outcome of their last poll."""
    states: list[SourceState] = execute(_states(load_config()))
    if json:
        print_json(states)
        return
    print_table(
        ("source", "type", "last poll", "outcome", "next poll", "location"),
        [
            (
                state.source.name,
                state.source.type,
                state.last_polled_at,
                state.last_error or state.last_outcome or "not polled yet",
                state.next_poll_at if state.source.enabled else "disabled",
                state.source.location,
            )
            for state in states
        ],
        "No sources. Add one to sources.yaml.",
    )


@commands.command("poll")
def poll(
    names: Annotated[list[str] | None, typer.Argument(help="Sources; all of them without.")] = None,
    json: Json = False,
) -> None:
    """Poll sources now, whenever they are due; the service sends on what is new."""
    config = load_config()
    unknown = set(names or ()) - {source.name for source in config.sources}
    if unknown:
        err.print(
            f"error: no source is called {', '.join(sorted(unknown))}", style="red", markup=False
        )
        raise typer.Exit(USAGE)
    polls: list[tuple[Poll, int]] = execute(_poll(config, names or []))
    if json:
        print_json(
            [
                {"source": done.source, "outcome": done.outcome, "error": done.error, "new": new}
                for done, new in polls
            ]
        )
    else:
        print_table(
            ("source", "outcome", "new"),
            [(done.source, done.error or done.outcome, new) for done, new in polls],
            "Nothing was polled: the sources are disabled, or polled by somebody else just now.",
        )
    if any(done.error for done, _ in polls):
        raise typer.Exit(FAILED)


async def _states(config: Config) -> list[SourceState]:
    async with opened_store(config) as store:
        states = {state.source.name: state for state in await store.sources()}
    now = SystemClock().now()  # a source that is only declared yet is due at the service's start
    return [
        states.get(source.name) or SourceState(source=source, next_poll_at=now)
        for source in sorted(config.sources, key=lambda source: source.name)
    ]


async def _poll(config: Config, names: list[str]) -> list[tuple[Poll, int]]:
    service = app.compose(config)
    async with service.connected(broker=False):
        return await service.poll_named(names)
