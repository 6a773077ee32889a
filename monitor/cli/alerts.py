"""`monitor alerts`: what was raised, and how far its deliveries are."""

from __future__ import annotations

from typing import Annotated

import typer

from monitor.cli.output import print_json, print_table
from monitor.cli.session import Json, execute, load_config, opened_store
from monitor.config import Config
from monitor.model import AlertRow


def alerts(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    json: Json = False,
) -> None:
    """List alerts with their deliveries, the latest first."""
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


async def _list(config: Config, limit: int) -> list[AlertRow]:
    async with opened_store(config) as store:
        return list(await store.alerts(None, limit))
