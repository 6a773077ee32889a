"""The times that sources print, in UTC: absurd ones are dropped, future ones told apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

import dateutil.parser
from dateutil.tz import UTC as TZ_UTC
from dateutil.tz import tzoffset

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
MAX_AHEAD = timedelta(hours=1)
"""How far a clock may be ahead of ours."""
_ABSURDLY_AHEAD = timedelta(days=3_653)
_DAY = timedelta(days=1)
_HOUR = 3_600
# Half of all times are written so, and it takes a fiftieth of the time to read them.
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?")
_ZONES = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "UTC": 0, "GMT": 0, "UT": 0, "Z": 0, "BST": 1, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2,
    "EET": 2, "EEST": 3, "MSK": 3, "JST": 9, "KST": 9, "HKT": 8, "SGT": 8, "PKT": 5,
    "AEST": 10, "AEDT": 11,
}  # fmt: skip
# A name that is not known counts as UTC; "IST" is left out because three countries use it.
_GMT_OFFSET = re.compile(r"\b(?:GMT|UTC?)\s?(?=[+-]\d)")  # "GMT+2" is east of it, but for POSIX
_WEEKDAY = re.compile(r"[^\W\d_]{2,12}\.?,\s*(?=\d{1,2}[.\s-]+[^\W\d_])")  # of any language
_MISREAD = re.compile(
    r"\b(?:BST|WEST|CES?T|EES?T|MSK|[JK]ST|HKT|SGT|PKT|AE[SD]T)$|\b(?:GMT|UTC?)\s?[+-]\d|\d\s?[AP]M\b"
)


def parse_time(text: str, default: datetime) -> datetime | None:
    """Return the time that `text` prints, None where it prints none.

    What it leaves out (a year, hours) is taken from `default`.
    """
    text = text.partition("(")[0].strip()  # a zone's name, after its offset
    weekday = _WEEKDAY.match(text)
    text = _GMT_OFFSET.sub("", text[weekday.end() :] if weekday else text)
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


def is_misread(text: str) -> bool:
    """Return whether a feed's parser overlooks a part of a time: it knows the zones of America
    alone, and hours up to 24."""
    return bool(_MISREAD.search(text.strip()))


def stated_time(text: str, now: datetime) -> datetime | None:
    """Return the time that `text` prints, read at the time `now`; None where it prints none.

    Where it leaves out the year, the day or the hour, the latest time that has passed is meant:
    "December 30", read in January, is last year's.
    """
    whole = _whole(text)
    if whole is not None:
        return whole
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    moment = parse_time(text, midnight)
    if moment is None or not is_ahead(moment, now):
        return moment
    last_year = midnight.replace(year=now.year - 1, month=1, day=1)
    for default in (midnight - _DAY, midnight - 7 * _DAY, last_year):
        earlier = parse_time(text, default)
        if earlier and earlier != moment and not is_ahead(earlier, now):
            return earlier
    return moment


def _whole(text: str) -> datetime | None:
    """Return a time of ISO 8601 that leaves nothing out but the hour, None where it is none."""
    if not _ISO.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def is_ahead(moment: datetime, now: datetime) -> bool:
    """Return whether a time lies further in the future than clocks differ."""
    return moment > now + MAX_AHEAD


def is_absurd(moment: datetime, now: datetime) -> bool:
    """Return whether nobody can have meant a time: before 1990, or 10 years ahead."""
    return not EARLIEST <= moment <= now + _ABSURDLY_AHEAD


def sane(moment: datetime | None, now: datetime) -> datetime | None:
    """Return the time at which an article can have been published, None where it is absurd.

    One in the future (`is_ahead`) is taken for `now`, the time of the poll.
    """
    if moment is None or is_absurd(moment, now):
        return None
    return now if is_ahead(moment, now) else moment
