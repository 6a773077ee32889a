"""The archive by its words: an index finds candidates, the query says which are meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, func, select

from monitor.model import ArticleFilter, ArticleRow, SearchPage, SearchPlan
from monitor.store import listing
from monitor.store.sql import Database
from monitor.store.tables import ARTICLE
from monitor.store.wordindex import LONGEST

AT_ONCE = 200
"""Candidates that are looked at together."""
MOST = 4_000
"""Candidates that one page may cost."""
NEWEST = 2**63 - 1


class SqlSearch:
    """Searches in articles. Both databases find the same: their index is of our own words."""

    _database: Database

    async def search(self, plan: SearchPlan, which: ArticleFilter) -> SearchPage:
        """Return the articles that a plan means, the latest change first. Raises Unavailable."""
        before, looked = which.before or NEWEST, 0
        found: list[ArticleRow] = []
        while looked < MOST:
            rows = await self._candidates(plan, before)
            for row in rows:
                before = row.seq
                if _is_of(row, which) and plan.holds(row.article):
                    found.append(row)
                    if len(found) == which.limit:
                        return await self._page(found, before)
            if len(rows) < AT_ONCE:
                return await self._page(found, None)
            looked += len(rows)
        return await self._page(found, before)

    async def document_counts(self, words: Sequence[str]) -> Mapping[str, int]:
        """Return how many articles have each of some words (`minist*`: one that begins so).

        Raises Unavailable.
        """
        index = self._database.dialect.word_index

        def work(connection: Connection) -> dict[str, int]:
            return {
                word: connection.execute(index.count, {"asked": index.asked([[word]])}).scalar_one()
                for word in words
            }

        return await self._database.read(work)

    async def article_count(self) -> int:
        """Return how many articles there are. Raises Unavailable."""

        def work(connection: Connection) -> int:
            found: int = connection.execute(_COUNT).scalar_one()
            return found

        return await self._database.read(work)

    async def _candidates(self, plan: SearchPlan, before: int) -> list[ArticleRow]:
        index = self._database.dialect.word_index
        given: dict[str, Any] = {}
        statement: Select[Any] = select(ARTICLE)
        clauses = [clause for clause in plan.clauses if all(len(w) < LONGEST for w in clause)]
        if clauses:
            statement = statement.where(index.found)
            given = {"asked": index.asked(clauses), "before": before, "limit": AT_ONCE}
        else:
            statement = statement.where(ARTICLE.c.seq < before)
        statement = statement.order_by(ARTICLE.c.seq.desc()).limit(AT_ONCE)

        def work(connection: Connection) -> list[ArticleRow]:
            return [listing.row_of(row) for row in connection.execute(statement, given).mappings()]

        return await self._database.read(work)

    async def _page(self, rows: Sequence[ArticleRow], before: int | None) -> SearchPage:
        if not rows:
            return SearchPage(rows=(), before=before)
        dialect, ids = self._database.dialect, [row.article.id for row in rows]

        def work(connection: Connection) -> Mapping[str, Mapping[str, Any]]:
            return listing.extras_of(connection, dialect, ids)

        extras = await self._database.read(work)
        whole = tuple(replace(row, **extras.get(row.article.id, {})) for row in rows)
        return SearchPage(rows=whole, before=before)


def _is_of(row: ArticleRow, which: ArticleFilter) -> bool:
    article = row.article
    return (not which.topic or which.topic in article.topics) and (
        not which.source or which.source == article.source
    )


_COUNT = select(func.count()).select_from(ARTICLE)
