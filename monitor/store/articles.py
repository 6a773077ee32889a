"""The archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select

from monitor.model import Article, ArticleFilter, ArticleRow
from monitor.store import archive, listing
from monitor.store.sql import Database


class SqlArticles:
    """Articles as rows, the newest revision of each."""

    _database: Database

    async def save_articles(self, articles: Sequence[Article], now: datetime) -> None:
        """Store each article unless this or a newer revision is there; settle its outbox rows.

        Raises Unavailable, or Rejected where one article does not fit: then none is stored.
        """
        if not articles:
            return
        newest: dict[str, Article] = {}
        for article in articles:
            known = newest.get(article.id)
            if known is None or article.revision > known.revision:
                newest[article.id] = article
        await self._database.write(
            partial(archive.save, self._database.dialect, list(newest.values()), now)
        )

    async def articles(self, which: ArticleFilter) -> Sequence[ArticleRow]:
        """Return articles, the latest change first. Raises Unavailable."""
        return await _list(self._database, listing.newest_first(which))

    async def article(self, article_id: str) -> ArticleRow | None:
        """Return one article. Raises Unavailable."""
        found = await _list(self._database, listing.one(article_id))
        return found[0] if found else None

    async def article_ids(self, start: str, limit: int) -> Sequence[str]:
        """Return ids that begin with lower-case hexadecimal digits. Raises Unavailable."""
        return await self._database.read(
            lambda connection: connection.scalars(listing.ids_from(start, limit)).all()
        )

    async def articles_after(self, seq: int, limit: int) -> Sequence[ArticleRow]:
        """Return the changes after `seq`, in their order. Raises Unavailable."""
        return await _list(self._database, listing.after(seq, limit))

    async def frequent(self, articles: int, limit: int) -> tuple[Sequence[str], Sequence[str]]:
        """Return the names of the sources and the ids of the topics that the newest articles have
        most often, at most `limit` of each, sorted; `articles` is how many are looked at. Raises
        Unavailable."""
        return await self._database.read(partial(listing.frequent, articles, limit))


async def _list(database: Database, statement: Select[Any]) -> list[ArticleRow]:
    dialect = database.dialect

    def work(connection: Connection) -> list[ArticleRow]:
        rows = [listing.row_of(row) for row in connection.execute(statement).mappings()]
        if not rows:
            return rows
        extras = listing.extras_of(connection, dialect, [row.article.id for row in rows])
        return [replace(row, **extras.get(row.article.id, {})) for row in rows]

    return await database.read(work)
