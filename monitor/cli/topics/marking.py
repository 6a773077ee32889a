"""`monitor topics wrong`: what a topic should not have matched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from monitor.cli.output import ID, counted, print_json, print_table
from monitor.cli.session import FAILED, Json, err, execute, load_config, opened_store, out
from monitor.cli.topics.archive import article_named
from monitor.cli.topics.lookup import known_topics, topic_named
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.model import TopicMark
from monitor.protocols import Archive


def wrong(
    topic: Annotated[str, typer.Argument(help="The topic.")],
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of stored articles.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take the marks back.")] = False,
    json: Json = False,
) -> None:
    """Mark articles as wrong for a topic; without any, list what is marked."""
    execute(_wrong(load_config(), topic, ids or [], undo, json))


async def _wrong(config: Config, topic: str, ids: Sequence[str], undo: bool, json: bool) -> None:
    async with opened_store(config) as store:
        topic_named(topic, await known_topics(config, store))
        if not ids:
            await _list(store, topic, json)
            return
        named = {wanted: await article_named(store, wanted) for wanted in ids}
        if undo:
            whole = [row.article.id if row else wanted for wanted, row in named.items()]
            _say(json, "unmarked", await store.unmark_wrong(topic, whole))
            return
        unknown = sorted(wanted for wanted, row in named.items() if row is None)
        found = {row.article.id for row in named.values() if row is not None}
        await store.mark_wrong(topic, sorted(found), SystemClock().now())
        _say(json, "marked", len(found))
        for wanted in unknown:
            err.print(f"no stored article has the id {wanted}", style="red", markup=False)
        if unknown:
            raise typer.Exit(FAILED)


def _say(json: bool, what: str, number: int) -> None:
    if json:
        print_json({what: number})
    else:
        out.print(f"{counted(number, 'article')} {what}.")


async def _list(store: Archive, topic: str, json: bool) -> None:
    marks = await store.wrong_for(topic)
    rows = [(mark, await _title(store, mark)) for mark in marks]
    if json:
        print_json(
            [{"article_id": m.article_id, "marked": m.marked, "title": title} for m, title in rows]
        )
        return
    print_table(
        ("article", "marked", "title"),
        [(mark.article_id[:ID], mark.marked, title) for mark, title in rows],
        f"Nothing is marked. `monitor articles --topic {topic}` has ids.",
    )


async def _title(store: Archive, mark: TopicMark) -> str:
    row = await store.article(mark.article_id)
    return row.article.title if row else ""
