"""How visits for pages are recorded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from monitor.model import Article, PageVisit, PendingPage, Robots
from monitor.store import robots
from monitor.store.dialect import Dialect
from monitor.store.hosts import HeldHosts, page_turn
from monitor.store.items import find_items, insert_items, send
from monitor.store.pages import delete_pages, host_of_page, lock_pages, update_pages


def record(
    dialect: Dialect,
    visits: Sequence[PageVisit],
    owner: str,
    now: datetime,
    connection: Connection,
) -> None:
    """Record visits: the articles go out, the pages are done with or wait for another visit."""
    held = HeldHosts(connection, dialect)
    moved = [host_of_page(visit.again.article) for visit in visits if visit.again]
    held.hold([*(visit.host for visit in visits), *moved])
    waiting = lock_pages(connection, dialect, [visit.page.article.id for visit in visits])
    counted = [
        (visit, waiting[visit.page.article.id])
        for visit in visits
        if _finish(held, visit, owner) and _is_of(visit, waiting)
    ]
    _send(connection, dialect, counted, now)
    again = [
        replace(
            visit.again,
            article=replace(visit.again.article, revision=page.article.revision),
            released=page.released or visit.article is not None,
        )
        for visit, page in counted
        if visit.again is not None
    ]
    update_pages(connection, again)
    done = [page.article.id for visit, page in counted if visit.again is None]
    delete_pages(connection, dialect, done)
    _keep_robots(connection, dialect, visits)
    held.settle()


def _finish(held: HeldHosts, visit: PageVisit, owner: str) -> bool:
    held.count(visit.host, visit.asked)
    turn = page_turn(visit.page.article.id)
    return held.finish(visit.host, turn, owner, visit.host_next_at, visit.throttled_by)


def _is_of(visit: PageVisit, waiting: Mapping[str, PendingPage]) -> bool:
    """Return whether the page still waits, and for the revision that was visited."""
    page = waiting.get(visit.page.article.id)
    return page is not None and page.article.revision == visit.page.article.revision


def _send(
    connection: Connection,
    dialect: Dialect,
    counted: Sequence[tuple[PageVisit, PendingPage]],
    now: datetime,
) -> None:
    """Send articles on: as the revision that waited or, where that has gone out, as the next one.

    What is given up without an article goes out as it was stored: it is never lost.
    """
    first: list[Article] = []
    later: list[Article] = []
    for visit, page in counted:
        if page.released:
            if visit.article is not None and _says_more(visit.article, page.article):
                later.append(visit.article)
        elif visit.article is not None:
            first.append(replace(visit.article, revision=page.article.revision))
        elif visit.again is None:
            first.append(page.article)
    send(connection, dialect, first, now)
    _send_next(connection, dialect, later, now)


def _says_more(article: Article, stored: Article) -> bool:
    """Return whether an article is any other than what has gone out already."""
    return replace(article, revision=stored.revision) != stored


def _send_next(
    connection: Connection, dialect: Dialect, articles: Sequence[Article], now: datetime
) -> None:
    """Send articles on as their next revision. It is remembered under the hash of the one before:
    what the source says has not changed, so its next poll finds no revision."""
    if not articles:
        return
    newest: dict[str, tuple[int, str]] = {}
    for id_, revision, hash_ in find_items(connection, dialect, [a.id for a in articles]):
        newest[id_] = max(newest.get(id_, (0, "")), (revision, hash_))
    revised = [replace(article, revision=newest[article.id][0] + 1) for article in articles]
    rows = [replace(article, content_hash=newest[article.id][1]) for article in revised]
    new = {article.id for article in insert_items(connection, dialect, rows, now)}
    send(connection, dialect, [article for article in revised if article.id in new], now)


def _keep_robots(connection: Connection, dialect: Dialect, visits: Sequence[PageVisit]) -> None:
    fetched: dict[str, dict[str, Robots]] = defaultdict(dict)
    for visit in visits:
        fetched[visit.host].update(visit.robots)
    robots.keep(connection, dialect, fetched)
