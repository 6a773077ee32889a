"""`monitor sources pause`, `resume` and `remove`: sources that were added, not declared."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.cli.output import counted
from monitor.cli.session import FAILED, execute, fail, load_config, opened_store, out
from monitor.cli.sources.followed import Names, followed, known
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.model import Owner, Source
from monitor.protocols import Sources

Change = Callable[[Sources, Source, datetime], Awaitable[None]]


def pause(names: Names) -> None:
    """Poll sources no more until they are resumed."""
    _all(names, _pause, "set enabled: false there", "paused")


def resume(names: Names) -> None:
    """Poll paused sources again."""
    _all(names, _resume, "set enabled: true there", "resumed")


def remove(names: Names) -> None:
    """Follow sources no more; their articles stay."""
    _all(names, _remove, "drop it there", "removed")


def _all(names: Sequence[str], change: Change, cure: str, done: str) -> None:
    number = execute(_change(load_config(), names, change, cure))
    out.print(f"{counted(number, 'source')} {done}.")


async def _change(config: Config, names: Sequence[str], change: Change, cure: str) -> int:
    """Change all of them or none; return how many."""
    now = SystemClock().now()
    async with opened_store(config) as store:
        states = known(names, await followed(config, store, now, names))
        declared = [state.source.name for state in states if state.source.owner is Owner.CONFIG]
        if declared:
            path = config.settings.config_dir / "sources.yaml"
            verb = "is" if len(declared) == 1 else "are"
            fail(f"{', '.join(declared)} {verb} declared in {path}: {cure}", FAILED)
        for state in states:
            await change(store, state.source, now)
    return len(states)


async def _pause(store: Sources, source: Source, now: datetime) -> None:
    await store.change_source(replace(source, enabled=False), now)


async def _resume(store: Sources, source: Source, now: datetime) -> None:
    await store.change_source(replace(source, enabled=True), now)


async def _remove(store: Sources, source: Source, now: datetime) -> None:
    await store.remove_source(source.name)
