"""Visits to hosts: whose turn it is, what was asked, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.model.articles import Article
from monitor.model.documents import Document
from monitor.model.sources import Memory, SourceChange, SourceState


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one visit asked of a host and how it was answered, in numbers of requests."""

    requests: int = 0
    conditional: int = 0
    not_modified: int = 0
    throttled: int = 0
    failed: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Robots:
    """A host's robots.txt. Only `allow_all` and `deny_all` count where it is not a text."""

    body: str = ""
    fetched: datetime
    allow_all: bool = False
    deny_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingPage:
    """An article whose page is to be fetched. It goes out with what the source said at
    `give_up_at`, and is revised when the page arrives after all; `released` says that it did."""

    article: Article
    due_at: datetime
    give_up_at: datetime
    attempts: int = 0
    released: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A visit to a host: one source to poll, or one page to fetch. Only the holder of a host's
    turn asks it anything. `host` is a registrable domain, or names what is no host of the web."""

    host: str
    state: SourceState | None = None
    page: PendingPage | None = None
    robots: Mapping[str, Robots] = field(default_factory=dict)
    """By origin (`https://www.example.org`)."""
    throttled_by: str = ""
    """The URL that the host answered with 429 or 503 last, if no good answer came since."""
    host_next_at: datetime | None = None
    """When the host may be asked, which may be later where a source is polled before it is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One finished poll: all of it is recorded in one transaction, or none of it.

    A poll that failed keeps the validators of the state it started from. `articles` go out at
    once, `pages` wait for the text of their pages. `host_next_at` is when the host may be asked
    again. `location` is the source's new address, where it has moved for good. `refused` is what
    could not be parsed, all of the body or a part; of a part, `why` tells the reason.
    """

    source: str
    host: str = ""
    next_poll_at: datetime
    host_next_at: datetime
    memory: Memory
    articles: tuple[Article, ...] = ()
    pages: tuple[PendingPage, ...] = ()
    asked: Asked = Asked()
    change: SourceChange | None = None
    location: str = ""
    throttled_by: str = ""
    refused: Document | None = None
    why: str = ""
    robots: Mapping[str, Robots] = field(default_factory=dict)
    """What was fetched of robots.txt meanwhile, by origin."""
    postponed: bool = False
    """Whether nobody was asked, because the turn came when the source does not wish to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageVisit:
    """How the visit for an article's page went. `article` is what is to go out now, `again` when
    the page is to be fetched once more; with neither the page is given up. `robots` are those
    that were fetched, by origin."""

    host: str
    host_next_at: datetime
    page: PendingPage
    article: Article | None = None
    again: PendingPage | None = None
    asked: Asked = Asked()
    throttled_by: str = ""
    robots: Mapping[str, Robots] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """What was asked of one host since counting began."""

    host: str
    sources: int
    asked: Asked
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A document that a hub has pushed for a source, waiting to be parsed."""

    id: int
    source: str
    document: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSubscription:
    """A WebSub subscription. `token` names its callback; `confirmed_until` is the end of the
    hub's lease, None while it has not verified us. `attempts` counts the requests since the hub
    last did, `leaving` says that they ask it to end the subscription."""

    source: str
    token: str
    hub: str
    topic: str
    secret: str
    asked_at: datetime
    confirmed_until: datetime | None = None
    attempts: int = 0
    leaving: bool = False
