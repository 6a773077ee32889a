"""The texts that sources have shown, and the outbox rows that each new one makes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Executable, bindparam, select

from monitor.events import dump
from monitor.model import Article, Known
from monitor.store.columns import UTC_TIME
from monitor.store.dialect import ALWAYS, Dialect
from monitor.store.tables import ITEM, OUTBOX

_COLUMNS = (ITEM.c.article_id, ITEM.c.revision, ITEM.c.source, ITEM.c.content_hash)


def find_items(
    connection: Connection, dialect: Dialect, article_ids: Sequence[str]
) -> Iterable[tuple[str, int, str]]:
    """Return id, revision and hash of every text under these ids."""
    found = connection.execute(_find(dialect), {"ids": dialect.listed(article_ids)})
    return [(article_id, revision, content_hash) for article_id, revision, content_hash in found]


def known_of(
    dialect: Dialect, article_ids: Sequence[str], connection: Connection
) -> dict[str, Known]:
    """Return what is remembered of each item; unknown ones are left out."""
    texts: dict[str, dict[int, str]] = defaultdict(dict)
    for article_id, revision, content_hash in find_items(connection, dialect, article_ids):
        texts[article_id][revision] = content_hash
    return {article_id: _known(hashes) for article_id, hashes in texts.items()}


def _known(hashes: Mapping[int, str]) -> Known:
    newest = max(hashes)
    return Known(revision=newest, content_hash=hashes[newest], hashes=frozenset(hashes.values()))


def insert_articles(
    connection: Connection, dialect: Dialect, articles: Sequence[Article], now: datetime
) -> list[Article]:
    """Remember articles and put them into the outbox; return those that were new.

    What makes an outbox row is the item's row, not the outbox's own: that is deleted some day,
    and an article must not pass again because of it.
    """
    new = insert_items(connection, dialect, articles, now)
    send(connection, dialect, new, now)
    return new


def insert_items(
    connection: Connection, dialect: Dialect, articles: Sequence[Article], now: datetime
) -> list[Article]:
    """Remember articles; return those that were new."""
    offered = {(article.id, article.revision): article for article in articles}
    if not offered:
        return []
    rows = [
        (article.id, article.revision, article.source, article.content_hash)
        for _, article in sorted(offered.items())
    ]
    found = connection.execute(_insert(dialect), {**dialect.rows(_COLUMNS, rows), "now": now})
    inserted = {(article_id, revision) for article_id, revision in found}
    return [article for key, article in offered.items() if key in inserted]


def send(
    connection: Connection, dialect: Dialect, articles: Sequence[Article], now: datetime
) -> None:
    """Put articles into the outbox, unless these revisions are there."""
    if articles:
        connection.execute(_send(dialect), [_outbox_row(article, now) for article in articles])


def insert_revisions(
    connection: Connection, dialect: Dialect, articles: Sequence[Article], now: datetime
) -> dict[tuple[str, int], Article]:
    """Remember what a poll found; return what was new of it, by the offered id and revision.

    Where a revision of that number came in between (from the article's page) with another text,
    the article follows as the next one: the source will not offer it again.
    """
    new = {
        (article.id, article.revision): article
        for article in insert_items(connection, dialect, articles, now)
    }
    others = [article for article in articles if (article.id, article.revision) not in new]
    if not others:
        return new
    hashes: dict[str, dict[int, str]] = {}
    for id_, revision, content_hash in find_items(connection, dialect, [a.id for a in others]):
        hashes.setdefault(id_, {})[revision] = content_hash
    late = {}
    for article in others:
        known = hashes[article.id]
        if article.content_hash not in (known.get(article.revision), known[max(known)]):
            late[article.id, max(known) + 1] = article
    following = [replace(article, revision=key[1]) for key, article in late.items()]
    for article in insert_items(connection, dialect, following, now):
        offered = late[article.id, article.revision]
        new[offered.id, offered.revision] = article
    return new


def _outbox_row(article: Article, now: datetime) -> dict[str, object]:
    return {
        "article_id": article.id,
        "revision": article.revision,
        "payload": dump(article),
        "created_at": now,
    }


@cache
def _find(dialect: Dialect) -> Executable:
    item = ITEM.c
    ids = dialect.among(item.article_id, "ids")
    return select(item.article_id, item.revision, item.content_hash).where(ids)


@cache
def _insert(dialect: Dialect) -> Executable:
    batch = dialect.batch(*_COLUMNS)
    rows = select(*batch.c, bindparam("now", type_=UTC_TIME)).where(ALWAYS)
    names = [column.name for column in _COLUMNS]
    insert = dialect.insert(ITEM).from_select([*names, "seen_at"], rows).on_conflict_do_nothing()
    statement: Executable = insert.returning(ITEM.c.article_id, ITEM.c.revision)
    return statement


@cache
def _send(dialect: Dialect) -> Executable:
    statement: Executable = dialect.insert(OUTBOX).on_conflict_do_nothing()
    return statement
