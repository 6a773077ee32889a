"""The times that sources print, in UTC, with the absurd ones dropped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

import dateutil.parser
from dateutil.tz import UTC as TZ_UTC
from dateutil.tz import tzoffset

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
MAX_AHEAD = timedelta(hours=1)
"""How far a clock may be ahead of ours."""
_HOUR = 3_600
_ZONES = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "UTC": 0, "GMT": 0, "UT": 0, "Z": 0, "BST": 1, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2,
    "EET": 2, "EEST": 3, "MSK": 3, "JST": 9, "KST": 9, "HKT": 8, "SGT": 8, "PKT": 5,
    "AEST": 10, "AEDT": 11,
}  # fmt: skip
# A name that is not known counts as UTC; "IST" is left out because three countries use it.


def parse_time(text: str, default: datetime) -> datetime | None:
    """Return the time that `text` prints, None where it prints none.

    What it leaves out (a year, hours) is taken from `default`.
    """
    if not 4 <= len(text) <= 60 or not any(char.isdigit() for char in text):
        return None
    # A leap second, which Python does not know.
    text = text.replace(":60", ":59")
    try:
        moment: datetime = dateutil.parser.parse(text, default=default, tzinfos=_zone)
        if moment.tzinfo is None:
            return moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, AttributeError):
        return None


def _zone(name: str | None, offset: int | None) -> tzinfo:
    if offset is not None:
        return tzoffset(name, offset)
    return tzoffset(name, _ZONES.get(name or "", 0) * _HOUR) if name else TZ_UTC


def time_of(fields: Sequence[int] | None) -> datetime | None:
    """Return the time of year, month, day, hour, minute and second in UTC, None where absurd."""
    if fields is None:
        return None
    year, month, day, hour, minute, second = fields[:6]
    try:
        # A leap second is printed as 60.
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except (ValueError, OverflowError, TypeError):
        return None


def sane(moment: datetime | None, now: datetime) -> datetime | None:
    """Return the time, None where an article cannot have been published then."""
    if moment is None or not EARLIEST <= moment <= now + MAX_AHEAD:
        return None
    return moment
