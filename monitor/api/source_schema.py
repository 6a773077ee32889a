"""The API's answers on sources, and what it takes to make one."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from monitor.api.schema import Answer, Page
from monitor.decide import rhythm_of
from monitor.decide.schedule import usual_interval
from monitor.model import (
    Failure,
    FullText,
    HostReport,
    HubSubscription,
    Owner,
    PollNote,
    SourceState,
)
from monitor.web.words import chosen_type, pace_words, source_words, state_word


class SourceItem(Answer):
    """A source and how its polls go."""

    name: str
    type: str = Field(description="As it was asked for, such as `auto`.")
    chosen_type: str = Field(description="What it is followed as; empty before that is known.")
    title: str
    location: str
    owner: Owner = Field(description="`config`: changed in sources.yaml; `user`: changed here.")
    interval: int | None = Field(description="Seconds between polls; null where it adapts.")
    cron: str
    enabled: bool
    state: Literal["new", "working", "failing", "silent", "retired", "paused"]
    words: str = Field(description="The state as a sentence, with the cure where it is ill.")
    rhythm: str = Field(description="How often it has news; empty before that is known.")
    next_poll: datetime | None = Field(description="null where the source is paused.")
    last_poll: datetime | None
    last_new: datetime | None = Field(description="When a poll last found something new.")
    last_outcome: str
    last_error: str
    failures: float = Field(description="Polls failed in a row; passing troubles count in part.")

    awaiting_pages: int = Field(
        description="Articles that wait for their full text, 10 minutes at most, to appear."
    )

    @classmethod
    def of(cls, state: SourceState, now: datetime, awaiting: int) -> SourceItem:
        """Return the answer for a source of which so many articles wait for their pages."""
        return cls(**_item(state, now, awaiting))


class SourcePage(Page):
    """One page of sources, by name."""

    items: tuple[SourceItem, ...]


class PollItem(Answer):
    """One poll of a source."""

    at: datetime
    outcome: str
    status: int = Field(description="HTTP's; 0 where there was no answer of HTTP.")
    size: int = Field(description="Bytes on the wire.")
    new: int
    known: int
    revised: int
    rejected: int
    seconds: float
    error: str
    noticed: tuple[str, ...] = Field(
        description="What was odd about a document that could be read, such as dates in the future."
    )

    @classmethod
    def of(cls, note: PollNote) -> PollItem:
        """Return the answer for a poll."""
        return cls(**{name: getattr(note, name) for name in cls.model_fields})


class HubItem(Answer):
    """The hub that pushes a source's news."""

    hub: str
    topic: str
    confirmed_until: datetime | None


class SourceDetail(SourceItem):
    """A source with everything that is known of it."""

    full_text: FullText
    backlog: int | None = Field(description="Seconds; null for no limit.")
    links: str
    user_agent: str
    chosen_location: str
    chosen_why: str
    pace: int | None = Field(description="Seconds between polls as things are; null with cron.")
    pace_words: str
    etag: str
    last_modified: str
    moved_to: str = Field(description="Where it redirects for good, while that is new.")
    moved_from: str = Field(description="Its address before it moved.")
    hub: HubItem | None
    polls: tuple[PollItem, ...] = Field(description="The last 30, the latest first.")

    @classmethod
    def of_source(
        cls, state: SourceState, now: datetime, awaiting: int, hub: HubSubscription | None
    ) -> SourceDetail:
        """Return the answer for a source of which so many articles wait for their pages."""
        source, memory = state.source, state.memory
        pace = None if source.cron else int(usual_interval(source, memory, now))
        plain = ("full_text", "backlog", "links", "user_agent")
        kept = ("chosen_location", "chosen_why", "etag", "last_modified", "moved_to", "moved_from")
        return cls(
            **_item(state, now, awaiting),
            **{name: getattr(source, name) for name in plain},
            **{name: getattr(memory, name) for name in kept},
            pace=pace,
            pace_words=pace_words(state, now),
            hub=hub and HubItem(hub=hub.hub, topic=hub.topic, confirmed_until=hub.confirmed_until),
            polls=tuple(
                sorted((PollItem.of(note) for note in memory.notes), key=_when, reverse=True)
            ),
        )


class FailureItem(Answer):
    """The last document of a source that could not be parsed."""

    source: str
    at: datetime
    error: str
    url: str
    status: int
    content_type: str
    size: int = Field(description="Bytes of the body.")
    body: str = Field(description="In base64: it is whatever the source sent.")

    @classmethod
    def of(cls, failure: Failure, *, whole: bool = True) -> FailureItem:
        """Return the answer for a failure, its body only where `whole`."""
        document = failure.document
        return cls(
            source=failure.source,
            at=failure.at,
            error=failure.error,
            url=document.url,
            status=document.status,
            content_type=document.content_type,
            size=len(document.body),
            body=b64encode(document.body).decode() if whole else "",
        )


class HostItem(Answer):
    """What was asked of one host, and how it answered."""

    host: str
    sources: int
    requests: int
    conditional: int
    not_modified: int
    throttled: int
    failed: int
    size: int
    next: datetime | None

    @classmethod
    def of(cls, report: HostReport) -> HostItem:
        """Return the answer for a host."""
        asked = report.asked
        names = ("requests", "conditional", "not_modified", "throttled", "failed", "size")
        return cls(
            host=report.host,
            sources=report.sources,
            next=report.next_at,
            **{name: getattr(asked, name) for name in names},
        )


class SourceFields(BaseModel):
    """What a source is made of, as in sources.yaml; null stands for the default."""

    model_config = ConfigDict(extra="forbid")

    type: str | None = None
    url: str | None = None
    title: str | None = None
    interval: int | str | None = Field(None, description="Seconds, or like 15m; null adapts.")
    cron: str | None = None
    full_text: str | None = Field(None, description="`auto`, `always` or `never`.")
    backlog: int | str | None = Field(None, description="Seconds, or like 24h; `none`: no limit.")
    links: str | None = Field(None, description="CSS selector of a page's article links.")
    user_agent: str | None = None
    enabled: bool | None = None


class NewSource(SourceFields):
    """A source to follow. Without a name it gets one."""

    name: str | None = None


def _item(state: SourceState, now: datetime, awaiting: int) -> dict[str, Any]:
    source, memory = state.source, state.memory
    plain = ("name", "type", "title", "location", "owner", "interval", "cron", "enabled")
    return {name: getattr(source, name) for name in plain} | {
        "chosen_type": chosen_type(state),
        "state": state_word(state, now),
        "words": source_words(state, now),
        "rhythm": rhythm_of(memory, now),
        "next_poll": state.next_poll_at if source.enabled else None,
        "last_poll": memory.last_polled_at,
        "last_new": memory.last_new_at,
        "last_outcome": memory.last_outcome,
        "last_error": memory.last_error,
        "failures": memory.failures,
        "awaiting_pages": awaiting,
    }


def _when(note: PollItem) -> datetime:
    return note.at
