"""The schema. These classes stay inside the store: SQLModel does not validate a `table=True` class
on construction, so the domain's types cross the border and rows never do."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Index, LargeBinary, MetaData, Table, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from monitor.store.columns import ROW_ID, UTC_TIME, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
# Conditions of partial indexes. A query has to spell them just so, or PostgreSQL cannot see in a
# prepared statement that the index serves.
UNSENT = "sent_at IS NULL AND stored_at IS NULL"
UNSTORED = "stored_at IS NULL"
STORED = "stored_at IS NOT NULL"
OPEN = "state IN ('pending', 'leased')"


def _partial(name: str, column: str, condition: str) -> Index:
    return Index(name, column, sqlite_where=text(condition), postgresql_where=text(condition))


class _Row(SQLModel):
    """Gives every table the same metadata, apart from other users of SQLModel in the process."""

    metadata: ClassVar[MetaData] = metadata


class SourceTable(_Row, table=True):
    """A source, its schedule, and who polls it now."""

    __tablename__ = "source"
    __table_args__ = (Index("ix_source_due", "enabled", "next_poll_at"),)

    name: str = Field(primary_key=True, sa_type=Text)
    type: str = Field(sa_type=Text)
    location: str = Field(sa_type=Text)
    title: str = Field(sa_type=Text)
    interval: int
    enabled: bool
    owner: str = Field(sa_type=Text)
    next_poll_at: datetime = Field(sa_type=UTC_TIME)
    etag: str = Field(sa_type=Text)
    last_modified: str = Field(sa_type=Text)
    body_hash: str = Field(sa_type=Text)
    failures: int
    last_polled_at: datetime | None = Field(sa_type=UTC_TIME)
    last_outcome: str = Field(sa_type=Text)
    last_error: str = Field(sa_type=Text)
    lease_owner: str | None = Field(sa_type=Text)
    lease_until: datetime | None = Field(sa_type=UTC_TIME)


class ItemTable(_Row, table=True):
    """Every text that a source has shown under an article's id; what tells new from known."""

    __tablename__ = "item"

    article_id: str = Field(primary_key=True, sa_type=Text)
    revision: int = Field(primary_key=True)
    source: str = Field(sa_type=Text)
    content_hash: str = Field(sa_type=Text)
    seen_at: datetime = Field(sa_type=UTC_TIME)


class OutboxTable(_Row, table=True):
    """An article on its way to the broker, until long after it was stored."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("article_id", "revision"),
        _partial("ix_outbox_unsent", "id", UNSENT),
        _partial("ix_outbox_unstored", "sent_at", UNSTORED),
        _partial("ix_outbox_stored", "stored_at", STORED),
        {"sqlite_autoincrement": True},
    )

    id: int = Field(primary_key=True, sa_type=ROW_ID)
    article_id: str = Field(sa_type=Text)
    revision: int
    payload: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=UTC_TIME)
    sent_at: datetime | None = Field(sa_type=UTC_TIME)
    stored_at: datetime | None = Field(sa_type=UTC_TIME)


class ClaimTable(_Row, table=True):
    """Who owns a key, for ever."""

    __tablename__ = "claim"

    key: str = Field(primary_key=True, sa_type=Text)
    owner: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=UTC_TIME)


class SightingTable(_Row, table=True):
    """An article that is a copy of another."""

    __tablename__ = "sighting"
    __table_args__ = (Index(None, "original_id"),)

    article_id: str = Field(primary_key=True, sa_type=Text)
    original_id: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    url: str = Field(sa_type=Text)
    seen: datetime = Field(sa_type=UTC_TIME)


class ArticleTable(_Row, table=True):
    """The archive: the newest revision of every article. `seq` grows in the order of commits."""

    __tablename__ = "article"
    __table_args__ = (Index(None, "seq", unique=True), Index(None, "source", "seq"))

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
    replayed: bool
    muted: bool
    stored_at: datetime = Field(sa_type=UTC_TIME)


class ArticleTopicTable(_Row, table=True):
    """A topic of an article, with the article's `seq`, so that a topic is listed from its index."""

    __tablename__ = "article_topic"
    __table_args__ = (Index(None, "topic", "seq"),)

    article_id: str = Field(primary_key=True, sa_type=Text)
    topic: str = Field(primary_key=True, sa_type=Text)
    seq: int = Field(sa_type=BigInteger)


class AlertTable(_Row, table=True):
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


class DeliveryTable(_Row, table=True):
    """One sending of one alert. `next_at` is when it is due: while leased, when the lease ends."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("alert_id", "channel"),
        _partial("ix_delivery_open", "next_at", OPEN),
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


def _table(row: Any) -> Table:
    table: Table = row.__table__
    return table


SOURCE = _table(SourceTable)
ITEM = _table(ItemTable)
OUTBOX = _table(OutboxTable)
CLAIM = _table(ClaimTable)
SIGHTING = _table(SightingTable)
ARTICLE = _table(ArticleTable)
ARTICLE_TOPIC = _table(ArticleTopicTable)
ALERT = _table(AlertTable)
DELIVERY = _table(DeliveryTable)
