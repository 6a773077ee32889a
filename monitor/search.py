"""Searches the archive with a query of the language in which topics are written."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from monitor.model import ArticleFilter, SearchPage, SearchPlan
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
    *,
    patient: bool = False,
) -> SearchPage:
    """Return the articles that a query means; `now` is what `in:24h` counts from.

    The best of the newest 1,000 come on one page. Who is patient gets a full page, however much of
    the archive has to be looked at for it. Raises QueryError, Unavailable.
    """
    root = await meaning_of(archive, query)
    return await find(archive, root, which, now, order, patient=patient)


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
    *,
    patient: bool = False,
) -> SearchPage:
    """Return the articles that a parsed query means, as `search` does. Raises Unavailable."""
    plan = plan_of(root, now)
    wanted = which if order is Order.NEWEST else replace(which, limit=RANKED)
    found = await (_fully(archive, plan, wanted) if patient else archive.search(plan, wanted))
    if order is Order.NEWEST:
        return found
    counts = await archive.document_counts(terms_of(root))
    ranking = Ranking(counts, await archive.article_count(), LONG)

    def ranked() -> SearchPage:
        rows = sorted(found.rows, key=lambda row: ranking.score(row.article), reverse=True)
        counted = len(rows) if found.before is None or len(rows) == RANKED else None
        return SearchPage(rows=tuple(rows[: which.limit]), before=None, total=counted)

    return await asyncio.to_thread(ranked)


async def _fully(archive: Archive, plan: SearchPlan, which: ArticleFilter) -> SearchPage:
    """Return pages as one, until it is full or the archive ends."""
    page = await archive.search(plan, which)
    rows = page.rows
    while page.before is not None and len(rows) < which.limit:
        rest = replace(which, before=page.before, limit=which.limit - len(rows))
        page = await archive.search(plan, rest)
        rows += page.rows
    return replace(page, rows=rows)
