"""How a source fares, in words with the cure: whether it works, fails, or has fallen silent."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, takewhile

from monitor.model import Condition, Memory, Source, SourceChange, SourceState

FAILURES = 3.0
"""Failures in a row that make a source a failing one; fractional, see `schedule.weight`."""
NEVER_WORKED = 1.5
"""The same for a source of which no poll ever worked: nothing says that its trouble will pass."""
LEAST_SILENCE = timedelta(days=3)
LEAST_HISTORY = 7
"""Days that a source must be known before its silence says anything."""
LEAST_RATE = 0.2
"""Articles a day below which silence says nothing."""
RARE = 0.001
_DAY = timedelta(days=1)
_NAMELESS = re.compile(r"the name \S+ cannot be resolved")
_UNTRUSTED = re.compile(r"the certificate of \S+ is not trusted")
_SLOW = re.compile(r"\S+ (?:took longer than|sends fewer than)\b")
_BROKEN = re.compile(r"the answer of \S+ was cut off|\S+ closed the connection")
_LOGIN, _BARRED = frozenset({401, 402, 407}), frozenset({403, 406, 451})
_FAILED = frozenset({"failed", "refused", "unreachable"})
_CERTAIN = _LOGIN | _BARRED | {404, 410}
"""Answers whose cause one failure tells as well as many."""
_WAIT = "the publisher's trouble; it is asked ever more slowly"


def condition_of(memory: Memory, now: datetime) -> Condition:
    """Return how a source fares.

    A silent source stays so until something new comes; a retired one until a poll succeeds.
    """
    if memory.condition is Condition.RETIRED and memory.gone_since is not None:
        return Condition.RETIRED
    if memory.failures >= FAILURES or (memory.failures and memory.condition is Condition.FAILING):
        return Condition.FAILING
    if memory.failures >= NEVER_WORKED and memory.condition is Condition.NEW:
        return Condition.FAILING
    if memory.last_polled_at is None and memory.pushed_at is None:
        return Condition.NEW
    if is_silent(memory, now):
        return Condition.SILENT
    first_failed = memory.failures and memory.condition is Condition.NEW
    return Condition.NEW if first_failed else Condition.WORKING


def words_of(memory: Memory, source: Source, now: datetime) -> str:
    """Return a sentence that says how a source fares, with the cure where it is ill."""
    match condition_of(memory, now):
        case Condition.RETIRED:
            since = since_words(memory.gone_since or now, now)
            return f"has been gone (410) since {since}: remove it, or find its new address"
        case Condition.FAILING:
            return failing_words(memory, source, now)
        case Condition.SILENT:
            return f"{rhythm_of(memory, now)}: see whether its page goes on elsewhere"
        case Condition.NEW if not memory.failures:
            return "not polled yet"
    if memory.failures:
        return _failed_words(memory)
    return memory.chosen_why or rhythm_of(memory, now)


def change_of(
    state: SourceState, memory: Memory, condition: Condition, now: datetime
) -> SourceChange | None:
    """Return the change to tell of that a poll made, by its memory; None where there is none: a
    new source that works is none."""
    before = state.memory.condition
    if before is condition or (before is Condition.NEW and condition is Condition.WORKING):
        return None
    words = words_of(memory, state.source, now)
    if condition is Condition.WORKING:
        memory = state.memory
        words = "has news again" if before is Condition.SILENT else "answers again"
        since = memory.last_new_at if before is Condition.SILENT else memory.failing_since
        if since is not None:
            words += f" after {_length(now - since)}"
    return SourceChange(
        source=state.source.name, condition=condition, before=before, at=now, reason=words
    )


def failing_words(memory: Memory, source: Source, now: datetime) -> str:
    """Return what is wrong with a failing source, since when, and what cures it."""
    since = since_words(memory.failing_since or now, now)
    status, cure = _status(memory), _cure(memory)
    if memory.last_outcome == "refused":
        kind = memory.chosen_type or source.type
        more = " any more" if memory.imported else ""
        return f"is no {kind}{more} since {since}: {memory.last_error}"
    if status == 404:
        missing = since_words(memory.missing_since or now, now)
        return f"has been missing (404) since {missing}: {cure}"
    if status == 410:
        return f"has been gone (410) since {since}: {cure}"
    what = f"answers {status} since {since}" if status else f"{memory.last_error}, since {since}"
    return f"{what}: {cure}" if cure else what


def _failed_words(memory: Memory) -> str:
    """Return that polls failed, too few of them to say more than why; the cure is told where it
    is certain."""
    count, new = _failed_polls(memory), memory.condition is Condition.NEW
    if count < 2:
        words = "the first poll failed" if new else "the last poll failed"
    elif new:
        words = f"{count} polls failed, none ever worked"
    else:
        words = f"the last {count} polls failed"
    cure = f": {_cure(memory)}" if _is_certain(memory) else ""
    return f"{words}: {memory.last_error}{cure}"


def _cure(memory: Memory) -> str:
    """Return what to do about the last failure; "" where its error says that, or nobody knows."""
    status, error = _status(memory), memory.last_error
    if memory.last_outcome == "unreachable":
        return "check the address, and the network"
    if memory.last_outcome == "refused":
        return ""
    for cure, codes in (
        ("it wants a login: look for an address without one", _LOGIN),
        ("ask the publisher which user_agent to set", _BARRED),
        ("look for its new address", {404}),
        ("remove it, or find its new address", {410}),
        ("set a longer interval", {429}),
    ):
        if status in codes:
            return cure
    if status >= 500 or _BROKEN.search(error):
        return _WAIT
    if status >= 300:
        return "check the address"
    if _UNTRUSTED.search(error):
        return (
            "the publisher's to renew; one of your own goes into the file that SSL_CERT_FILE names"
        )
    return f"{_WAIT}; a longer fetch_deadline waits for it" if _SLOW.search(error) else ""


def _is_certain(memory: Memory) -> bool:
    """Return whether one failure tells the cause as well as many."""
    error = memory.last_error
    if memory.last_outcome == "unreachable":
        return _NAMELESS.search(error) is not None
    return _status(memory) in _CERTAIN or _UNTRUSTED.search(error) is not None


def _status(memory: Memory) -> int:
    """Return the HTTP status that was the failure, 0 where the answer itself was fine."""
    status = memory.notes[-1].status if memory.polls else 0
    return status if status >= 300 else 0


def _failed_polls(memory: Memory) -> int:
    """Return how many of the last polls failed in a row, of those that are remembered."""
    return sum(1 for _ in takewhile(lambda note: note.outcome in _FAILED, reversed(memory.notes)))


def is_silent(memory: Memory, now: datetime) -> bool:
    """Return whether nothing new came for longer than fits what came before.

    Articles are taken for a Poisson process of the mean of the 28 days before the last one:
    a gap of t days then has the probability exp(-mean t), and silence is what is rarer than
    1 in 1,000, and longer than 3 days. Publishers are burstier than that, so it must also be half
    as long again as the longest gap of these days. A source that is known for less than 7 days,
    or brings less than one article in 5 days, is never silent.
    """
    last = memory.last_new_at
    if last is None:
        return False
    if memory.condition is Condition.SILENT and not _has_news(memory):
        return True
    if now - last <= LEAST_SILENCE:
        return False
    span, mean = _history(memory)
    if span < LEAST_HISTORY or mean < LEAST_RATE:
        return False
    rare = timedelta(days=-math.log(RARE) / mean)
    return now - last > max(rare, 1.5 * _longest_gap(memory))


def rhythm_of(memory: Memory, now: datetime) -> str:
    """Return how often a source has news: "usually 14 a day, nothing for 3 days"; "" unknown."""
    span, mean = _history(memory)
    if span < LEAST_HISTORY or not mean:
        usually = ""
    elif mean >= 0.95:
        usually = f"usually {mean:.0f} a day"
    elif mean * 7 >= 0.95:
        usually = f"usually {mean * 7:.0f} a week"
    else:
        usually = "usually less than one a week"
    nothing = ""
    if memory.last_new_at is not None and now - memory.last_new_at >= _DAY:
        nothing = f"nothing for {_length(now - memory.last_new_at)}"
    return ", ".join(filter(None, (usually, nothing)))


def since_words(when: datetime, now: datetime) -> str:
    """Return a time as people say it: "14:05 UTC" today, "Tuesday" this week, "3 Nov" this year."""
    at, today = when.astimezone(UTC), now.astimezone(UTC)
    if at.date() == today.date():
        return f"{at:%H:%M} UTC"
    if today.date() - at.date() < timedelta(days=7):
        return f"{at:%A}"
    year = f" {at.year}" if at.year != today.year else ""
    return f"{at.day} {at:%b}{year}"


def _has_news(memory: Memory) -> bool:
    """Return whether the last poll, or a push after it, brought something new."""
    last, polled = memory.last_new_at, memory.last_polled_at
    return last is not None and (polled is None or last >= polled)


def _history(memory: Memory) -> tuple[int, float]:
    """Return for how many days up to its last news a source is known, and its mean a day."""
    if not memory.days:
        return 0, 0.0
    days = sorted(memory.days)
    span = (date.fromisoformat(days[-1]) - date.fromisoformat(days[0])).days
    span += 1 if memory.days[days[0]] else 0
    return span, sum(memory.days.values()) / max(span, 1)


def _longest_gap(memory: Memory) -> timedelta:
    days = [date.fromisoformat(day) for day in sorted(memory.days)]
    gaps = (later - earlier for earlier, later in pairwise(days))
    return max(gaps, default=timedelta())


def _length(time: timedelta) -> str:
    for unit, name in (
        (_DAY, "day"),
        (timedelta(hours=1), "hour"),
        (timedelta(minutes=1), "minute"),
    ):
        if time >= unit:
            number = time // unit
            return f"{number} {name}{'' if number == 1 else 's'}"
    return "a moment"
