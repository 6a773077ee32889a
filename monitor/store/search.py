"""The archive by its words: an index finds candidates, the query says which are meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    column,
    func,
    select,
)

from monitor.model import ArticleFilter, ArticleRow, SearchPage, SearchPlan
from monitor.store import listing
from monitor.store.columns import UTC_TIME
from monitor.store.narrowing import Conditions, conditions_of
from monitor.store.sql import Database
from monitor.store.tables import ARTICLE
from monitor.store.wordindex import LONGEST

AT_ONCE = 200
"""Candidates that are looked at together, at the least."""
MOST = 4_000
"""Candidates that one page may cost."""
NEWEST = 2**63 - 1


class SqlSearch:
    """Searches in articles. Both databases find the same: their index is of our own words."""

    _database: Database

    async def search(self, plan: SearchPlan, which: ArticleFilter) -> SearchPage:
        """Return the articles that a plan means, the latest change first. Raises Unavailable."""
        dialect, before, looked = self._database.dialect, which.before or NEWEST, 0
        most, found = max(AT_ONCE, which.limit), list[ArticleRow]()
        conditions = await self._database.read(
            lambda connection: conditions_of(connection, dialect, plan, which)
        )
        if conditions is None:
            return SearchPage(rows=(), before=None)
        while looked < MOST:
            rows = await self._candidates(plan, conditions, before, most)
            for row in rows:
                before = row.seq
                if plan.holds(row.article):
                    found.append(row)
                    if len(found) == which.limit:
                        return await self._page(found, before)
            if len(rows) < most:
                return await self._page(found, None)
            looked += len(rows)
        return await self._page(found, before)

    async def document_counts(self, words: Sequence[str], first_seq: int = 0) -> Mapping[str, int]:
        """Return how many articles from `first_seq` on have each of some words (`minist*`: one that
        begins so; of a very long one only the beginning counts). Raises Unavailable."""
        index = self._database.dialect.word_index

        def count(connection: Connection, word: str) -> int:
            asked = word if len(word) < LONGEST else f"{word[: LONGEST - 1]}*"
            given = {"asked": index.asked([[asked]]), "first": first_seq}
            found: int = connection.execute(index.count, given).scalar_one()
            return found

        return await self._database.read(
            lambda connection: {word: count(connection, word) for word in words}
        )

    async def newest_since(self, when: datetime, most: int) -> tuple[int, int]:
        """Return the `seq` from which on the articles fetched since `when` stand, but at most so
        many; and how many stand there. One that was fetched before and has changed since counts,
        too. Raises Unavailable."""
        given = {"when": when, "most": most, "before": most - 1}

        def work(connection: Connection) -> tuple[int, int]:
            oldest = connection.execute(_OLDEST, given).scalar()
            if oldest is None:
                return 0, 0
            first = max(oldest, connection.execute(_LAST_OF_MOST, given).scalar() or 0)
            return first, connection.execute(_FROM, {"first": first}).scalar_one()

        return await self._database.read(work)

    async def article_count(self) -> int:
        """Return how many articles there are. Raises Unavailable."""

        def work(connection: Connection) -> int:
            found: int = connection.execute(_COUNT).scalar_one()
            return found

        return await self._database.read(work)

    async def _candidates(
        self, plan: SearchPlan, conditions: Conditions, before: int, most: int
    ) -> list[ArticleRow]:
        """Return the newest articles before a `seq` that may be meant."""
        index = self._database.dialect.word_index
        given = {**conditions[1], "before": before}
        clauses = [clause for clause in plan.clauses if all(len(w) < LONGEST for w in clause)]
        # By `seq` alone first: whole articles are not sorted, nor read where they are not wanted.
        if clauses:
            given["asked"] = index.asked(clauses)
            words = index.found.subquery("words")
            seq: ColumnElement[int] = words.c.seq
            newest = select(seq)
            if conditions[0]:
                newest = newest.join(ARTICLE, ARTICLE.c.seq == seq)
        else:
            seq = ARTICLE.c.seq
            newest = select(seq).where(seq < bindparam("before", type_=BigInteger))
        newest = newest.where(*conditions[0]).order_by(seq.desc()).limit(most)
        wanted = ARTICLE.alias()
        statement = select(wanted).where(wanted.c.seq.in_(newest)).order_by(wanted.c.seq.desc())

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


_COUNT = select(func.count()).select_from(ARTICLE)
_OLDEST: Select[Any] = select(func.min(column("seq"))).select_from(
    select(ARTICLE.c.seq)
    .where(ARTICLE.c.fetched >= bindparam("when", type_=UTC_TIME))
    .order_by(ARTICLE.c.fetched, ARTICLE.c.seq)
    .limit(bindparam("most"))
    .subquery("fetched_since")
)
_LAST_OF_MOST = (
    select(ARTICLE.c.seq).order_by(ARTICLE.c.seq.desc()).limit(1).offset(bindparam("before"))
)
_FROM = (
    select(func.count())
    .select_from(ARTICLE)
    .where(ARTICLE.c.seq >= bindparam("first", type_=BigInteger))
)
