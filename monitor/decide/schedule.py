"""When a source is asked again: its pace, what it wishes, and what its failures cost. Pure.

The pace follows Media Cloud's fetcher (`fetcher/tasks.py`): it is the share of items that were
known already that says whether a source is asked too often, not how much it writes.
"""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta

from monitor.cron import next_run
from monitor.errors import MonitorError, Unavailable, Unreachable
from monitor.model import Hints, Memory, Source

MINUTE, HOUR, DAY = 60, 3_600, 86_400
PACE = HOUR
"""The interval of a source of which nothing is known yet."""
FLOOR, CEILING = 15 * MINUTE, DAY
LEAST_PAUSE = MINUTE
LONGEST_RETRY_AFTER = 7 * DAY
SLOWEST = 30 * DAY
MANY_FAILURES = 30
"""From here on a source is slowed to more than a day."""
JITTER = 0.1
PUSHED = 12
"""Times slower a source is polled while its hub pushes."""
PASSING = frozenset({0, 404, 408, 425, 429})
_SLOWLY, _QUICKLY = 60 * MINUTE, 10 * MINUTE
_LIVELY = timedelta(days=31)
_TOLERANCE = 20 * MINUTE


def weight(error: MonitorError) -> float:
    """Return what a failure counts: 1, one half where the peer may soon be well again (404, 429,
    5xx, time-outs, TLS), a quarter where no connection came about."""
    if isinstance(error, Unreachable):
        return 0.25
    if isinstance(error, Unavailable) and (error.status in PASSING or error.status >= 500):
        return 0.5
    return 1.0


def is_punctual(due: datetime, started: datetime, usual: float) -> bool:
    """Return whether a poll came when due: within 20 minutes, or a quarter of the interval."""
    return abs((started - due).total_seconds()) <= max(_TOLERANCE, usual / 4)


def next_pace(pace: int, known: float, last_new_at: datetime | None, now: datetime) -> int:
    """Return the adaptive interval in s after two punctual successes; `known` is the share of
    known items, 1 where nothing changed.

    From two thirds on it grows: by 10 minutes for a source with news within 31 days, else by an
    hour. Below one third it is halved, or the default again where it was longer.
    """
    pace = pace or PACE
    if known >= 0.67:
        lively = last_new_at is not None and now - last_new_at <= _LIVELY
        pace += _QUICKLY if lively else _SLOWLY
    elif known < 0.33:
        pace = PACE if pace > PACE else pace // 2
    return min(max(pace, FLOOR), CEILING)


def wished(memory: Memory) -> int:
    """Return the s for which a source says that it has nothing new, up to a day."""
    hints = memory.hints
    return min(max(hints.ttl, hints.period, memory.max_age), CEILING)


def usual_interval(source: Source, memory: Memory, now: datetime) -> float:
    """Return the s between two polls that succeed.

    `interval` is the operator's word, and neither stretched nor kept from being short. Else it is
    the pace, but not before the source's own wishes; 12 times as long, up to a day, while its hub
    pushes: as long as the last push is no longer ago than three of those.
    """
    if source.interval is not None:
        return source.interval
    pace = min(max(memory.pace or PACE, wished(memory), FLOOR), CEILING)
    slow = min(PUSHED * pace, CEILING)
    pushed = memory.pushed_at is not None and (now - memory.pushed_at).total_seconds() <= 3 * slow
    return slow if pushed else pace


def after_success(source: Source, memory: Memory, now: datetime) -> datetime:
    """Return when to ask a source again that has answered well, by its memory of this poll.

    A schedule in cron's words is kept to the second. All else is moved by up to 10 % so that
    sources spread out, never to before a source's own wishes; and out of its skipped hours.
    """
    if source.cron:
        return outside_skips(next_run(source.cron, now), memory.hints, source.name)
    usual = usual_interval(source, memory, now)
    share = _share(source.name, now)
    delay = usual * (1 + JITTER * (2 * share - 1))
    if source.interval is None and delay < max(wished(memory), FLOOR):
        delay = usual * (1 + JITTER * share)
    return outside_skips(now + timedelta(seconds=delay), memory.hints, source.name)


def after_failure(source: Source, memory: Memory, now: datetime, error: MonitorError) -> datetime:
    """Return when to ask a source again that has failed, by its memory with this failure.

    Its pause is moved by up to 10 % to later; a Retry-After is kept in full, up to a week.
    """
    delay = _pause(source, memory, now, error)
    wish = error.retry_after or 0.0 if isinstance(error, Unavailable) else 0.0
    delay = max(delay, min(wish, LONGEST_RETRY_AFTER))
    delay += min(JITTER * delay, HOUR) * _share(source.name, now)
    return outside_skips(now + timedelta(seconds=delay), memory.hints, source.name)


def _pause(source: Source, memory: Memory, now: datetime, error: MonitorError) -> float:
    """Return the s to wait after a failure.

    Where no connection came about the publisher was not bothered, and our own network may be the
    cause: from a minute to the interval, a day after 30 failures. Else 15 minutes (or a shorter
    `interval`), doubled with every failure up to a day, and after 30 failures up to 30 days; not
    before the interval where the answer was no accident.
    """
    usual = usual_interval(source, memory, now)
    if source.cron:
        usual = HOUR
    many = memory.failures >= MANY_FAILURES
    if isinstance(error, Unreachable):
        doublings = min(max(memory.failures - weight(error), 0.0) * 4, 20)
        return max(DAY if many else 0, min(min(usual, LEAST_PAUSE) * 2**doublings, usual))
    pause = min(usual, FLOOR) * 2 ** min(memory.failures, 20)
    status = error.status if isinstance(error, Unavailable) else None
    if status is None or (400 <= status < 500 and status != 404):
        pause = max(pause, usual)
    pause = min(pause, max(DAY, usual))
    if status == 410:
        pause = max(pause, DAY)
    if many:
        pause = max(pause, min(DAY * 2 ** min(memory.failures - MANY_FAILURES + 1, 20), SLOWEST))
    missing = memory.missing_since
    if status == 404 and missing and (now - missing).total_seconds() >= SLOWEST:
        pause = max(pause, SLOWEST)
    return pause


def outside_skips(at: datetime, hints: Hints, name: str) -> datetime:
    """Return `at`, or the next time outside the hours and days (GMT) that a source skips.

    At the end of such a time sources are spread over 10 minutes. Hints that leave no time at all
    mean nothing.
    """
    if not hints.skip_hours and not hints.skip_days:
        return at
    hours, days = frozenset(hints.skip_hours), frozenset(hints.skip_days)
    if hours >= frozenset(range(24)) or days >= frozenset(range(7)):
        return at
    moved = at
    while moved.hour in hours or moved.weekday() in days:
        moved = moved.replace(minute=0, second=0, microsecond=0)
        moved += timedelta(hours=24 - moved.hour if moved.weekday() in days else 1)
    if moved == at:
        return at
    return moved + timedelta(seconds=int(10 * MINUTE * _share(name, at)))


def _share(name: str, now: datetime) -> float:
    """Return a number from 0 to 1 that is the same for the same poll."""
    return zlib.crc32(f"{name} {now.isoformat()}".encode()) / 2**32
