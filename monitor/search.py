"""Searches the archive with a query of the language in which topics are written."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from monitor.model import ArticleFilter, SearchPage
from monitor.protocols import Archive
from monitor.topics.compile import names_in, parse_with_all
from monitor.topics.search import Ranking, plan_of, terms_of
from monitor.topics.tree import Node
from monitor.topics.used import used

RANKED = 1_000
"""The newest articles that are found, of which the best come first."""
LONG = 400.0
"""Words of an article, about."""
NEAR = 3
"""Names that do not exist for which others are looked at, so many that begin alike."""
LOOKED_AT = 50


class Order(StrEnum):
    """Which articles come first."""

    NEWEST = "newest"
    BEST = "best"


async def search(
    archive: Archive,
    query: str,
    which: ArticleFilter,
    now: datetime,
    order: Order = Order.NEWEST,
) -> SearchPage:
    """Return the articles that a query means; `now` is what `in:24h` counts from.

    The best of the newest 1,000 come on one page. Raises QueryError, Unavailable.
    """
    return await find(archive, await meaning_of(archive, query), which, now, order)


async def meaning_of(archive: Archive, query: str) -> Node:
    """Return a query with the lists and topics that it uses. Raises QueryError, Unavailable."""
    names = names_in(query)
    parts = await used(archive, names)
    topics, lists = list(parts.topics), list(parts.lists)
    missing = names - {topic.id for topic in topics} - {words.name for words in lists}
    for name in sorted(missing)[:NEAR]:  # so that the mistake tells the nearest name
        topics += await archive.topics_by_id(name[:2], LOOKED_AT)
    if missing:
        lists += await archive.word_lists()
    return parse_with_all(query, topics, lists).root


async def find(
    archive: Archive,
    root: Node,
    which: ArticleFilter,
    now: datetime,
    order: Order = Order.NEWEST,
) -> SearchPage:
    """Return the articles that a parsed query means, as `search` does. Raises Unavailable."""
    plan = plan_of(root, now)
    if order is Order.NEWEST:
        return await archive.search(plan, which)
    found = await archive.search(plan, replace(which, limit=RANKED))
    counts = await archive.document_counts(terms_of(root))
    ranking = Ranking(counts, await archive.article_count(), LONG)

    def ranked() -> SearchPage:
        rows = sorted(found.rows, key=lambda row: ranking.score(row.article), reverse=True)
        return SearchPage(rows=tuple(rows[: which.limit]), before=None, total=len(rows))

    return await asyncio.to_thread(ranked)
