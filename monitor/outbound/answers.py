"""Answers of HTTP servers, and what they ask for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from monitor.errors import Unavailable

_DIGITS = 12
"""More of a number of seconds are over every cap, and no float needs to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server answered, with any status. `url` is where it came from after redirects,
    `moved_to` the same where every redirect was permanent (301, 308) and none left https.
    `headers` are case-insensitive. `body` is decoded and complete, empty where the status is not
    2xx; `size` counts its bytes on the wire, `digest` is their SHA-256 (hex). `same` says that the
    body is the one that the asker has seen, and was not decoded. `reason` is the server's phrase.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    size: int = 0
    digest: str = ""
    same: bool = False
    moved_to: str = ""
    reason: str = ""

    @property
    def host(self) -> str:
        """The host, for sentences: a path may be secret."""
        return urlsplit(self.url).hostname or ""


def failure(answer: Answer, now: datetime, longest: float) -> Unavailable:
    """Return what an answer means that is not the wanted one, with its status and Retry-After."""
    wait = retry_after(answer.headers.get("Retry-After", ""), now, longest)
    phrase = f"{answer.status} {answer.reason}".strip()
    return Unavailable(f"{answer.host} answered {phrase}", wait, answer.status)


def retry_after(text: str, now: datetime, longest: float) -> float | None:
    """Return what a Retry-After header asks for (RFC 9110, 10.2.3: seconds or a date), in seconds.

    At most `longest`; None where there is none or it cannot be read.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), longest) if len(text) <= _DIGITS else longest
    moment = http_date(text)
    if moment is None:
        return None
    return float(min(max(math.ceil((moment - now).total_seconds()), 0), longest))


def http_date(text: str) -> datetime | None:
    """Return a date of RFC 9110 (5.6.7), None where it cannot be read."""
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # Dates are GMT; "-0000" gives a time without a zone.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
