"""Sources, polls and pages for tests of the store: a test names only what it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from monitor.model import Memory, PageVisit, PendingPage, Poll, Source, Turn
from monitor.store import SqlStore
from tests.support.articles import NOW, an_article

LATER = NOW + timedelta(minutes=15)
SOON = NOW + timedelta(seconds=2)


def a_source(name: str, **fields: Any) -> Source:
    """Return a source with a host of its own."""
    location = f"https://{name}.example/feed"
    return Source(**{"name": name, "type": "feed", "location": location, **fields})


def a_poll(source: str, **fields: Any) -> Poll:
    """Return a poll of a source with a host of its own, next due in 15 minutes."""
    return Poll(
        **{
            "source": source,
            "host": f"{source}.example",
            "next_poll_at": LATER,
            "host_next_at": SOON,
            "memory": Memory(etag='"1"', body_hash="b1", last_polled_at=NOW),
            **fields,
        }
    )


def a_page(article_id: str = "a1", **fields: Any) -> PendingPage:
    """Return a page that is due now and waited for until 15 minutes later."""
    revision = fields.pop("revision", 1)
    url = f"https://{fields.pop('host', 'news.example')}/{article_id}"
    article = an_article(id=article_id, revision=revision, url=url)
    return PendingPage(**{"article": article, "due_at": NOW, "give_up_at": LATER, **fields})


def a_visit(page: PendingPage, text: str = "", **fields: Any) -> PageVisit:
    """Return a visit that found a text, or nothing."""
    if text:
        fields.setdefault("article", replace(page.article, body=text))
    return PageVisit(**{"host": "news.example", "host_next_at": SOON, "page": page, **fields})


def names(turns: Iterable[Turn]) -> list[str]:
    """Return what turns are for: a source's name or an article's id."""
    found: list[str] = []
    for turn in turns:
        if turn.state is not None:
            found.append(turn.state.source.name)
        if turn.page is not None:
            found.append(turn.page.article.id)
    return found


async def sent(store: SqlStore) -> list[tuple[str, int, str]]:
    """Return id, revision and text of all that is in the outbox unsent."""
    rows = await store.unsent(1_000)
    return [(row.article.id, row.article.revision, row.article.body) for row in rows]
