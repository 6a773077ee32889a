"""Documents that sources answer with, and what is found in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.model.articles import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """When a source wants to be asked, as its documents say: periods in s, 0 for none; hours
    (0 to 23) and days (0 is Monday) in GMT at which it does not. `hub` is its WebSub hub, `topic`
    the address that the hub knows it by."""

    ttl: int = 0
    period: int = 0
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[int, ...] = ()
    hub: str = ""
    topic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The body that a source answered with. `url` is where it came from after redirects,
    `moved_to` the target of redirects that were all permanent. `max_age` is how long it stays
    fresh, in s (max-age or Expires). `size` counts the bytes on the wire, of which `wire_hash` is
    the digest; `body_hash` is that of the body. `more` says that the source has more, which the
    next poll gets."""

    url: str
    body: bytes
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    wire_hash: str = ""
    max_age: int = 0
    moved_to: str = ""
    status: int = 200
    size: int = 0
    more: bool = False
    fetched: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotModified:
    """The source answered that nothing changed, or sent the same body again.

    A server that ignores its own validators sends the same body with status 200: `etag` and
    `last_modified` hold what to ask with next time.
    """

    etag: str
    last_modified: str
    body_hash: str
    wire_hash: str = ""
    max_age: int = 0
    moved_to: str = ""
    status: int = 304
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a document held. `known` items were just as at the last poll and are not among the
    articles; `rejected` ones were no articles. `title` is the source's own. `further` are
    documents that belong to it and are to be fetched too (a sitemap index). `digests`, `reader`,
    `agreed` and `children` are for the next poll's memory. `notes` are sentences on what was
    odd. `refused` is a part that could not be parsed though others could, `why` tells the reason.
    """

    articles: tuple[Article, ...] = ()
    known: int = 0
    rejected: int = 0
    hints: Hints = Hints()
    title: str = ""
    digests: bytes = b""
    reader: str = ""
    agreed: int = 0
    further: tuple[str, ...] = ()
    children: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    refused: Document | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """What the page of an article says of it; empty where it says nothing."""

    url: str = ""
    title: str = ""
    body: str = ""
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    image: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A source that discovery found at an address: what to follow, and why that."""

    type: str
    location: str
    title: str = ""
    why: str = ""
    articles: tuple[Article, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What an unknown document turned out to be: a type of source, "" for nothing of use. `feeds`
    are those that a page names, `links` counts the article links that were found on it."""

    type: str = ""
    title: str = ""
    feeds: tuple[Finding, ...] = ()
    links: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the database remembers of one item: its newest revision and every text it has had."""

    revision: int
    content_hash: str
    hashes: frozenset[str] = frozenset()
