"""`monitor check`: is the configuration right, and can everything be reached?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Annotated

import typer

from monitor import app
from monitor.channels import CHANNELS
from monitor.cli.output import counted, print_json, print_table
from monitor.cli.session import FAILED, Json, err, execute, load_config, out
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.declarations import taken_over, unmade_topics
from monitor.errors import MonitorError
from monitor.model import Owner, SourceState, Topic
from monitor.sources.twice import followed_twice
from monitor.topics.advice import unknown_sources
from monitor.topics.compile import compile_topics, parse_with

_FIELD = "source:"


def check(
    connect: Annotated[
        bool, typer.Option("--connect", help="Also reach the database, broker and channels.")
    ] = False,
    json: Json = False,
) -> None:
    """Validate all configuration; every problem is listed, exit code 2."""
    config = load_config()
    warnings: list[str] = execute(_surprises(config, connect=connect))
    results = execute(_reach(config)) if connect else []
    for warning in warnings:
        err.print(f"warning: {warning}", style="yellow", markup=False)
    if json:
        shown = [{"what": what, "ok": fine, "text": text} for what, fine, text in results]
        print_json({"valid": True, "warnings": warnings, "connections": shown})
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


async def _surprises(config: Config, *, connect: bool) -> list[str]:
    """Return what is right and will surprise.

    What people made at run time is looked up where that costs nothing: in a file that is there. A
    server is asked where it is to be reached anyway.
    """
    file = config.settings.database_file
    topics: Sequence[Topic] | None = None
    sources: Sequence[SourceState] = ()
    if file.exists() if file is not None else connect:
        store = app.connect_store(config.settings)
        try:
            await store.start()
            topics, sources = await store.topics(), await store.sources()
        except MonitorError:  # which `--connect` tells; and no schema means that nothing is made
            topics = None
        finally:
            await store.stop()
    declared = [topic.id for topic in config.topics]
    locations = {source.name: source.location for source in config.sources}
    if topics is None:
        return [
            *followed_twice(locations),
            *unmade_topics(config.rules, declared, all_known=False),
            *_unknown_sources(config, locations, "is in no file the name of a source"),
        ]
    # What the file has no more is still stored, until the service starts.
    added = [state.source for state in sources if state.source.owner is Owner.USER]
    locations = {source.name: source.location for source in added} | locations
    names = {state.source.name for state in sources}.union(locations)
    own = {topic.id for topic in topics if topic.owner is Owner.USER}
    return [
        *followed_twice(locations),
        *taken_over(sorted(own.intersection(declared))),
        *unmade_topics(config.rules, own.union(declared)),
        *_unknown_sources(config, names, "is the name of no source"),
    ]


def _unknown_sources(config: Config, names: Collection[str], what: str) -> list[str]:
    asking = [rule for rule in config.rules if _FIELD in rule.query.lower()]
    if not asking and not any(_FIELD in topic.query.lower() for topic in config.topics):
        return []
    compiled = compile_topics(config.topics, config.lists)
    queries = {f"topic '{name}'": query for name, query in compiled.queries.items()}
    queries |= {f"rule '{rule.id}'": parse_with(rule.query, compiled) for rule in asking}
    return [
        f"{place}: {_FIELD}{source} {what}"
        for place, query in queries.items()
        for source in unknown_sources(query, names)
    ]


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
