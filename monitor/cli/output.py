"""How listings look: tables for people, JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from monitor.cli.session import out
from monitor.events import dump

ID = 8
"""Digits of an article's id in a table; commands take them as the id where they are enough."""
_WHOLE = frozenset(("id", "topic", "topics", "article", "source", "rule", "alerted"))
"""Columns of what people copy: they are never broken within a word."""


def counted(number: int, noun: str) -> str:
    """Return "1 article", "2 articles"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def print_json(value: object) -> None:
    """Print one JSON document on one line."""
    typer.echo(dump(value).decode())


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print a table, or the sentence that says why there is none and what to do."""
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
        show_header=any(headings),
    )
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading in _WHOLE)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    if table.row_count:
        out.print(table)
    else:
        out.print(empty, markup=False)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, tuple):
        return "\n".join(plain(str(item)) for item in value)
    return plain(str(value))


def plain(text: str) -> str:
    """Return a text of somebody else's as one line that cannot control the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
