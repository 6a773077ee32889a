"""`monitor sources import` and `export`: lists for and from other programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.progress import Progress

from monitor.cli.output import counted, plain, print_json
from monitor.cli.session import (
    FAILED,
    Json,
    err,
    execute,
    existing,
    fail,
    load_config,
    opened_store,
    out,
)
from monitor.cli.sources.followed import followed, progress, shown
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.declarations import check_source, values_of
from monitor.declarations.naming import Names
from monitor.declarations.sources import SourceRules
from monitor.errors import Rejected
from monitor.model import Source, SourceState
from monitor.opml import MAX_BYTES, Listing, Outline, read_opml, write_opml
from monitor.protocols import Sources
from monitor.yamlfile import write_yaml

SHOWN = 20
BATCH = 100
"""New sources of one transaction."""


class Format(StrEnum):
    """How a list is written."""

    OPML = "opml"
    YAML = "yaml"


@dataclass(slots=True)
class Import:
    """What became of a list: its new sources, how many were followed before, and mistakes."""

    new: list[Source] = field(default_factory=list)
    known: int = 0
    problems: list[str] = field(default_factory=list)


def import_sources(
    file: Annotated[Path, typer.Argument(help="A list in OPML, as feed readers export it.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Follow nothing, only tell.")] = False,
    json: Json = False,
) -> None:
    """Follow the feeds of an OPML list; those that are followed already stay as they are."""
    config = load_config()
    result: Import = execute(_import(config, _read(*existing([file])), dry_run, quiet=json))
    if json:
        print_json({"new": [source.name for source in result.new], "known": result.known,
                    "problems": result.problems})  # fmt: skip
    else:
        verb = "would be followed" if dry_run else "followed"
        out.print(
            f"{counted(len(result.new), 'new source')} {verb}, {result.known} known already,"
            f" {len(result.problems)} refused."
        )
        for text in result.problems[:SHOWN]:
            err.print(text, style="red", markup=False)
        if len(result.problems) > SHOWN:
            err.print(f"and {len(result.problems) - SHOWN} more; --json lists all", style="red")
    if result.problems:
        raise typer.Exit(FAILED)


def export_sources(
    file: Annotated[Path | None, typer.Argument(help="Where to; the output without.")] = None,
    how: Annotated[Format, typer.Option("--format", help="For readers, or sources.yaml.")]
    = Format.OPML,
) -> None:  # fmt: skip
    """Write all sources, as OPML or as the operator's file has them."""
    config = load_config()
    now = SystemClock().now()
    states = execute(_states(config, now))
    entries = [
        (name, values_of(state.source, config.source_rules)) for name, state in states.items()
    ]
    if how is Format.YAML:
        body = write_yaml({"sources": dict(entries)}).encode()
    else:
        lists = [(name, values) for name, values in entries if values["type"] != "mail"]
        body = write_opml(lists, "Sources of News Monitor", now)
    if file is None:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    try:
        file.write_bytes(body)
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}")


def _read(file: Path) -> Listing:
    try:
        with file.open("rb") as opened:
            body = opened.read(MAX_BYTES + 1)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")
    try:
        return read_opml(body)
    except Rejected as error:
        fail(f"{file}: {error}", FAILED)
    raise AssertionError  # `wrong` ends the command


async def _states(config: Config, now: datetime) -> dict[str, SourceState]:
    async with opened_store(config) as store:
        return await followed(config, store, now)


async def _import(config: Config, listing: Listing, dry_run: bool, *, quiet: bool) -> Import:
    now = SystemClock().now()
    async with opened_store(config) as store:
        result = planned(listing, await followed(config, store, now), config.source_rules)
        if not dry_run:
            with progress("importing", len(result.new), quiet=quiet) as bar:
                await _add(store, result, now, bar)
    return result


async def _add(store: Sources, result: Import, now: datetime, bar: Progress) -> None:
    """Follow the new ones; those that the database refuses become problems."""
    wanted, result.new = result.new, []
    for at in range(0, len(wanted), BATCH):
        batch = wanted[at : at + BATCH]
        refused = await _refused(store, batch, now)
        result.new += [source for source in batch if source.name not in refused]
        for source in batch:
            if source.name in refused:
                result.problems.append(f"{plain(source.location)}: {refused[source.name]}")
        bar.advance(bar.task_ids[0], len(batch))


async def _refused(store: Sources, batch: Sequence[Source], now: datetime) -> Mapping[str, str]:
    """Add sources; return why not the others, by name."""
    try:
        return await store.add_sources(batch, now)
    except Rejected as error:
        if len(batch) == 1:
            return {batch[0].name: str(error)}
        single = [await _refused(store, [source], now) for source in batch]
        return {name: why for refused in single for name, why in refused.items()}


def planned(listing: Listing, states: dict[str, SourceState], rules: SourceRules) -> Import:
    """Return what a list adds to what is followed."""
    names = Names(states)
    taken = {state.source.location for state in states.values()}
    result = Import(known=listing.repeated)
    for outline in listing.outlines:
        if outline.url in taken:
            result.known += 1
            continue
        given = outline.name if outline.name and names.claim(outline.name) else ""
        name = given or names.make(outline.url, outline.title)
        source, faults = check_source(name, _values(outline), rules)
        if source is None:
            result.problems.append(f"{shown(outline.url)}: {'; '.join(faults)}")
        else:
            result.new.append(source)
    return result


def _values(outline: Outline) -> dict[str, Any]:
    """Return the keys of an outline. Readers call all feeds `rss`, those in JSON too."""
    try:
        json = urlsplit(outline.url).path.endswith(".json")
    except ValueError:
        json = False
    return {
        "type": "jsonfeed" if json else "feed",
        **outline.values,
        "url": outline.url,
        "title": plain(outline.title),
    }
