"""`monitor tail`: follows alerts, or any channel, live."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from monitor.channels import ALERT_RAISED, Channel
from monitor.cli.session import Json, channel_named, err, execute, load_config, opened_broker, out
from monitor.config import Config
from monitor.errors import Rejected
from monitor.events import Event, Record, decode, dump_line, load
from monitor.model import Alert, Article


def tail(
    channel: Annotated[
        str, typer.Argument(help="A channel; alerts by default.")
    ] = ALERT_RAISED.name,
    from_start: Annotated[bool, typer.Option(help="Begin with the oldest record.")] = False,
    json: Json = False,
) -> None:
    """Follow a channel live, until Ctrl-C."""
    execute(_tail(load_config(), channel_named(channel), from_start, json))


async def _tail(config: Config, channel: Channel, from_start: bool, json: bool) -> None:
    async with opened_broker(config) as broker:
        async for record in broker.read(channel, from_start=from_start, follow=True):
            try:
                event = decode(record)
                line = dump_line(event).decode() if json else _line(event, record)
            except (Rejected, UnicodeDecodeError) as error:
                place = f"{record.channel} {record.partition}/{record.offset}"
                err.print(f"{place}: {error}", markup=False)
                continue
            if isinstance(line, str):
                typer.echo(line)
            else:
                out.print(line)


def _line(event: Event, record: Record) -> Text:
    """Return what a person wants to see of an event on one line."""
    text = Text(f"{record.appended:%H:%M:%S} ")
    if event.type == ALERT_RAISED.name:
        alert = load(Alert, event.data)
        article, label = alert.article, ", ".join(alert.topics)
    else:
        article = load(Article, event.data)
        label = ", ".join(article.topics)
    title = "".join(char if char.isprintable() else " " for char in article.title)
    return text.append(f"{article.source} ", "dim").append(title).append(f"  {label}", "bold")
