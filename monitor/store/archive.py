"""How articles are stored: a versioned upsert of a whole batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Executable, Text, delete, func, select

from monitor.errors import Rejected
from monitor.model import Article
from monitor.store.dialect import Dialect, Lock
from monitor.store.outbox import settle
from monitor.store.tables import ARTICLE, ARTICLE_TOPIC
from monitor.store.wordindex import indexed_words

_FIELDS = tuple(column.name for column in ARTICLE.c if column.name not in ("seq", "stored_at"))
_VALUES = attrgetter(*_FIELDS)
_TAGS = (ARTICLE_TOPIC.c.article_id, ARTICLE_TOPIC.c.topic, ARTICLE_TOPIC.c.seq)
_TEXTS = attrgetter(*(column.name for column in ARTICLE.c if isinstance(column.type, Text)))


def save(
    dialect: Dialect, articles: Sequence[Article], now: datetime, connection: Connection
) -> None:
    """Store articles, one revision of each, and settle these revisions and all before them."""
    _check(articles)
    # Everything below may rely on nobody else changing the archive: what is read stays true, and
    # `seq` is given in the order in which the transactions become visible.
    dialect.lock(connection, Lock.ARTICLE_SEQ)
    ids = {"ids": dialect.listed([article.id for article in articles])}
    stored = {row.id: row for row in connection.execute(_revisions(dialect), ids).all()}
    changed = [
        article
        for article in articles
        if article.id not in stored or article.revision > stored[article.id].revision
    ]
    if changed:
        _write(connection, dialect, changed, now, stored)
    revisions = {(article.id, article.revision) for article in articles}
    settle(connection, dialect, revisions, now, older=True)


def _write(
    connection: Connection,
    dialect: Dialect,
    changed: Sequence[Article],
    now: datetime,
    stored: Mapping[str, Any],
) -> None:
    start: int = connection.execute(_LAST_SEQ).scalar_one()
    rows = [_row(article, start + place, now) for place, article in enumerate(changed, 1)]
    connection.execute(_upsert(dialect), rows)
    revised = [article.id for article in changed if article.id in stored]
    index = dialect.word_index
    connection.execute(
        index.insert,
        [
            {"seq": start + place, "words": indexed_words(a.title, a.summary, a.body)}
            for place, a in enumerate(changed, 1)
        ],
    )
    if revised:
        connection.execute(index.delete, [{"old": stored[id_].seq} for id_ in revised])
        connection.execute(_untag(dialect), {"ids": dialect.listed(revised)})
    topics = [
        (article.id, topic, start + place)
        for place, article in enumerate(changed, 1)
        for topic in dict.fromkeys(article.topics)
    ]
    if topics:
        connection.execute(_tag(dialect), dialect.rows(_TAGS, topics))


def _row(article: Article, seq: int, now: datetime) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip(_FIELDS, _VALUES(article), strict=True))
    row["seq"] = seq
    row["stored_at"] = now
    return row


def _check(articles: Sequence[Article]) -> None:
    # SQLite would take it, and then the archive could not move to PostgreSQL, which does not.
    for article in articles:
        if "\0" in "".join(_TEXTS(article)):
            raise Rejected(f"article {article.id!r}: its text holds a NUL character")


@cache
def _revisions(dialect: Dialect) -> Executable:
    return select(ARTICLE.c.id, ARTICLE.c.revision, ARTICLE.c.seq).where(
        dialect.among(ARTICLE.c.id, "ids")
    )


@cache
def _upsert(dialect: Dialect) -> Executable:
    insert = dialect.insert(ARTICLE)
    statement: Executable = insert.on_conflict_do_update(
        index_elements=["id"],
        set_={column.name: insert.excluded[column.name] for column in ARTICLE.c},
        where=insert.excluded.revision > ARTICLE.c.revision,
    )
    return statement


@cache
def _tag(dialect: Dialect) -> Executable:
    rows = select(*dialect.batch(*_TAGS).c)
    return ARTICLE_TOPIC.insert().from_select([column.name for column in _TAGS], rows)


@cache
def _untag(dialect: Dialect) -> Executable:
    ids = dialect.among(ARTICLE_TOPIC.c.article_id, "ids")
    return delete(ARTICLE_TOPIC).where(ids)


_LAST_SEQ = select(func.coalesce(func.max(ARTICLE.c.seq), 0))
