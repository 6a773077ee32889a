"""The tables of everything behind the polls; those of sources and hosts are beside it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, Text, UniqueConstraint, false, text
from sqlmodel import Field

from monitor.store import source_tables
from monitor.store.columns import ROW_ID, UTC_TIME, Numbers, Words
from monitor.store.schema import Row, metadata, partial_index, table_of

__all__ = ["metadata", "source_tables"]

# Conditions of partial indexes. A query has to spell them just so, or PostgreSQL cannot see in a
# prepared statement that the index serves.
UNSENT = "sent_at IS NULL AND stored_at IS NULL"
UNSTORED = "stored_at IS NULL"
STORED = "stored_at IS NOT NULL"
OPEN = "state IN ('pending', 'leased')"
USING = "uses_names"


class ItemTable(Row, table=True):
    """Every text that a source has shown under an article's id; what tells new from known."""

    __tablename__ = "item"

    article_id: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(primary_key=True)
    source: str = Field(sa_type=Text)
    content_hash: str = Field(sa_type=Text)
    seen_at: datetime = Field(sa_type=UTC_TIME)


class OutboxTable(Row, table=True):
    """An article on its way to the broker, until long after it was stored."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("article_id", "revision"),
        partial_index("ix_outbox_unsent", "id", UNSENT),
        partial_index("ix_outbox_unstored", "sent_at", UNSTORED),
        partial_index("ix_outbox_stored", "stored_at", STORED),
        {"sqlite_autoincrement": True},
    )

    id: int = Field(primary_key=True, sa_type=ROW_ID)
    article_id: str = Field(sa_type=Text)
    revision: int
    payload: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=UTC_TIME)
    sent_at: datetime | None = Field(sa_type=UTC_TIME)
    stored_at: datetime | None = Field(sa_type=UTC_TIME)


class ClaimTable(Row, table=True):
    """Who owns a key, for ever."""

    __tablename__ = "claim"

    key: str = Field(primary_key=True, sa_type=Text)
    owner: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=UTC_TIME)


class SightingTable(Row, table=True):
    """An article that is a copy of another."""

    __tablename__ = "sighting"
    __table_args__ = (Index(None, "original_id"),)

    article_id: str = Field(primary_key=True, sa_type=Text)
    original_id: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    url: str = Field(sa_type=Text)
    seen: datetime = Field(sa_type=UTC_TIME)


class ArticleTable(Row, table=True):
    """The archive: the newest revision of every article. `seq` grows in the order of commits."""

    __tablename__ = "article"
    __table_args__ = (
        Index(None, "seq", unique=True),
        Index(None, "source", "seq"),
        Index(None, "language", "seq"),
        Index(None, "seq", "published", "fetched"),
        Index(None, "fetched", "seq"),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    seq: int = Field(sa_type=BigInteger)
    source: str = Field(sa_type=Text)
    title: str = Field(sa_type=Text)
    fetched: datetime = Field(sa_type=UTC_TIME)
    content_hash: str = Field(sa_type=Text)
    url: str = Field(sa_type=Text)
    item_id: str = Field(sa_type=Text)
    summary: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)
    authors: tuple[str, ...] = Field(sa_type=Words)
    categories: tuple[str, ...] = Field(sa_type=Words)
    image: str = Field(sa_type=Text)
    language: str = Field(sa_type=Text)
    place: str = Field(sa_type=Text)
    published: datetime | None = Field(sa_type=UTC_TIME)
    updated: datetime | None = Field(sa_type=UTC_TIME)
    revision: int
    topics: tuple[str, ...] = Field(sa_type=Words)
    topic_versions: tuple[int, ...] = Field(
        sa_type=Numbers, sa_column_kwargs={"server_default": "[]"}
    )
    replayed: bool
    muted: bool
    backlog: bool = Field(sa_column_kwargs={"server_default": false()})
    stored_at: datetime = Field(sa_type=UTC_TIME)


class ArticleTopicTable(Row, table=True):
    """A topic of an article, with the article's `seq`, so that a topic is listed from its index."""

    __tablename__ = "article_topic"
    __table_args__ = (Index(None, "topic", "seq"),)

    article_id: str = Field(primary_key=True, sa_type=Text)
    topic: str = Field(primary_key=True, sa_type=Text)
    seq: int = Field(sa_type=BigInteger)


class TopicMarkTable(Row, table=True):
    """An article that a user called wrong for a topic."""

    __tablename__ = "topic_mark"

    topic: str = Field(primary_key=True, sa_type=Text)
    article_id: str = Field(primary_key=True, sa_type=Text)
    marked_at: datetime = Field(sa_type=UTC_TIME)


class TopicTable(Row, table=True):
    """A topic as MessagePack, with the catalog's revision of its last change. One that is removed
    stays, so that others see it, and its version goes on if it is made again. `tree` is its query
    parsed, where somebody has done so since. `sort_key` is its name as people sort it, and
    `uses_names` says that its query may use others by `@name`."""

    __tablename__ = "topic"
    __table_args__ = (
        Index(None, "revision"),
        Index(None, "sort_key", "id"),
        partial_index("ix_topic_using", "id", USING),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(sa_type=BigInteger)
    removed: bool
    definition: bytes = Field(sa_type=LargeBinary)
    tree: bytes | None = Field(sa_type=LargeBinary)
    sort_key: str = Field(sa_type=Text, sa_column_kwargs={"server_default": text("''")})
    uses_names: bool = Field(sa_column_kwargs={"server_default": false()})


class WordListTable(Row, table=True):
    """A word list as MessagePack; its row is kept as a topic's is."""

    __tablename__ = "word_list"
    __table_args__ = (Index(None, "revision"),)

    name: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(sa_type=BigInteger)
    removed: bool
    definition: bytes = Field(sa_type=LargeBinary)


class CatalogTable(Row, table=True):
    """One row: a number that every change of a topic or a word list raises."""

    __tablename__ = "catalog"

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    revision: int = Field(sa_type=BigInteger)


class AlertTable(Row, table=True):
    """One match of one rule; `payload` is the alert as JSON, with the article as it was then."""

    __tablename__ = "alert"
    __table_args__ = (
        UniqueConstraint("rule", "article_id"),
        Index(None, "seq", unique=True),
        Index(None, "article_id"),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    seq: int = Field(sa_type=BigInteger)
    rule: str = Field(sa_type=Text)
    article_id: str = Field(sa_type=Text)
    payload: bytes = Field(sa_type=LargeBinary)
    raised: datetime = Field(sa_type=UTC_TIME)


class DeliveryTable(Row, table=True):
    """One sending of one alert. `next_at` is when it is due: while leased, when the lease ends."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("alert_id", "channel"),
        partial_index("ix_delivery_open", "next_at", OPEN),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    alert_id: str = Field(sa_type=Text, foreign_key="alert.id", ondelete="CASCADE")
    channel: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    attempt: int
    lease_owner: str | None = Field(sa_type=Text)
    next_at: datetime | None = Field(sa_type=UTC_TIME)
    last_error: str = Field(sa_type=Text)
    sent_at: datetime | None = Field(sa_type=UTC_TIME)


ITEM = table_of(ItemTable)
OUTBOX = table_of(OutboxTable)
CLAIM = table_of(ClaimTable)
SIGHTING = table_of(SightingTable)
ARTICLE = table_of(ArticleTable)
ARTICLE_TOPIC = table_of(ArticleTopicTable)
TOPIC = table_of(TopicTable)
WORD_LIST = table_of(WordListTable)
CATALOG = table_of(CatalogTable)
TOPIC_MARK = table_of(TopicMarkTable)
ALERT = table_of(AlertTable)
DELIVERY = table_of(DeliveryTable)
