"""The tables of sources, of the hosts that they are asked from, and of what waits beside them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, Text, false
from sqlmodel import Field

from monitor.store.columns import ROW_ID, UTC_TIME, Words
from monitor.store.schema import Row, partial_index, table_of

UNRELEASED = "NOT released"
HUBBED = "has_hub"


class SourceTable(Row, table=True):
    """A source, its schedule, and what its polls left behind.

    `location` is where the source is said to be, `address` the one that is asked, of `host`.
    `due_at` is `next_poll_at`, NULL where the source is not followed (now). `has_hub` says that
    its documents name a WebSub hub.
    """

    __tablename__ = "source"
    __table_args__ = (
        Index(None, "host", "due_at"),
        Index(None, "location"),
        partial_index("ix_source_hubbed", "name", HUBBED),
    )

    name: str = Field(primary_key=True, sa_type=Text)
    host: str = Field(sa_type=Text)
    type: str = Field(sa_type=Text)
    location: str = Field(sa_type=Text)
    address: str = Field(sa_type=Text)
    owner: str = Field(sa_type=Text)
    enabled: bool
    next_poll_at: datetime = Field(sa_type=UTC_TIME)
    due_at: datetime | None = Field(sa_type=UTC_TIME)
    definition: bytes = Field(sa_type=LargeBinary)
    memory: bytes = Field(sa_type=LargeBinary)
    has_hub: bool = Field(sa_column_kwargs={"server_default": false()})


class HostTable(Row, table=True):
    """A host, when it may be asked, and who asks it now.

    `ready_at` is the later of `next_at` and the time at which its first source or page is due,
    NULL where nothing is due ever. `turns` names what it is leased for.
    """

    __tablename__ = "host"
    __table_args__ = (Index(None, "ready_at"),)

    host: str = Field(primary_key=True, sa_type=Text)
    next_at: datetime | None = Field(sa_type=UTC_TIME)
    ready_at: datetime | None = Field(sa_type=UTC_TIME)
    lease_owner: str | None = Field(sa_type=Text)
    lease_until: datetime | None = Field(sa_type=UTC_TIME)
    turns: tuple[str, ...] = Field(sa_type=Words)
    throttled_by: str = Field(sa_type=Text)
    requests: int = Field(sa_type=BigInteger)
    conditional: int = Field(sa_type=BigInteger)
    not_modified: int = Field(sa_type=BigInteger)
    throttled: int = Field(sa_type=BigInteger)
    failed: int = Field(sa_type=BigInteger)
    size: int = Field(sa_type=BigInteger)


class RobotsTable(Row, table=True):
    """The robots.txt of an origin; apart from the host, whose row is written at every turn."""

    __tablename__ = "robots"

    host: str = Field(primary_key=True, sa_type=Text)
    origin: str = Field(primary_key=True, sa_type=Text)
    fetched_at: datetime = Field(sa_type=UTC_TIME)
    payload: bytes = Field(sa_type=LargeBinary)


class PageTable(Row, table=True):
    """An article whose page is to be fetched; `article` is its JSON, as the source gave it."""

    __tablename__ = "page"
    __table_args__ = (
        Index(None, "host", "due_at"),
        Index(None, "source"),
        partial_index("ix_page_unreleased", "give_up_at", UNRELEASED),
    )

    article_id: str = Field(primary_key=True, sa_type=Text)
    revision: int
    source: str = Field(sa_type=Text)
    host: str = Field(sa_type=Text)
    article: bytes = Field(sa_type=LargeBinary)
    due_at: datetime = Field(sa_type=UTC_TIME)
    give_up_at: datetime = Field(sa_type=UTC_TIME)
    attempts: int
    released: bool


class SourceChangeTable(Row, table=True):
    """A change of a source's condition on its way to the broker."""

    __tablename__ = "source_change"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int = Field(primary_key=True, sa_type=ROW_ID)
    payload: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=UTC_TIME)


class FailureTable(Row, table=True):
    """The last document of a source that could not be parsed."""

    __tablename__ = "failure"
    __table_args__ = (Index(None, "at"),)

    source: str = Field(primary_key=True, sa_type=Text)
    at: datetime = Field(sa_type=UTC_TIME)
    error: str = Field(sa_type=Text)
    document: bytes = Field(sa_type=LargeBinary)


class HubTable(Row, table=True):
    """A WebSub subscription."""

    __tablename__ = "websub"
    __table_args__ = (Index(None, "token", unique=True),)

    source: str = Field(primary_key=True, sa_type=Text)
    token: str = Field(sa_type=Text)
    hub: str = Field(sa_type=Text)
    topic: str = Field(sa_type=Text)
    secret: str = Field(sa_type=Text)
    asked_at: datetime = Field(sa_type=UTC_TIME)
    confirmed_until: datetime | None = Field(sa_type=UTC_TIME)
    attempts: int
    leaving: bool


class PushTable(Row, table=True):
    """A document that a hub pushed and nobody has parsed yet."""

    __tablename__ = "push"
    __table_args__ = (Index(None, "source"), {"sqlite_autoincrement": True})

    id: int = Field(primary_key=True, sa_type=ROW_ID)
    source: str = Field(sa_type=Text)
    document: bytes = Field(sa_type=LargeBinary)
    received_at: datetime = Field(sa_type=UTC_TIME)


SOURCE = table_of(SourceTable)
HOST = table_of(HostTable)
ROBOTS = table_of(RobotsTable)
PAGE = table_of(PageTable)
SOURCE_CHANGE = table_of(SourceChangeTable)
FAILURE = table_of(FailureTable)
HUB = table_of(HubTable)
PUSH = table_of(PushTable)
