"""How times, states and texts are put into words; filters of the templates, all pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from monitor.decide import condition_of, words_of
from monitor.decide.schedule import usual_interval
from monitor.model import Condition, DeliveryState, DeliveryStatus, SourceState

_UNITS = ((60, "min"), (60, "h"), (24, "d"))
_WEEK = 7


def ago(when: datetime, now: datetime) -> str:
    """Return "3 min ago", "in 2 h", or the date where it is more than a week away."""
    seconds = (now - when).total_seconds()
    past, size = seconds >= 0, abs(seconds)
    if size < 60:
        return "just now" if past else "in less than a minute"
    unit = "s"
    for step, name in _UNITS:
        if size < step:
            break
        size, unit = size / step, name
    if unit == "d" and size >= _WEEK:
        return day(when)
    return f"{int(size)} {unit} ago" if past else f"in {int(size)} {unit}"


def day(when: datetime) -> str:
    """Return the date: 26 Apr 2024."""
    at = when.astimezone(UTC)
    return f"{at.day} {at:%b %Y}"


def stamp(when: datetime) -> str:
    """Return date and time in full."""
    at = when.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M:%S} UTC"


def published(when: datetime) -> str:
    """Return date and time as publishers give them: without a time where it is midnight."""
    at = when.astimezone(UTC)
    midnight = (at.hour, at.minute, at.second) == (0, 0, 0)
    return day(at) if midnight else f"{at.day} {at:%b %Y, %H:%M} UTC"


def iso(when: datetime) -> str:
    """Return the time for machines."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def called(ids: Iterable[str], names: Mapping[str, str]) -> dict[str, str]:
    """Return what things are called, by id; one without a name is called by its id."""
    return {id_: names.get(id_, id_) for id_ in ids}


def link(url: str) -> str:
    """Return the URL if it is one to follow, else an empty text."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""


def site(url: str) -> str:
    """Return the host of a URL, as readers name a site."""
    return (urlsplit(url).hostname or url).removeprefix("www.")


def every(seconds: int) -> str:
    """Return an interval: "every 15 min"."""
    if seconds % 86_400 == 0 and seconds > 86_400:
        return f"every {seconds // 86_400} d"
    if seconds % 3600 == 0:
        return "every hour" if seconds == 3600 else f"every {seconds // 3600} h"
    return f"every {seconds // 60} min" if seconds % 60 == 0 else f"every {seconds} s"


def duration(seconds: int) -> str:
    """Return an interval as it is written in a declaration: "15m"."""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def source_state(state: SourceState) -> str:
    """Return how a source fares, in a few words; `decide.words_of` says more, and the cure."""
    memory = state.memory
    since = f" since {day(memory.failing_since)}" if memory.failing_since else ""
    if not state.source.enabled:
        return "Paused"
    match memory.condition:
        case Condition.RETIRED:
            return f"Gone since {day(memory.gone_since)}" if memory.gone_since else "Gone"
        case Condition.FAILING:
            return f"Failing{since}"
        case Condition.SILENT:
            return f"Silent since {day(memory.last_new_at)}" if memory.last_new_at else "Silent"
        case Condition.NEW if not memory.last_polled_at:
            return "Not polled yet"
        case _:
            return "Last poll failed" if memory.failures else "Working"


def state_word(state: SourceState, now: datetime) -> str:
    """Return how a source fares as one word: its condition, or "paused"."""
    if not state.source.enabled:
        return "paused"
    return condition_of(state.memory, now).value


def source_words(state: SourceState, now: datetime) -> str:
    """Return how a source fares as a sentence, with the cure where it is ill."""
    if not state.source.enabled:
        return "paused"
    return words_of(state.memory, state.source, now)


def chosen_type(state: SourceState) -> str:
    """Return what a source is followed as; "" before that is known."""
    found = state.source.type in ("auto", "site")
    return state.memory.chosen_type or ("" if found else state.source.type)


def pace_words(state: SourceState, now: datetime) -> str:
    """Return how often a source is asked, and why."""
    source, memory = state.source, state.memory
    if source.cron:
        return f"at {source.cron} (cron, UTC)"
    often = every(int(usual_interval(source, memory, now)))
    if source.interval is not None:
        return f"{often}, as it is set"
    if memory.pushed_at is not None:
        return f"{often}: its hub pushes what is new"
    return f"{often}: adapts to its news and to what it allows"


def source_tone(state: SourceState) -> str:
    """Return the class that colours a source's state."""
    memory = state.memory
    if not state.source.enabled or not memory.last_polled_at:
        return "quiet"
    if memory.condition in (Condition.FAILING, Condition.RETIRED):
        return "bad"
    return "warn" if memory.failures or memory.condition is Condition.SILENT else "good"


def delivery_state(status: DeliveryStatus) -> str:
    """Return how far a delivery has come."""
    tries = f"{status.attempts} attempt{'' if status.attempts == 1 else 's'}"
    match status.state:
        case DeliveryState.SENT:
            return "sent" if status.attempts < 2 else f"sent after {tries}"
        case DeliveryState.DEAD:
            return f"given up after {tries}"
        case DeliveryState.LEASED:
            return "being sent"
        case DeliveryState.PENDING:
            return "waiting" if not status.attempts else f"waiting to try again, {tries} so far"


def delivery_tone(status: DeliveryStatus) -> str:
    """Return the class that colours a delivery."""
    if status.state is DeliveryState.SENT:
        return "good"
    if status.state is DeliveryState.DEAD:
        return "bad"
    return "warn" if status.attempts and status.error else "quiet"
