"""`monitor sources list`, `show` and `politeness`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

import typer

from monitor.api.source_schema import FailureItem, HostItem, PollItem, SourceDetail, SourceItem
from monitor.cli.output import print_json, print_table
from monitor.cli.session import FAILED, Json, execute, fail, load_config, opened_store
from monitor.cli.sources.followed import followed, known
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.model import Failure, HostReport, SourceState
from monitor.web.words import ago

ILL = ("failing", "silent", "retired")
WRONG_CLOCK = timedelta(minutes=1)
"""A poll that is less ahead than this was made just now: clocks differ."""


def list_sources(
    failing: Annotated[
        bool,
        typer.Option("--failing", help="Only those whose last poll failed, silent and gone ones."),
    ] = False,
    json: Json = False,
) -> None:
    """List the sources, each with its state in words and its polls."""
    now = SystemClock().now()
    states, awaiting = execute(_states(load_config(), now))
    every = (
        SourceItem.of(state, now, awaiting.get(state.source.name, 0)) for state in states.values()
    )
    items = [item for item in every if not failing or _is_ill(item)]
    if json:
        print_json([item.model_dump() for item in items])
        return
    print_table(
        ("source", "type", "last poll", "next poll", "state"),
        [
            (
                item.name,
                _type(item),
                item.last_poll and since(item.last_poll, now),
                item.next_poll and _until(item.next_poll, now),
                _state(item),
            )
            for item in items
        ],
        "Every source could be read when it was last polled."
        if failing
        else "No sources. Add one: monitor sources add URL.",
    )


def show(
    name: Annotated[str, typer.Argument(help="A name that `sources list` shows.")],
    last_failure: Annotated[
        bool, typer.Option("--last-failure", help="Print the last body that could not be parsed.")
    ] = False,
    json: Json = False,
) -> None:
    """Show all that is known of a source, and its last polls."""
    config = load_config()
    if last_failure:
        _print_failure(execute(_failure(config, name)), name, json)
        return
    detail: SourceDetail = execute(_detail(config, name))
    if json:
        print_json(detail.model_dump())
        return
    print_table(("", ""), _told(detail), "")
    print_table(
        ("poll", "outcome", "status", "bytes", "s", "items"),
        [
            (
                f"{poll.at:%d %b %H:%M:%S}",
                poll.outcome,
                poll.status or "",
                poll.size,
                f"{poll.seconds:.2f}",
                _items(poll),
            )
            for poll in detail.polls
        ],
        "It was not polled yet.",
    )


def politeness(json: Json = False) -> None:
    """Show for each host what was asked of it, and how it answered."""
    now = SystemClock().now()
    reports = [HostItem.of(report) for report in execute(_hosts(load_config()))]
    if json:
        print_json([report.model_dump() for report in reports])
        return
    print_table(
        ("host", "sources", "asked", "cond.", "304", "429/503", "failed", "bytes", "next"),
        [
            (
                report.host,
                report.sources,
                report.requests,
                _share(report.conditional, report.requests),
                _share(report.not_modified, report.requests),
                report.throttled,
                report.failed,
                _size(report.size),
                "now" if report.next is None else _until(report.next, now),
            )
            for report in reports
        ],
        "No host was asked for anything yet.",
    )


async def _states(
    config: Config, now: datetime
) -> tuple[dict[str, SourceState], Mapping[str, int]]:
    async with opened_store(config) as store:
        return await followed(config, store, now), await store.awaiting_pages()


async def _detail(config: Config, name: str) -> SourceDetail:
    now = SystemClock().now()
    async with opened_store(config) as store:
        (state,) = known([name], await followed(config, store, now, [name]))
        hubs = {item.source: item for item in await store.hub_subscriptions()}
        awaiting = (await store.awaiting_pages([name])).get(name, 0)
    return SourceDetail.of_source(state, now, awaiting, hubs.get(name))


async def _failure(config: Config, name: str) -> Failure | None:
    async with opened_store(config) as store:
        known([name], await followed(config, store, SystemClock().now(), [name]))
        return await store.last_failure(name)


async def _hosts(config: Config) -> list[HostReport]:
    async with opened_store(config) as store:
        # The turn of a file is its source's own: no publisher is asked.
        return [report for report in await store.hosts() if not report.host.startswith("source:")]


def _print_failure(failure: Failure | None, name: str, json: bool) -> None:
    if failure is None:
        fail(f"no document of source '{name}' has failed lately", FAILED)
    elif json:
        print_json(FailureItem.of(failure, whole=False).model_dump(exclude={"body"}))
    else:
        sys.stdout.buffer.write(failure.document.body)
        sys.stdout.buffer.flush()


def _type(item: SourceItem) -> str:
    same = item.chosen_type in ("", item.type)
    return item.type if same else f"{item.type}: {item.chosen_type}"


def _told(detail: SourceDetail) -> list[tuple[str, object]]:
    """Return what there is to say of a source; what is empty is not said."""
    backlog = "all" if detail.backlog is None else f"the last {detail.backlog / 3600:g} h"
    hub = detail.hub
    confirmed = hub and (
        f"{hub.hub}, until {hub.confirmed_until:%Y-%m-%d %H:%M}"
        if hub.confirmed_until
        else f"{hub.hub}, not confirmed"
    )
    lines: list[tuple[str, object]] = [
        ("name", detail.name),
        ("title", detail.title),
        ("location", detail.location),
        ("type", _type(detail)),
        ("followed at", detail.chosen_location),
        ("why that", detail.chosen_why),
        ("owner", f"{detail.owner}: {'sources.yaml' if detail.owner == 'config' else 'added'}"),
        ("state", _state(detail)),
        ("waiting", detail.awaiting_pages and f"{detail.awaiting_pages} for the full text"),
        ("last error", detail.last_error if detail.failures else ""),
        ("rhythm", detail.rhythm),
        ("last new", detail.last_new),
        ("asked", detail.pace_words),
        ("next poll", detail.next_poll),
        ("full text", detail.full_text),
        ("backlog", f"{backlog} is alerted"),
        ("links", detail.links),
        ("user agent", detail.user_agent),
        ("etag", detail.etag),
        ("last modified", detail.last_modified),
        ("redirects to", detail.moved_to),
        ("moved from", detail.moved_from),
        ("hub", confirmed),
    ]
    return [(key, value) for key, value in lines if value]


def _state(item: SourceItem) -> str:
    """Return a source's state and what there is to say of it, without saying the state twice."""
    if item.state in ("paused", "new"):
        return item.words
    return f"{item.state}: {item.words}" if item.words else item.state


def _items(poll: PollItem) -> str:
    """Return what a poll found, what went wrong and what was odd."""
    counts = {name: getattr(poll, name) for name in ("new", "revised", "known", "rejected")}
    told = ", ".join(f"{number} {name}" for name, number in counts.items() if number)
    return "; ".join(filter(None, (told, poll.error, *poll.noticed)))


def _is_ill(item: SourceItem) -> bool:
    """Return whether a source could not be read when it was last polled, as the page counts them,
    or has no news any more."""
    return item.state in ILL or (item.enabled and item.failures > 0)


def since(when: datetime, now: datetime) -> str:
    """Return how long ago a poll was; one less than a minute ahead was just now."""
    return ago(min(when, now) if when - now < WRONG_CLOCK else when, now)


def _until(when: datetime, now: datetime) -> str:
    return "now" if when <= now else ago(when, now)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else ""


def _size(number: int) -> str:
    """Return bytes as people say them."""
    for power, unit in ((3, "GB"), (2, "MB"), (1, "kB")):
        if number >= 1000**power:
            return f"{number / 1000**power:.3g} {unit}"
    return str(number)
