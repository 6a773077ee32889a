"""Articles, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One document of one source (schema.org `NewsArticle`). All times are UTC.

    `id` is derived from the source and the item, so it is the same after a crash and in a replay.
    `revision` counts the texts that the source has shown under this id, from 1.
    """

    id: str
    source: str
    title: str
    fetched: datetime
    content_hash: str
    url: str = ""
    item_id: str = ""
    summary: str = ""
    body: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    image: str = ""
    language: str = ""
    place: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    revision: int = 1
    topics: tuple[str, ...] = ()
    topic_versions: tuple[int, ...] = ()
    """The versions of `topics` that matched, in the same order."""
    replayed: bool = False
    muted: bool = False
    """Alerts of a muted article reach the log and the page only (a replay without --deliver)."""
    backlog: bool = False
    """Older than its source's backlog when it was first seen: stored and tagged, never alerted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleRow:
    """An article as it is listed: `seq` grows with every change, `copies` are its duplicates."""

    seq: int
    article: Article
    stored: datetime
    copies: int = 0
    alerted: tuple[str, ...] = ()
    """The ids of the alert rules that this article has met."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """An article that turned out to be a copy of one already owned."""

    article_id: str
    original_id: str
    source: str
    url: str
    seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleFilter:
    """Which articles a listing holds; `before` is the `seq` of the last row already shown."""

    topic: str = ""
    source: str = ""
    before: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One article on its way to the broker; `id` is the row's place in the outbox."""

    id: int
    article: Article = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSize:
    """How much waits in the outbox; `oldest` is the creation time of the oldest unsent row."""

    unsent: int
    unstored: int
    oldest: datetime | None = None
