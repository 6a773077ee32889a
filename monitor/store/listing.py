"""How articles are listed: by an index in the order of changes, their extras in one query."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Executable,
    RowMapping,
    Select,
    func,
    literal,
    select,
    union_all,
)

from monitor.model import Article, ArticleFilter, ArticleRow
from monitor.store.dialect import Dialect
from monitor.store.tables import ALERT, ARTICLE, ARTICLE_TOPIC, SIGHTING

_FIELDS = tuple(column.name for column in ARTICLE.c if column.name not in ("seq", "stored_at"))


def newest_first(which: ArticleFilter) -> Select[Any]:
    """Return the query for a listing."""
    statement, seq = select(ARTICLE), ARTICLE.c.seq
    if which.topic:
        seq = ARTICLE_TOPIC.c.seq
        tagged = ARTICLE_TOPIC.c.article_id == ARTICLE.c.id
        statement = statement.join(ARTICLE_TOPIC, tagged).where(
            ARTICLE_TOPIC.c.topic == which.topic
        )
    if which.source:
        statement = statement.where(ARTICLE.c.source == which.source)
    if which.before is not None:
        statement = statement.where(seq < which.before)
    return statement.order_by(seq.desc()).limit(which.limit)


def one(article_id: str) -> Select[Any]:
    """Return the query for one article."""
    return select(ARTICLE).where(ARTICLE.c.id == article_id)


def ids_from(start: str, limit: int) -> Select[Any]:
    """Return the query for the ids that begin with lower-case hexadecimal digits."""
    return (
        select(ARTICLE.c.id).where(ARTICLE.c.id >= start, ARTICLE.c.id < f"{start}g").limit(limit)
    )


def after(seq: int, limit: int) -> Select[Any]:
    """Return the query for changes."""
    return select(ARTICLE).where(ARTICLE.c.seq > seq).order_by(ARTICLE.c.seq).limit(limit)


def frequent(
    articles: int, limit: int, connection: Connection
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the sources and the topics that the newest articles have most often, sorted."""
    newest = select(ARTICLE.c.source, ARTICLE.c.topics).order_by(ARTICLE.c.seq.desc())
    rows = connection.execute(newest.limit(articles)).all()
    sources = Counter(row.source for row in rows)
    topics = Counter(topic for row in rows for topic in row.topics)
    return _most_common(sources, limit), _most_common(topics, limit)


def _most_common(counted: Counter[str], limit: int) -> Sequence[str]:
    return sorted(name for name, _ in counted.most_common(limit))


def row_of(row: RowMapping) -> ArticleRow:
    """Return a row as the domain knows it, without its extras."""
    article = Article(**{name: row[name] for name in _FIELDS})
    return ArticleRow(seq=row["seq"], article=article, stored=row["stored_at"])


def extras_of(
    connection: Connection, dialect: Dialect, article_ids: Sequence[str]
) -> Mapping[str, Mapping[str, Any]]:
    """Return `copies` and `alerted` of each article that has any."""
    ids = {"ids": dialect.listed(article_ids)}
    copies: dict[str, int] = {}
    alerted: dict[str, list[str]] = defaultdict(list)
    for article_id, rule, count in connection.execute(_extras(dialect), ids).all():
        if rule is None:
            copies[article_id] = count
        else:
            alerted[article_id].append(rule)
    return {
        article_id: {
            "copies": copies.get(article_id, 0),
            "alerted": tuple(sorted(alerted[article_id])),
        }
        for article_id in copies.keys() | set(alerted)
    }


@cache
def _extras(dialect: Dialect) -> Executable:
    original = SIGHTING.c.original_id
    copies = (
        select(original, literal(None, ALERT.c.rule.type), func.count())
        .where(dialect.among(original, "ids"))
        .group_by(original)
    )
    alerts = select(ALERT.c.article_id, ALERT.c.rule, literal(0)).where(
        dialect.among(ALERT.c.article_id, "ids")
    )
    return union_all(copies, alerts)
