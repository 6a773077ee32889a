"""Sources, and what is remembered of them from one poll to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec

from monitor.model.documents import Document, Hints
from monitor.model.owner import Owner

DAY = 86_400


class FullText(StrEnum):
    """Whether the pages of a source's articles are fetched: `auto` where the feed gives a stub."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where articles come from: `location` is a URL, or a path for `text`.

    `interval` is in s, None where it adapts to the source; `cron` is a schedule in cron's words
    instead. `backlog` is the age in s up to which the articles of a new source are alerted, None
    for no limit. `links` is the CSS selector of a page's article links. `password` is a reference
    to the environment, `${NAME}`, never the password itself.
    """

    name: str
    type: str
    location: str
    title: str = ""
    interval: int | None = None
    cron: str = ""
    full_text: FullText = FullText.AUTO
    backlog: int | None = DAY
    links: str = ""
    user_agent: str = ""
    password: str = ""
    enabled: bool = True
    owner: Owner = Owner.CONFIG


class Condition(StrEnum):
    """How a source fares. A retired one is polled no more, a failing one ever more slowly."""

    NEW = "new"
    WORKING = "working"
    FAILING = "failing"
    SILENT = "silent"
    RETIRED = "retired"


class PollNote(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One line of a source's history. `status` is HTTP's, 0 where there was none; `noticed` are
    sentences on what was odd about a document that could be read."""

    at: datetime
    outcome: str
    status: int = 0
    size: int = 0
    new: int = 0
    known: int = 0
    revised: int = 0
    rejected: int = 0
    seconds: float = 0.0
    error: str = ""
    noticed: tuple[str, ...] = ()

    def pack(self) -> bytes:
        """Return the note as MessagePack."""
        return msgspec.msgpack.encode(self)


_unpack_note = msgspec.msgpack.Decoder(PollNote).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What polls leave behind for the next one: all of it is written with each poll.

    `failures` counts polls failed in a row, a passing trouble as a part of one. `pace` is the
    adaptive interval in s, 0 before there is one, and `punctual` the successes in a row that were
    polled when due. `digests` are those of a document's items as they were at the last poll, and
    `reader` the parser that made them; `agreed` counts the polls on which the fast parser gave
    what the careful one gave. `chosen_*` is what a `site` or `auto` source was resolved to.
    `children` are the time stamps of a sitemap index's sitemaps. `days` are the numbers of new
    articles by date (ISO), for 28 days. `quiet_until` is how long the host has asked not to be
    asked (Retry-After). `polls` holds the last 30 notes, packed: each poll carries
    them along, and hardly any reads them.
    """

    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    wire_hash: str = ""
    imported: bool = False
    failures: float = 0.0
    failing_since: datetime | None = None
    missing_since: datetime | None = None
    gone_since: datetime | None = None
    last_polled_at: datetime | None = None
    last_outcome: str = ""
    last_error: str = ""
    last_new_at: datetime | None = None
    condition: Condition = Condition.NEW
    pace: int = 0
    punctual: int = 0
    hints: Hints = Hints()
    max_age: int = 0
    ignores_validators: bool = False
    moved_to: str = ""
    moved_since: datetime | None = None
    moved_times: int = 0
    moved_from: str = ""
    chosen_type: str = ""
    chosen_location: str = ""
    chosen_why: str = ""
    digests: bytes = b""
    reader: str = ""
    agreed: int = 0
    children: Mapping[str, str] = field(default_factory=dict)
    pushed_at: datetime | None = None
    days: Mapping[str, int] = field(default_factory=dict)
    quiet_until: datetime | None = None
    polls: tuple[bytes, ...] = ()

    @property
    def notes(self) -> tuple[PollNote, ...]:
        """The last polls, the latest last; raises msgspec.DecodeError where they are broken."""
        return tuple(map(_unpack_note, self.polls))


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """A source, when it is due, and what its polls have left behind."""

    source: Source
    next_poll_at: datetime
    memory: Memory = Memory()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChange:
    """A source broke, fell silent or recovered. `reason` is a sentence for people."""

    source: str
    condition: Condition
    before: Condition
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The last document of a source that could not be parsed, and why; it can be replayed."""

    source: str
    at: datetime
    error: str
    document: Document
