"""The seams to the world outside: what is asked, and who is told."""

from __future__ import annotations

from typing import Protocol

from monitor.model import (
    Delivery,
    Document,
    Memory,
    NotModified,
    PageText,
    Parsed,
    Source,
    SourceState,
    Survey,
)


class Fetcher(Protocol):
    """Gets what a source's location holds."""

    async def fetch(self, state: SourceState) -> Document | NotModified:
        """Ask the source, with the validators of its state.

        Raises Unavailable where it may work later (with its Retry-After), Rejected where the
        answer will not change without a change of the configuration (a body over the cap)."""

    async def close(self) -> None:
        """Let go of connections."""


class Getter(Protocol):
    """Gets any address of the web, politely and guarded, without the validators of a source."""

    async def get(self, url: str, *, max_bytes: int = 0, user_agent: str = "") -> Document:
        """Return what an address holds; `max_bytes` 0 is the fetcher's own limit.

        Raises Unavailable, with the status of the answer, and Rejected as `fetch`."""


class Parser(Protocol):
    """Reads documents, in processes that can be killed.

    Every method raises Rejected where the document is not what it should be, takes too long or too
    much memory; Unavailable where the processes cannot be had."""

    async def parse(self, source: Source, document: Document, memory: Memory) -> Parsed:
        """Return what a document of the source's type holds, in the light of the last poll."""

    async def extract(self, document: Document) -> PageText:
        """Return what the page of an article says."""

    async def survey(self, document: Document) -> Survey:
        """Return what an unknown document is."""

    async def close(self) -> None:
        """End the processes."""


class Notifier(Protocol):
    """One way to reach people."""

    async def send(self, delivery: Delivery) -> None:
        """Send one alert; `delivery.id` is stable over all attempts.

        Raises Unavailable where it may work later, Rejected where it never will."""

    async def check(self) -> None:
        """Reach the peer without sending anything; raises Unavailable or Rejected."""

    async def close(self) -> None:
        """Let go of connections."""
