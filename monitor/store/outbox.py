"""Articles on their way to the broker."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import (
    Connection,
    Executable,
    bindparam,
    delete,
    func,
    null,
    select,
    text,
    update,
)

from monitor.events import load
from monitor.model import Article, OutboxRow, OutboxSize
from monitor.store.columns import UTC_TIME
from monitor.store.dialect import Dialect
from monitor.store.sql import Database
from monitor.store.tables import OUTBOX, UNSENT, UNSTORED


class SqlOutbox:
    """The outbox as rows that are deleted long after they were stored."""

    _database: Database

    async def unsent(self, limit: int) -> Sequence[OutboxRow]:
        """Return the oldest rows that are neither sent nor settled. Raises Unavailable."""

        def work(connection: Connection) -> list[OutboxRow]:
            found = connection.execute(_OLDEST, {"limit": limit})
            return [OutboxRow(id=id_, article=load(Article, payload)) for id_, payload in found]

        return await self._database.read(work)

    async def mark_sent(self, ids: Sequence[int], now: datetime) -> None:
        """Remember that the broker has these. Raises Unavailable."""
        if not ids:
            return
        dialect = self._database.dialect

        def work(connection: Connection) -> None:
            connection.execute(_mark(dialect), {"ids": dialect.listed(ids), "now": now})

        await self._database.write(work)

    async def resend_unstored(self, sent_before: datetime) -> int:
        """Make rows unsent that were sent before then and never stored; return how many.

        Raises Unavailable.
        """
        statement = (
            update(OUTBOX)
            .where(
                text(UNSTORED),
                OUTBOX.c.sent_at < bindparam("before", type_=UTC_TIME),
            )
            .values(sent_at=None)
        )
        return await _changed(self._database, statement, sent_before)

    async def unfinished(self, article_ids: Sequence[str]) -> int:
        """Return how many of these articles have a row that is not stored or settled yet.

        Raises Unavailable.
        """
        if not article_ids:
            return 0
        dialect = self._database.dialect

        def work(connection: Connection) -> int:
            parameters = {"ids": dialect.listed(article_ids)}
            return int(connection.execute(_unfinished(dialect), parameters).scalar_one())

        return await self._database.read(work)

    async def settle(self, articles: Sequence[Article], now: datetime) -> None:
        """Remember that nothing more will come of these revisions. Raises Unavailable."""
        if not articles:
            return
        dialect = self._database.dialect
        revisions = {(article.id, article.revision) for article in articles}

        def work(connection: Connection) -> None:
            settle(connection, dialect, revisions, now, older=False)

        await self._database.write(work)

    async def prune_outbox(self, stored_before: datetime) -> int:
        """Delete rows that were stored before then; return how many. Raises Unavailable."""
        before = bindparam("before", type_=UTC_TIME)
        statement = delete(OUTBOX).where(OUTBOX.c.stored_at < before)
        return await _changed(self._database, statement, stored_before)

    async def outbox_size(self) -> OutboxSize:
        """Return how much waits. Raises Unavailable."""

        def work(connection: Connection) -> OutboxSize:
            unsent, oldest = connection.execute(_UNSENT_SIZE).one()
            unstored = connection.execute(_UNSTORED_SIZE).scalar_one()
            return OutboxSize(unsent=unsent, unstored=unstored, oldest=oldest)

        return await self._database.read(work)


def settle(
    connection: Connection,
    dialect: Dialect,
    revisions: Collection[tuple[str, int]],
    now: datetime,
    *,
    older: bool,
) -> None:
    """Mark the rows of articles' revisions as stored, with `older` also those before them.

    In two steps, each by a unique index: of a join neither database knows better than to walk
    all unstored rows for each row of the batch.
    """
    newest = dict(sorted(revisions))
    wanted = {"ids": dialect.listed(list(newest))}
    ids = [
        id_
        for id_, article_id, revision in connection.execute(_of_articles(dialect), wanted).all()
        if (article_id, revision) in revisions or (older and revision < newest[article_id])
    ]
    if ids:
        connection.execute(_settle(dialect), {"ids": dialect.listed(ids), "now": now})


async def _changed(database: Database, statement: Executable, before: datetime) -> int:
    def work(connection: Connection) -> int:
        return connection.execute(statement, {"before": before}).rowcount

    return await database.write(work)


@cache
def _of_articles(dialect: Dialect) -> Executable:
    row = OUTBOX.c
    of_articles = dialect.among(row.article_id, "ids")
    return select(row.id, row.article_id, row.revision).where(of_articles)


@cache
def _settle(dialect: Dialect) -> Executable:
    ids, now = dialect.among(OUTBOX.c.id, "ids"), bindparam("now", type_=UTC_TIME)
    return update(OUTBOX).where(ids, OUTBOX.c.stored_at.is_(null())).values(stored_at=now)


@cache
def _mark(dialect: Dialect) -> Executable:
    now = bindparam("now", type_=UTC_TIME)
    return update(OUTBOX).where(dialect.among(OUTBOX.c.id, "ids")).values(sent_at=now)


@cache
def _unfinished(dialect: Dialect) -> Executable:
    ids = func.count(OUTBOX.c.article_id.distinct())
    return select(ids).where(dialect.among(OUTBOX.c.article_id, "ids"), text(UNSTORED))


_OLDEST = (
    select(OUTBOX.c.id, OUTBOX.c.payload)
    .where(text(UNSENT))
    .order_by(OUTBOX.c.id)
    .limit(bindparam("limit"))
)
_UNSENT_SIZE = select(func.count(), func.min(OUTBOX.c.created_at)).where(text(UNSENT))
_UNSTORED_SIZE = select(func.count()).select_from(OUTBOX).where(text(UNSTORED))
