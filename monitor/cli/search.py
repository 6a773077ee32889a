"""`monitor search`: the archive by a query."""

from __future__ import annotations

from typing import Annotated

import typer

from monitor.cli.articles import print_rows
from monitor.cli.output import print_json
from monitor.cli.session import USAGE, Json, err, execute, fail, load_config, opened_store
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.model import ArticleFilter, SearchPage
from monitor.search import Order
from monitor.search import search as search_archive
from monitor.topics.query import QueryError


def search(
    query: Annotated[list[str], typer.Argument(help="As in a topic: 'sco NEAR/5 defence in:7d'.")],
    topic: Annotated[str, typer.Option(help="Only those tagged with this topic.")] = "",
    source: Annotated[str, typer.Option(help="Only those of this source.")] = "",
    order: Annotated[Order, typer.Option(help="Which come first.")] = Order.NEWEST,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    json: Json = False,
) -> None:
    """Search the archive with the language of topics."""
    which = ArticleFilter(topic=topic, source=source, limit=limit)
    if len(query) > 1:  # what the shell took off, quotes above all, is part of the language
        fail(f"write the query as one, within single quotes: '{' '.join(query)}'")
    page = run_search(load_config(), query[0], which, order)
    if json:
        print_json(page.rows)
        return
    print_rows(page.rows, "No article in the archive is meant by this query.")


def run_search(
    config: Config, query: str, which: ArticleFilter, order: Order = Order.NEWEST
) -> SearchPage:
    """Return what a query finds, or show where it is wrong and exit with 2."""

    async def work() -> SearchPage | QueryError:
        async with opened_store(config) as store:
            try:
                now = SystemClock().now()
                return await search_archive(store, query, which, now, order, patient=True)
            except QueryError as error:
                return error

    found: SearchPage | QueryError = execute(work())
    if isinstance(found, QueryError):
        _show(query, found)
        raise typer.Exit(USAGE)
    return found


def _show(query: str, error: QueryError) -> None:
    """Print what is wrong, with the first place marked under the query."""
    for mistake in error.mistakes:
        err.print(f"error: {mistake.sentence}", style="red", markup=False)
    lines = query.splitlines() or [""]
    err.print(f"  {lines[min(error.line, len(lines)) - 1]}", markup=False)
    err.print(f"  {' ' * (error.column - 1)}^", markup=False)
