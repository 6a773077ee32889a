"""HTTP as a source: conditional requests, and what their answers say of the next ones.

Conditional requests follow RFC 9110 section 13: validators are opaque and go back byte for byte.
How long an answer stays fresh follows RFC 9111 section 4.2.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import takewhile

from monitor.model import Condition, Document, Memory, NotModified, SourceState
from monitor.outbound import Answer, Outbound, failure, http_date
from monitor.protocols import Clock

MAX_BYTES = 10 * 1024 * 1024
"""Bytes of a body, on the wire and after decompression."""
MAX_RETRY_AFTER = 7 * 86_400.0
MAX_AGE = 31 * 86_400
"""Seconds: what is called fresh for longer is not believed."""
NOTES = 30
_DAY = timedelta(days=1)
_QUIET = 3 * _DAY
_LONGEST_VALUE = 1_024
_FEED = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9,"
    " text/xml;q=0.8, */*;q=0.5"
)
_PAGE = "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8"
_UNCACHED = re.compile(r"\bno-(?:cache|store)\b", re.IGNORECASE)
_FRESH = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,12})", re.IGNORECASE)


class HttpFetcher:
    """Gets what sources and pages hold; `max_bytes` bounds a body."""

    def __init__(self, outbound: Outbound, clock: Clock, max_bytes: int = MAX_BYTES) -> None:
        self._outbound = outbound
        self._clock = clock
        self._max_bytes = max_bytes

    async def close(self) -> None:
        """Close all connections of the door to the outside."""
        await self._outbound.close()

    async def fetch(self, state: SourceState) -> Document | NotModified:
        """Ask for the source's address with the validators of its memory.

        Raises Unavailable, with the server's Retry-After and status, where there is no complete
        answer of 200 or 304; Unreachable without a connection; Rejected where the address must
        not be asked or the body exceeds a limit.
        """
        memory, source = state.memory, state.source
        headers = {"Accept": _FEED}
        if not memory.ignores_validators and not is_doubtful(memory, self._clock.now()):
            conditions = {
                "If-None-Match": memory.etag,
                "If-Modified-Since": memory.last_modified,
            }
            headers |= {name: value for name, value in conditions.items() if value}
        answer = await self._outbound.request(
            "GET",
            memory.chosen_location or source.location,
            headers=headers,
            max_bytes=self._max_bytes,
            user_agent=source.user_agent,
            seen=memory.wire_hash if memory.body_hash else "",
        )
        if answer.status == HTTPStatus.NOT_MODIFIED and (len(headers) > 1 or memory.body_hash):
            return self._not_modified(answer, state)
        document = self._document(answer, memory.body_hash if answer.same else "")
        if document.body_hash != memory.body_hash:
            return document
        return NotModified(
            etag=document.etag,
            last_modified=document.last_modified,
            body_hash=document.body_hash,
            wire_hash=document.wire_hash,
            max_age=document.max_age,
            moved_to=document.moved_to,
            status=document.status,
            size=document.size,
        )

    async def get(self, url: str, *, max_bytes: int = 0, user_agent: str = "") -> Document:
        """Return what any address holds; `max_bytes` 0 is the fetcher's own limit.

        Raises as `fetch`, Unavailable for every status but 200.
        """
        answer = await self._outbound.request(
            "GET",
            url,
            headers={"Accept": _PAGE},
            max_bytes=max_bytes or self._max_bytes,
            user_agent=user_agent,
        )
        return self._document(answer)

    def _document(self, answer: Answer, body_hash: str = "") -> Document:
        """Return the document of an answer; its body's hash may be known. Raises Unavailable."""
        now = self._clock.now()
        if answer.status != HTTPStatus.OK:
            raise failure(answer, now, MAX_RETRY_AFTER)
        etag, last_modified = _validators(answer.headers)
        return Document(
            url=answer.url,
            body=answer.body,
            content_type=_plain(answer.headers.get("Content-Type", "")),
            etag=etag,
            last_modified=last_modified,
            body_hash=body_hash or hashlib.sha256(answer.body).hexdigest(),
            wire_hash=answer.digest,
            max_age=max_age(answer.headers, now),
            moved_to=answer.moved_to,
            status=answer.status,
            size=answer.size,
            fetched=now,
        )

    def _not_modified(self, answer: Answer, state: SourceState) -> NotModified:
        """Return a 304; validators that it does not name stay those that were asked with."""
        etag, last_modified = _validators(answer.headers)
        if not _expired(answer.headers):
            etag = etag or state.memory.etag
            last_modified = last_modified or state.memory.last_modified
        return NotModified(
            etag=etag,
            last_modified=last_modified,
            body_hash=state.memory.body_hash,
            wire_hash=state.memory.wire_hash,
            max_age=max_age(answer.headers, self._clock.now()),
            moved_to=answer.moved_to,
        )


def is_doubtful(memory: Memory, now: datetime) -> bool:
    """Return whether it is time to see for ourselves that a document has not changed.

    The validators of some servers stand still, and 304 is then all that they ever answer. So a
    source that has fallen silent is asked without them once a day, any other after 30 times 304.
    """
    if memory.last_new_at is not None and now - memory.last_new_at < _QUIET:
        return False  # nearly always, and the notes are read in vain
    same = list(takewhile(lambda note: note.status == 304, reversed(memory.notes)))
    if not same or now - same[-1].at < _DAY:
        return False
    return len(same) >= NOTES or memory.condition is Condition.SILENT


def max_age(headers: Mapping[str, str], now: datetime) -> int:
    """Return for how many seconds more an answer is fresh: its max-age, or Expires after Date,
    less the Age that it had in caches; 0 where it is not to be kept or says nothing."""
    control = headers.get("Cache-Control", "")
    if _UNCACHED.search(control):
        return 0
    told = _FRESH.search(control)
    if told is not None:
        lifetime = int(told[1])
    else:
        expires = http_date(headers.get("Expires", ""))
        if expires is None:
            return 0
        date = http_date(headers.get("Date", "")) or now
        lifetime = int((expires - date).total_seconds())
    age = headers.get("Age", "").strip()
    if age.isascii() and age.isdigit():
        lifetime -= int(age[:12])
    return min(max(lifetime, 0), MAX_AGE)


def _validators(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return ETag and Last-Modified as they came, "" where they are not to be used."""
    if _expired(headers):
        return "", ""
    return _plain(headers.get("ETag", "")), _plain(headers.get("Last-Modified", ""))


def _expired(headers: Mapping[str, str]) -> bool:
    """Return whether a server says that its answers are never to be kept, in the old words.

    Such a server's validators often outlive the text that they stand for; the hash of the body
    tells as well. `Cache-Control: max-age` outweighs Expires (RFC 9111, 5.3)."""
    if headers.get("Expires", "").strip() not in ("0", "-1"):
        return False
    told = _FRESH.search(headers.get("Cache-Control", ""))
    return told is None or not int(told[1])


def _plain(value: str) -> str:
    """Return a value as it came, "" where it could not be stored or sent back."""
    printable = value.isascii() and value.isprintable()
    return value if printable and len(value) <= _LONGEST_VALUE else ""
