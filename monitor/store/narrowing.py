"""What a search asks of an article's fields, as conditions of SQL: these find candidates only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    TextClause,
    and_,
    bindparam,
    exists,
    or_,
    text,
)

from monitor.model import ArticleFilter, SearchPlan
from monitor.store.columns import UTC_TIME
from monitor.store.dialect import Dialect
from monitor.store.tables import ARTICLE, ARTICLE_TOPIC

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)

Conditions = tuple[list[ColumnElement[bool]], dict[str, Any]]
"""All of which must hold, and what they are given."""


def conditions_of(
    connection: Connection, dialect: Dialect, plan: SearchPlan, which: ArticleFilter
) -> Conditions | None:
    """Return the conditions of a search; None where no article can meet them."""
    found, given = _times(plan)
    if which.source:
        found.append(ARTICLE.c.source == bindparam("of_source"))
        given["of_source"] = which.source
    if which.topic:
        tagged = ARTICLE_TOPIC.c.article_id == ARTICLE.c.id
        found.append(exists().where(tagged, ARTICLE_TOPIC.c.topic == bindparam("of_topic")))
        given["of_topic"] = which.topic
    for column, fits in ((ARTICLE.c.source, plan.source), (ARTICLE.c.language, plan.language)):
        if fits is None:
            continue
        among = _among(connection, dialect, column, fits)
        if among is None:
            return None
        found += among[0]
        given |= among[1]
    return found, given


def _among(
    connection: Connection, dialect: Dialect, column: Column[Any], fits: Callable[[str], bool]
) -> Conditions | None:
    """Return the condition that a column has one of those of its values that fit."""
    values = connection.execute(_values(column)).scalars().all()
    fitting = [value for value in values if fits(value)]
    if not fitting:
        return None
    name = f"among_{column.name}"
    if len(fitting) == len(values):
        return [], {}
    if len(fitting) == 1:  # then the index has them in the order in which they are wanted
        return [column == bindparam(name)], {name: fitting[0]}
    return [dialect.among(column, name)], {name: dialect.listed(fitting)}


def _times(plan: SearchPlan) -> Conditions:
    """Return the condition on times, which an index answers that has these beside `seq`."""
    if plan.since is None and plan.until is None:
        return [], {}
    since, until = (bindparam(name, type_=UTC_TIME) for name in ("since", "until"))
    published, fetched = ARTICLE.c.published, ARTICLE.c.fetched
    known = and_(published >= since, published < until)
    unknown = and_(published.is_(None), fetched >= since, fetched < until)
    return [or_(known, unknown)], {"since": plan.since or _FIRST, "until": plan.until or _LAST}


@cache
def _values(column: Column[Any]) -> TextClause:
    """Return the query for the different values of an indexed column: a step for each."""
    name = column.name
    return text(
        f"WITH RECURSIVE each_value (value) AS (SELECT min({name}) FROM article UNION ALL"  # noqa: S608
        f" SELECT (SELECT min({name}) FROM article WHERE {name} > each_value.value)"
        " FROM each_value WHERE value IS NOT NULL)"
        " SELECT value FROM each_value WHERE value IS NOT NULL"
    )
