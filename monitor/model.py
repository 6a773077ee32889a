"""The domain's types: frozen values without I/O, decoded and checked at every edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


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
    replayed: bool = False
    muted: bool = False
    """Alerts of a muted article reach the log and the page only (a replay without --deliver)."""


class Owner(StrEnum):
    """Who may change a row: the operator in a file, or a user at run time."""

    CONFIG = "config"
    USER = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where articles come from: `location` is a URL, or a path for `text`; `interval` is in s."""

    name: str
    type: str
    location: str
    title: str = ""
    interval: int = 900
    enabled: bool = True
    owner: Owner = Owner.CONFIG


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """A source, with what the last polls left behind. `failures` counts polls failed in a row."""

    source: Source
    next_poll_at: datetime
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    failures: int = 0
    last_polled_at: datetime | None = None
    last_outcome: str = ""
    last_error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the database remembers of one item: its newest revision and every text it has had."""

    revision: int
    content_hash: str
    hashes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One finished poll: all of it is recorded in one transaction, or none of it.

    A poll that failed keeps the validators of the state it started from.
    """

    source: str
    outcome: str
    polled_at: datetime
    next_poll_at: datetime
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    failures: int = 0
    error: str = ""
    articles: tuple[Article, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A news subject that users name, with the boolean query that finds it."""

    id: str
    name: str
    query: str
    owner: Owner = Owner.CONFIG


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """A standing subscription: articles on any of `topics` reach every one of `channels`.

    `topics` may hold `*`, which is every topic.
    """

    id: str
    topics: tuple[str, ...]
    channels: tuple[str, ...]
    name: str = ""


class ChannelKind(StrEnum):
    """The ways to reach people."""

    LOG = "log"
    STREAM = "stream"
    WEBHOOK = "webhook"
    EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChannel:
    """One named way to reach somebody; its settings and secrets stay in the configuration."""

    id: str
    kind: ChannelKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One match of one rule, with the article as it was then. `id` = uuid5(rule, article)."""

    id: str
    rule: str
    rule_name: str
    article: Article
    topics: tuple[str, ...]
    raised: datetime


class DeliveryState(StrEnum):
    """The life of one sending."""

    PENDING = "pending"
    LEASED = "leased"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One sending of one alert to one channel; `id` is the idempotency key of every attempt."""

    id: str
    alert: Alert
    channel: str
    attempt: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How one attempt went: `sent`, or to be made again at `next_at`, or with neither, dead."""

    delivery: Delivery
    sent: datetime | None = None
    error: str = ""
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStatus:
    """How far one delivery has come, as people see it."""

    channel: str
    kind: ChannelKind
    state: DeliveryState
    attempts: int
    error: str = ""
    sent: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """An alert as it is listed: `seq` grows in the order in which alerts were raised."""

    seq: int
    alert: Alert
    deliveries: tuple[DeliveryStatus, ...] = ()


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
    text: str = ""
    before: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One article on its way to the broker; `id` is the row's place in the outbox."""

    id: int
    article: Article = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The body that a source answered with. `url` is where it came from after redirects."""

    url: str
    body: bytes
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    fetched: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotModified:
    """The source answered that nothing changed, or sent the same body again.

    A server that ignores its own validators sends the same body: `etag` and `last_modified`
    hold what to ask with next time.
    """

    etag: str
    last_modified: str
    body_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSize:
    """How much waits in the outbox; `oldest` is the creation time of the oldest unsent row."""

    unsent: int
    unstored: int
    oldest: datetime | None = None
