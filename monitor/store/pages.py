"""Articles that wait for their pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Executable,
    bindparam,
    delete,
    select,
    text,
    true,
    update,
)

from monitor.events import dump, load
from monitor.model import Article, PendingPage
from monitor.store.columns import UTC_TIME
from monitor.store.dialect import Dialect
from monitor.store.items import send
from monitor.store.source_tables import PAGE, UNRELEASED
from monitor.store.states import host_at

BATCH = 500


def host_of_page(article: Article) -> str:
    """Return the host whose turn an article's page waits for."""
    return host_at(article.url, article.source)


def find_pages(
    connection: Connection, dialect: Dialect, article_ids: Sequence[str]
) -> dict[str | None, PendingPage]:
    """Return the pages of these articles, by article."""
    if not article_ids:
        return {}
    found = connection.execute(_of_articles(dialect), {"ids": dialect.listed(article_ids)})
    return {row.article_id: _page(row) for row in found}


def lock_pages(
    connection: Connection, dialect: Dialect, article_ids: Sequence[str]
) -> Mapping[str, PendingPage]:
    """Return the pages of these articles, which nobody else can release meanwhile."""
    found = connection.execute(_lock(dialect), {"ids": dialect.listed(article_ids)})
    return {row.article_id: _page(row) for row in found}


def hosts_of_pages(
    connection: Connection, dialect: Dialect, article_ids: Sequence[str]
) -> Sequence[str]:
    """Return the hosts that the pages of these articles wait for."""
    if not article_ids:
        return []
    parameters = {"ids": dialect.listed(article_ids)}
    return connection.execute(_hosts(dialect), parameters).scalars().all()


def insert_pages(connection: Connection, dialect: Dialect, pages: Sequence[PendingPage]) -> None:
    """Let articles wait for their pages, each in place of an older revision."""
    if pages:
        rows = sorted(map(page_row, pages), key=lambda row: str(row["article_id"]))
        connection.execute(_upsert(dialect), rows)


def update_pages(connection: Connection, pages: Sequence[PendingPage]) -> None:
    """Write down when pages are to be fetched again."""
    if pages:
        rows = [page_row(page) for page in pages]
        connection.execute(_AGAIN, [{"which": row.pop("article_id"), **row} for row in rows])


def delete_pages(connection: Connection, dialect: Dialect, article_ids: Sequence[str]) -> None:
    """Wait for these articles' pages no more."""
    if article_ids:
        connection.execute(_delete(dialect), {"ids": dialect.listed(article_ids)})


def release_late(dialect: Dialect, now: datetime, connection: Connection) -> int:
    """Send articles on whose pages did not come in time, some at once; return how many."""
    found = connection.execute(_LATE, {"now": now, "limit": BATCH}).scalars().all()
    articles = [load(Article, article) for article in found]
    if articles:
        send(connection, dialect, articles, now)
        ids = dialect.listed([article.id for article in articles])
        connection.execute(_release(dialect), {"ids": ids})
    return len(articles)


def release_of_sources(
    connection: Connection, dialect: Dialect, sources: Sequence[str], now: datetime
) -> None:
    """Send on the articles of sources that wait, and wait for their pages no more."""
    found = connection.execute(_of_sources(dialect), {"sources": dialect.listed(sources)}).all()
    waiting = [load(Article, row.article) for row in found if not row.released]
    send(connection, dialect, waiting, now)
    delete_pages(connection, dialect, [row.article_id for row in found])


def page_row(page: PendingPage) -> dict[str, Any]:
    """Return the row of a page."""
    article = page.article
    return {
        "article_id": article.id,
        "revision": article.revision,
        "source": article.source,
        "host": host_of_page(article),
        "article": dump(article),
        "due_at": page.due_at,
        "give_up_at": page.give_up_at,
        "attempts": page.attempts,
        "released": page.released,
    }


def _page(row: Any) -> PendingPage:
    return PendingPage(
        article=load(Article, row.article),
        due_at=row.due_at,
        give_up_at=row.give_up_at,
        attempts=row.attempts,
        released=row.released,
    )


@cache
def _of_articles(dialect: Dialect) -> Executable:
    return select(PAGE).where(dialect.among(PAGE.c.article_id, "ids"))


@cache
def _lock(dialect: Dialect) -> Executable:
    found = select(PAGE).where(dialect.among(PAGE.c.article_id, "ids"))
    return found.order_by(PAGE.c.article_id).with_for_update()


@cache
def _hosts(dialect: Dialect) -> Executable:
    return select(PAGE.c.host).where(dialect.among(PAGE.c.article_id, "ids")).distinct()


@cache
def _of_sources(dialect: Dialect) -> Executable:
    found = select(PAGE).where(dialect.among(PAGE.c.source, "sources"))
    return found.order_by(PAGE.c.article_id).with_for_update()


@cache
def _upsert(dialect: Dialect) -> Executable:
    insert: Any = dialect.insert(PAGE)
    statement: Executable = insert.on_conflict_do_update(
        index_elements=["article_id"],
        set_={column.name: insert.excluded[column.name] for column in PAGE.c},
        where=insert.excluded.revision > PAGE.c.revision,
    )
    return statement


@cache
def _delete(dialect: Dialect) -> Executable:
    return delete(PAGE).where(dialect.among(PAGE.c.article_id, "ids"))


@cache
def _release(dialect: Dialect) -> Executable:
    return update(PAGE).where(dialect.among(PAGE.c.article_id, "ids")).values(released=true())


_LATE = (
    select(PAGE.c.article)
    .where(text(UNRELEASED), PAGE.c.give_up_at <= bindparam("now", type_=UTC_TIME))
    .order_by(PAGE.c.give_up_at)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_AGAIN = (
    update(PAGE)
    .where(PAGE.c.article_id == bindparam("which"))
    .values(
        {column.name: bindparam(column.name) for column in PAGE.c if column.name != "article_id"}
    )
)
