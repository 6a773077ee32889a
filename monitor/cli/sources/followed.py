"""What the commands on sources share: what is followed by now, and progress on a terminal."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from monitor.cli.output import plain
from monitor.cli.session import err, fail
from monitor.config import Config
from monitor.model import Owner, SourceState
from monitor.protocols import Sources

_SECRET = re.compile(r"//[^/?#]*@")
Names = Annotated[list[str], typer.Argument(help="Names that `sources list` shows.")]


async def followed(
    config: Config, store: Sources, now: datetime, names: Collection[str] | None = None
) -> dict[str, SourceState]:
    """Return all sources by name, in order, or those of these names that there are: the file's as
    it is now, and the users'.

    One that is only declared yet is due at the service's start.
    """
    stored = (
        await store.sources()
        if names is None
        else [await store.source(name) for name in set(names)]
    )
    states = {state.source.name: state for state in stored if state is not None}
    declared = {
        source.name: source for source in config.sources if names is None or source.name in names
    }
    found = {
        name: state for name, state in states.items() if state.source.owner is not Owner.CONFIG
    }
    for name, source in declared.items():
        state = states.get(name)
        found[name] = (
            replace(state, source=source)
            if state is not None and state.source.location == source.location
            else SourceState(source=source, next_poll_at=now)
        )
    return {name: found[name] for name in sorted(found)}


def known(names: Iterable[str], states: Mapping[str, SourceState]) -> list[SourceState]:
    """Return the states of these sources, or exit with 2 where there is none of a name."""
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in states]
    if unknown:
        fail(f"no source is called {', '.join(unknown)}: `monitor sources list` shows the names")
    return [states[name] for name in wanted]


def shown(url: str) -> str:
    """Return an address as it may be printed: nobody reads a password over somebody's shoulder."""
    return plain(_SECRET.sub("//…@", url)[:200])


@contextmanager
def progress(text: str, total: int | None, *, quiet: bool = False) -> Iterator[Progress]:
    """Show a bar, or a spinner without a total, on a terminal; task 0 is the one to advance."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        *((BarColumn(), MofNCompleteColumn()) if total is not None else ()),
    )
    shown = Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal)
    with shown:
        shown.add_task(text, total=total)
        yield shown
