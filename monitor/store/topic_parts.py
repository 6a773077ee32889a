"""Topics in parts: a page of them, some by name, and what belongs to some. There may be 100,000,
so what is asked for here is read, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Executable,
    Select,
    bindparam,
    false,
    func,
    or_,
    select,
    text,
    tuple_,
)

from monitor.model import CatalogChange, Topic, TopicMark, WordList
from monitor.store.columns import UTC_TIME
from monitor.store.dialect import Dialect
from monitor.store.sql import Database
from monitor.store.tables import ARTICLE, ARTICLE_TOPIC, TOPIC, TOPIC_MARK, USING, WORD_LIST
from monitor.store.topics import sort_key


class _Named(msgspec.Struct):
    """A topic's definition as far as lists of anything else need it."""

    name: str


_unpack_topic = msgspec.msgpack.Decoder(Topic).decode
_unpack_named = msgspec.msgpack.Decoder(_Named).decode
_unpack_list = msgspec.msgpack.Decoder(WordList).decode


class SqlTopicParts:
    """Reads parts of the catalog, each in one transaction."""

    _database: Database

    async def topics_by_id(self, after: str, limit: int) -> Sequence[Topic]:
        """Return topics by id, those after one. Raises Unavailable."""
        wanted = _THERE.where(TOPIC.c.id > after).order_by(TOPIC.c.id).limit(limit)
        return await self._database.read(lambda connection: _topics(connection, wanted))

    async def topics_by_name(self, after: str, start: str, limit: int) -> Sequence[Topic]:
        """Return topics by name, as people sort names: those after the topic with an id, and from
        a name on; "" for no such bound. Raises Unavailable."""
        ordered = _THERE.order_by(*_PLACE).limit(limit)
        if start:
            ordered = ordered.where(TOPIC.c.sort_key >= sort_key(start))

        def work(connection: Connection) -> list[Topic]:
            if not after:
                return _topics(connection, ordered)
            # One that was removed meanwhile still has its place.
            key = connection.execute(_KEY, {"of": after}).scalar()
            place = (sort_key(after) if key is None else key, after)
            return _topics(connection, ordered.where(tuple_(*_PLACE) > tuple_(*place)))

        return await self._database.read(work)

    async def topic_names(self, topic_ids: Collection[str]) -> Mapping[str, str]:
        """Return what these topics are called, by id; those there are not are left out. Raises
        Unavailable."""
        dialect, ids = self._database.dialect, sorted(topic_ids)
        if not ids:
            return {}

        def work(connection: Connection) -> dict[str, str]:
            rows = connection.execute(_of_ids(dialect), {"ids": dialect.listed(ids)})
            return {row.id: _unpack_named(row.definition).name for row in rows}

        return await self._database.read(work)

    async def catalog_of(self, names: Collection[str]) -> CatalogChange:
        """Return the topics and the word lists of these names, as a change that adds them. Raises
        Unavailable."""
        dialect, ids = self._database.dialect, sorted(names)
        if not ids:
            return CatalogChange(revision=0)

        def work(connection: Connection) -> CatalogChange:
            given = {"ids": dialect.listed(ids)}
            topics = connection.execute(_of_ids(dialect), given).all()
            lists = connection.execute(_lists(dialect), given).scalars()
            return CatalogChange(
                revision=0,
                topics=tuple(_unpack_topic(row.definition) for row in topics),
                lists=tuple(map(_unpack_list, lists)),
                trees={row.id: row.tree for row in topics if row.tree},
            )

        return await self._database.read(work)

    async def topics_using(self) -> Sequence[Topic]:
        """Return the topics whose queries may use others by `@name`. Raises Unavailable."""
        wanted = _THERE.where(text(USING)).order_by(TOPIC.c.id)
        return await self._database.read(lambda connection: _topics(connection, wanted))

    async def match_counts(self, topic_ids: Collection[str], since: datetime) -> Mapping[str, int]:
        """Return how many articles fetched since then have each of these topics. Raises
        Unavailable."""
        dialect, ids = self._database.dialect, sorted(topic_ids)
        if not ids:
            return {}

        def work(connection: Connection) -> dict[str, int]:
            given = {"ids": dialect.listed(ids), "since": since}
            return {topic: count for topic, count in connection.execute(_counts(dialect), given)}

        return await self._database.read(work)

    async def marks_of(
        self, topic_id: str, before: tuple[datetime, str] | None, limit: int
    ) -> Sequence[TopicMark]:
        """Return what was marked as wrong for a topic, the latest first and then by article;
        `before` is the time and the article of the last mark already shown. Raises Unavailable."""
        marked, article = TOPIC_MARK.c.marked_at, TOPIC_MARK.c.article_id
        wanted = select(article, marked).where(TOPIC_MARK.c.topic == topic_id)
        if before is not None:
            when, last = before
            wanted = wanted.where(or_(marked < when, (marked == when) & (article > last)))
        wanted = wanted.order_by(marked.desc(), article).limit(limit)

        def work(connection: Connection) -> list[TopicMark]:
            rows = connection.execute(wanted)
            return [TopicMark(topic=topic_id, article_id=id_, marked=at) for id_, at in rows]

        return await self._database.read(work)

    async def wrong_topics(self, article_id: str, topic_ids: Collection[str]) -> Set[str]:
        """Return for which of these topics an article was marked as wrong. Raises Unavailable."""
        dialect, ids = self._database.dialect, sorted(topic_ids)
        if not ids:
            return set()

        def work(connection: Connection) -> set[str]:
            given = {"ids": dialect.listed(ids), "article": article_id}
            return set(connection.execute(_wrong(dialect), given).scalars())

        return await self._database.read(work)


def _topics(connection: Connection, wanted: Select[Any]) -> list[Topic]:
    return [_unpack_topic(row.definition) for row in connection.execute(wanted)]


@cache
def _of_ids(dialect: Dialect) -> Executable:
    found = select(TOPIC.c.id, TOPIC.c.definition, TOPIC.c.tree).where(TOPIC.c.removed.is_(false()))
    return found.where(dialect.among(TOPIC.c.id, "ids")).order_by(TOPIC.c.id)


@cache
def _lists(dialect: Dialect) -> Executable:
    found = select(WORD_LIST.c.definition).where(WORD_LIST.c.removed.is_(false()))
    return found.where(dialect.among(WORD_LIST.c.name, "ids")).order_by(WORD_LIST.c.name)


@cache
def _counts(dialect: Dialect) -> Executable:
    since = bindparam("since", type_=UTC_TIME)
    # What was fetched since does not stand before the first that were: the index leads there. Of
    # these some have changed since, and stand behind; of a thousand never all.
    earliest = (
        select(ARTICLE.c.seq)
        .where(ARTICLE.c.fetched >= since)
        .order_by(ARTICLE.c.fetched, ARTICLE.c.seq)
        .limit(1_000)
        .subquery("earliest")
    )
    first = select(func.min(earliest.c.seq)).scalar_subquery()
    return (
        select(ARTICLE_TOPIC.c.topic, func.count())
        .join(ARTICLE, ARTICLE.c.id == ARTICLE_TOPIC.c.article_id)
        .where(
            dialect.among(ARTICLE_TOPIC.c.topic, "ids"),
            ARTICLE_TOPIC.c.seq >= first,
            ARTICLE.c.fetched >= since,
        )
        .group_by(ARTICLE_TOPIC.c.topic)
    )


@cache
def _wrong(dialect: Dialect) -> Executable:
    of_article = TOPIC_MARK.c.article_id == bindparam("article")
    return select(TOPIC_MARK.c.topic).where(of_article, dialect.among(TOPIC_MARK.c.topic, "ids"))


_PLACE = (TOPIC.c.sort_key, TOPIC.c.id)
_THERE = select(TOPIC.c.definition).where(TOPIC.c.removed.is_(false()))
_KEY = select(TOPIC.c.sort_key).where(TOPIC.c.id == bindparam("of"))
