"""Topics for what is stored already, and the articles that users called wrong for a topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Executable,
    bindparam,
    delete,
    select,
    tuple_,
    update,
)

from monitor.model import ArticleRow, Tagging, TopicMark
from monitor.store import listing
from monitor.store.columns import UTC_TIME
from monitor.store.dialect import Dialect, Lock
from monitor.store.sql import Database
from monitor.store.tables import ARTICLE, ARTICLE_TOPIC, TOPIC_MARK

_TAGS = (ARTICLE_TOPIC.c.article_id, ARTICLE_TOPIC.c.topic, ARTICLE_TOPIC.c.seq)


class SqlTagging:
    """What changes the topics of stored articles, and what helps to decide on it."""

    _database: Database

    async def articles_since(
        self, when: datetime, after_seq: int, limit: int
    ) -> Sequence[ArticleRow]:
        """Return articles fetched from `when` on, in the order of (fetched, seq), without extras.

        The next page starts at the last row's time and `seq`: of the articles fetched just at
        `when`, only those after `after_seq` are returned. Raises Unavailable.
        """
        given = {"when": when, "after_seq": after_seq, "limit": limit}

        def work(connection: Connection) -> list[ArticleRow]:
            return [listing.row_of(row) for row in connection.execute(_SINCE, given).mappings()]

        return await self._database.read(work)

    async def retag(self, taggings: Sequence[Tagging]) -> int:
        """Give stored articles other topics; return how many have changed.

        Each keeps its `seq`, so lists keep their order; nothing is sent and nobody is alerted. An
        article that has another revision by now is left alone: the stream has tagged it since.
        Raises Unavailable.
        """
        if not taggings:
            return 0
        work = partial(_retag, self._database.dialect, taggings)
        return await self._database.write(work)

    async def mark_wrong(self, topic: str, article_ids: Sequence[str], now: datetime) -> set[str]:
        """Remember that articles are wrong for a topic; return those that the archive has not.

        The first mark of an article stands. Raises Unavailable.
        """
        return await self._database.write(
            partial(_mark, self._database.dialect, topic, article_ids, now)
        )

    async def unmark_wrong(self, topic: str, article_ids: Sequence[str]) -> int:
        """Forget marks; return how many there were. Raises Unavailable."""
        dialect = self._database.dialect

        def work(connection: Connection) -> int:
            given = {"topic": topic, "ids": dialect.listed(article_ids)}
            return connection.execute(_unmark(dialect), given).rowcount

        return await self._database.write(work)

    async def wrong_for(self, topic: str) -> Sequence[TopicMark]:
        """Return what was marked as wrong for a topic, the latest first. Raises Unavailable."""

        def work(connection: Connection) -> list[TopicMark]:
            rows = connection.execute(_MARKS, {"topic": topic})
            return [TopicMark(topic=topic, article_id=id_, marked=at) for id_, at in rows]

        return await self._database.read(work)


def _retag(dialect: Dialect, taggings: Sequence[Tagging], connection: Connection) -> int:
    # As for saving: nobody else changes the archive until this is committed.
    dialect.lock(connection, Lock.ARTICLE_SEQ)
    wanted = {tagging.article_id: tagging for tagging in taggings}
    ids = {"ids": dialect.listed(list(wanted))}
    stored = {row.id: row for row in connection.execute(_tagged(dialect), ids)}
    changed = {
        stored[id_].seq: tagging
        for id_, tagging in wanted.items()
        if id_ in stored and _differs(stored[id_], tagging)
    }
    if changed:
        _write(connection, dialect, changed)
    return len(changed)


def _differs(row: Any, tagging: Tagging) -> bool:
    return bool(row.revision == tagging.revision and row.topics != tagging.topics)


def _write(connection: Connection, dialect: Dialect, changed: Mapping[int, Tagging]) -> None:
    rows = [
        {
            "which": tagging.article_id,
            "new_topics": tagging.topics,
            "new_versions": tagging.versions,
        }
        for tagging in changed.values()
    ]
    connection.execute(_UPDATE, rows)
    ids = {"ids": dialect.listed([tagging.article_id for tagging in changed.values()])}
    connection.execute(_untag(dialect), ids)
    topics = [
        (tagging.article_id, topic, seq)
        for seq, tagging in changed.items()
        for topic in dict.fromkeys(tagging.topics)
    ]
    if topics:
        connection.execute(_tag(dialect), dialect.rows(_TAGS, topics))


def _mark(
    dialect: Dialect,
    topic: str,
    article_ids: Sequence[str],
    now: datetime,
    connection: Connection,
) -> set[str]:
    ids = {"ids": dialect.listed(article_ids)}
    stored = {row.id for row in connection.execute(_tagged(dialect), ids)}
    rows = [
        {"topic": topic, "article_id": id_, "marked_at": now}
        for id_ in dict.fromkeys(article_ids)
        if id_ in stored
    ]
    if rows:
        connection.execute(_insert_mark(dialect), rows)
    return set(article_ids) - stored


@cache
def _tagged(dialect: Dialect) -> Executable:
    columns = (ARTICLE.c.id, ARTICLE.c.revision, ARTICLE.c.topics, ARTICLE.c.seq)
    return select(*columns).where(dialect.among(ARTICLE.c.id, "ids"))


@cache
def _untag(dialect: Dialect) -> Executable:
    return delete(ARTICLE_TOPIC).where(dialect.among(ARTICLE_TOPIC.c.article_id, "ids"))


@cache
def _tag(dialect: Dialect) -> Executable:
    rows = select(*dialect.batch(*_TAGS).c)
    return ARTICLE_TOPIC.insert().from_select([column.name for column in _TAGS], rows)


@cache
def _insert_mark(dialect: Dialect) -> Executable:
    statement: Executable = dialect.insert(TOPIC_MARK).on_conflict_do_nothing(
        index_elements=["topic", "article_id"]
    )
    return statement


@cache
def _unmark(dialect: Dialect) -> Executable:
    of_topic = TOPIC_MARK.c.topic == bindparam("topic")
    return delete(TOPIC_MARK).where(of_topic, dialect.among(TOPIC_MARK.c.article_id, "ids"))


# One comparison of both, so that the page is a range of the index: with OR it would be a scan.
_AFTER = tuple_(ARTICLE.c.fetched, ARTICLE.c.seq) > tuple_(
    bindparam("when", type_=UTC_TIME), bindparam("after_seq", type_=BigInteger)
)
_SINCE = (
    select(ARTICLE)
    .where(_AFTER)
    .order_by(ARTICLE.c.fetched, ARTICLE.c.seq)
    .limit(bindparam("limit"))
)
_UPDATE = (
    update(ARTICLE)
    .where(ARTICLE.c.id == bindparam("which"))
    .values(
        topics=bindparam("new_topics"),
        topic_versions=bindparam("new_versions"),
    )
)
_MARKS = (
    select(TOPIC_MARK.c.article_id, TOPIC_MARK.c.marked_at)
    .where(TOPIC_MARK.c.topic == bindparam("topic"))
    .order_by(TOPIC_MARK.c.marked_at.desc(), TOPIC_MARK.c.article_id)
)
