"""`monitor alerts`: what was raised, how far its deliveries are, and whether a channel works."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from uuid import uuid4

import typer

from monitor import app
from monitor.cli.output import print_json, print_table
from monitor.cli.session import FAILED, Json, execute, fail, load_config, opened_store, out
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.declarations import nearest
from monitor.errors import MonitorError
from monitor.model import Alert, AlertRow, Article, Delivery
from monitor.protocols import Clock, Notifier

commands = typer.Typer()

TEST = "test"
"""The rule and the topic of a test alert."""


@commands.callback(invoke_without_command=True)
def alerts(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    json: Json = False,
) -> None:
    """List alerts with their deliveries, the latest first."""
    if context.invoked_subcommand is not None:
        return
    rows: list[AlertRow] = execute(_list(load_config(), limit))
    if json:
        print_json(rows)
        return
    print_table(
        ("raised", "rule", "title", "deliveries"),
        [
            (
                row.alert.raised,
                row.alert.rule,
                row.alert.article.title + (" (replayed)" if row.alert.article.replayed else ""),
                tuple(f"{item.channel}: {item.state}" for item in row.deliveries),
            )
            for row in rows
        ],
        "No alerts. `monitor topics test FILE` shows what a text would match.",
    )


@commands.command("test")
def test(channel: Annotated[str, typer.Argument(help="A channel of alerts.yaml.")]) -> None:
    """Send one alert that is marked as a test through a channel, and say what came of it."""
    config, clock = load_config(quiet=False), SystemClock()
    if channel not in config.channels:
        meant = nearest(channel, config.channels) or f"there are {', '.join(config.channels)}"
        fail(f"alerts.yaml declares no channel '{channel}'; {meant}")
    only = replace(config, channels={channel: config.channels[channel]})
    notifiers = app.notifiers_of(only, clock)
    if channel not in notifiers:
        fail(f"channel '{channel}' sends nothing: its alerts appear on the page")
    kind, notifier = notifiers[channel]
    problem: str = execute(_send(notifier, _delivery(channel, clock)))
    if problem:
        fail(f"channel '{channel}' ({kind}): {problem}", FAILED)
    out.print(f"channel '{channel}' ({kind}): the test alert was accepted", markup=False)


async def _list(config: Config, limit: int) -> list[AlertRow]:
    async with opened_store(config) as store:
        return list(await store.alerts(None, limit))


async def _send(notifier: Notifier, delivery: Delivery) -> str:
    """Send one alert; return what went wrong, whether or not it might work later."""
    try:
        await notifier.send(delivery)
    except MonitorError as error:
        return str(error)
    finally:
        await notifier.close()
    return ""


def _delivery(channel: str, clock: Clock) -> Delivery:
    """Return an alert that is stored nowhere; every one is new, so that no receiver drops it."""
    now, name = clock.now(), f"{TEST}-{uuid4()}"
    article = Article(
        id=name,
        source=TEST,
        title=f"Test alert for the channel '{channel}'",
        body="Somebody has sent this with `monitor alerts test`. It is no news.",
        url="",
        fetched=now,
        content_hash=name,
        replayed=True,
    )
    alert = Alert(
        id=name, rule=TEST, rule_name="Test alert", article=article, topics=(TEST,), raised=now
    )
    return Delivery(id=name, alert=alert, channel=channel)
