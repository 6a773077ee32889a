"""What follows from a poll: what is remembered, when to ask again, who is told. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.decide.articles import Found
from monitor.decide.health import change_of, condition_of
from monitor.decide.hosts import host_after
from monitor.decide.moves import asked_location, has_moved, rewritten
from monitor.decide.remember import Happened, after_bad_poll, after_good_poll, counted_days
from monitor.decide.schedule import LEAST_PAUSE, after_failure, after_success
from monitor.model import Condition, Memory, SourceChange, SourceState, Turn

NEVER = timedelta(days=3_650)
"""A retired source is polled no more; should somebody ask for due ones alone, this keeps it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What a `Poll` needs besides its articles; `location` is where a user's source has moved."""

    next_poll_at: datetime
    host_next_at: datetime
    memory: Memory
    change: SourceChange | None = None
    location: str = ""
    throttled_by: str = ""


def conclude(turn: Turn, happened: Happened) -> Conclusion:
    """Return what follows from the poll of a turn's source.

    Raises ValueError where the turn has no source, or its `cron` is no schedule.
    """
    state = turn.state
    if state is None:
        raise ValueError(f"the turn of {turn.host} has no source")
    source, now, error = state.source, happened.ended, happened.error
    location = ""
    if error is None:
        memory = after_good_poll(state, happened)
        if has_moved(memory, now):
            memory, location = rewritten(source, memory)
        next_poll_at = after_success(source, memory, now)
        if _goes_on(happened):
            next_poll_at = min(next_poll_at, now + timedelta(seconds=LEAST_PAUSE))
    else:
        memory = after_bad_poll(state, happened, error)
        next_poll_at = after_failure(source, memory, now, error)
        if happened.by_hand and state.next_poll_at > now:
            next_poll_at = max(state.next_poll_at, memory.quiet_until or now)
    memory, change = _judged(state, memory, now)
    host = host_after(
        asked_location(source, state.memory),
        started=happened.started,
        ended=now,
        requests=happened.asked.requests,
        crawl_delay=happened.crawl_delay,
        throttled_by=turn.throttled_by,
        error=error,
    )
    return Conclusion(
        next_poll_at=now + NEVER if memory.condition is Condition.RETIRED else next_poll_at,
        host_next_at=host.next_at,
        memory=memory,
        change=change,
        location=location,
        throttled_by=host.throttled_by,
    )


def _goes_on(happened: Happened) -> bool:
    """Return whether the rest is to be had at once: not where a part of it kept a parser busy."""
    parsed = happened.parsed
    return happened.has_more and not (parsed is not None and parsed.refused is not None)


def after_push(
    state: SourceState, found: Found, now: datetime
) -> tuple[Memory, SourceChange | None]:
    """Return what is remembered of a document that a hub has pushed, and who is to be told.

    The validators, digests and the schedule stay: a hub may push the new items only.
    """
    memory = replace(
        state.memory,
        pushed_at=now,
        days=counted_days(state.memory.days, now.date(), found.new),
        last_new_at=now if found.new else state.memory.last_new_at,
    )
    return _judged(state, memory, now)


def _judged(
    state: SourceState, memory: Memory, now: datetime
) -> tuple[Memory, SourceChange | None]:
    condition = condition_of(memory, now)
    change = change_of(state, memory, condition, now)
    same = condition is memory.condition
    return memory if same else replace(memory, condition=condition), change
