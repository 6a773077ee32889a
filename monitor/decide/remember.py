"""What a source's polls leave behind for the next one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from operator import attrgetter

from monitor.decide.articles import Found
from monitor.decide.moves import followed
from monitor.decide.schedule import (
    LONGEST_RETRY_AFTER,
    is_punctual,
    next_pace,
    usual_interval,
    weight,
)
from monitor.errors import MonitorError, Rejected, Unavailable, Unreachable
from monitor.model import (
    Asked,
    Condition,
    Document,
    Memory,
    NotModified,
    Parsed,
    PollNote,
    SourceState,
)

NOTES = 30
DAYS = 28
CHOICE_FAILURES = 5
"""Polls in a row that what discovery chose may fail before it is looked for anew."""
GONE_AFTER = timedelta(hours=24)
NOTICED = 3
"""What is kept with a poll of the sentences on its document, each cut to 200 characters."""
_MAX_ERROR = 500
_MAX_NOTICED = 200
_DAY = timedelta(days=1)
_NOTHING = Parsed()
_validity = attrgetter("etag", "last_modified", "body_hash", "wire_hash", "max_age")


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """How a poll went: the answer, what it held, what of it was new; or the error. `parsed` is
    None where nothing was read: nothing had changed, or it could not be. `crawl_delay` in s is
    what the host's robots.txt asks for. `by_hand` says that somebody asked for it, due or not."""

    started: datetime
    ended: datetime
    answer: Document | NotModified | None = None
    parsed: Parsed | None = None
    found: Found = field(default_factory=Found)
    error: MonitorError | None = None
    asked: Asked = field(default_factory=Asked)
    crawl_delay: float = 0.0
    by_hand: bool = False

    @property
    def has_more(self) -> bool:
        """Whether the source has more, which the next poll gets."""
        return isinstance(self.answer, Document) and self.answer.more


def outcome_of(happened: Happened) -> str:
    """Return changed, unchanged, refused (an answer that could not be used), failed, or
    unreachable."""
    if isinstance(happened.error, Unreachable):
        return "unreachable"
    if isinstance(happened.error, Rejected) and isinstance(happened.answer, Document):
        return "refused"
    if happened.error is not None:
        return "failed"
    return "changed" if happened.found.articles else "unchanged"


def after_good_poll(state: SourceState, happened: Happened) -> Memory:
    """Return the memory of a poll that succeeded; its condition is still the old one."""
    memory, now = state.memory, happened.ended
    parsed, found = happened.parsed, happened.found
    punctual, pace = _paced(state, happened)
    outcome = outcome_of(happened)
    memory = replace(
        memory,
        punctual=punctual,
        pace=pace,
        failures=0.0,
        failing_since=None,
        missing_since=None,
        gone_since=None,
        quiet_until=None,
        last_polled_at=happened.started,
        last_outcome=outcome,
        last_error="",
        polls=_noted(memory, happened, outcome),
        days=counted_days(memory.days, now.date(), found.new if memory.imported else 0),
    )
    if found.new:
        # What a poll finds first has not been pushed: the hub is not to be relied on.
        memory = replace(memory, last_new_at=now, pushed_at=None)
    memory = _answered(memory, happened.answer)
    if parsed is not None:
        memory = replace(
            memory,
            imported=memory.imported or not happened.has_more,
            hints=parsed.hints,
            digests=parsed.digests,
            reader=parsed.reader,
            agreed=parsed.agreed,
            children=parsed.children,
        )
    return followed(state.source, memory, happened.answer, parsed, now)


def after_bad_poll(state: SourceState, happened: Happened, error: MonitorError) -> Memory:
    """Return the memory of a poll that failed: the validators stay as they were.

    However often somebody tries by hand, it counts as one failure at most, and slows nothing down.
    """
    memory, now = state.memory, happened.ended
    status = error.status if isinstance(error, Unavailable) else 0
    gone = memory.gone_since
    retired = memory.condition is Condition.RETIRED
    outcome = outcome_of(happened)
    if status == 410:
        retired = retired or (gone is not None and now - gone >= GONE_AFTER)
        gone = gone or now
    memory = replace(
        memory,
        failures=_failures(memory, error, by_hand=happened.by_hand),
        failing_since=memory.failing_since or now,
        missing_since=_missing_since(memory, status, now),
        gone_since=gone,
        condition=Condition.RETIRED if retired else memory.condition,
        quiet_until=_quiet_until(error, now),
        punctual=memory.punctual if happened.by_hand else 0,
        last_polled_at=happened.started,
        last_outcome=outcome,
        last_error=str(error)[:_MAX_ERROR],
        polls=_noted(memory, happened, outcome),
    )
    if memory.last_outcome == "refused":
        memory = replace(memory, moved_to="", moved_since=None, moved_times=0)
    return _doubted(memory, error, now)


def _failures(memory: Memory, error: MonitorError, *, by_hand: bool) -> float:
    one = weight(error)
    return max(memory.failures, one) if by_hand else memory.failures + one


def _quiet_until(error: MonitorError, now: datetime) -> datetime | None:
    """Return until when a host wants to be left alone, a week at most."""
    if not (isinstance(error, Unavailable) and error.retry_after):
        return None
    return now + timedelta(seconds=min(error.retry_after, LONGEST_RETRY_AFTER))


def forgotten(memory: Memory) -> Memory:
    """Return the memory without what belongs to one document: for another address of a source."""
    return replace(
        memory, etag="", last_modified="", body_hash="", wire_hash="", max_age=0,
        ignores_validators=False, digests=b"", reader="", agreed=0, children={},
    )  # fmt: skip


def counted_days(days: Mapping[str, int], today: date, new: int) -> Mapping[str, int]:
    """Return the numbers of new articles by day, for the 28 days up to the last that had any.

    The first day stands there even with none, since it says how long the source is known. A
    source that falls silent keeps the days before that.
    """
    if days and not new:
        return days
    counts = dict(days)
    counts[today.isoformat()] = counts.get(today.isoformat(), 0) + new
    first = (date.fromisoformat(max(counts)) - (DAYS - 1) * _DAY).isoformat()
    kept = {day: number for day, number in sorted(counts.items()) if day >= first}
    return kept if len(kept) == len(counts) else {first: 0, **kept}


def _paced(state: SourceState, happened: Happened) -> tuple[int, int]:
    """Return `punctual` and `pace` as a good poll leaves them, see `next_pace`."""
    memory, source = state.memory, state.source
    usual = usual_interval(source, memory, happened.started)
    if not memory.imported or not is_punctual(state.next_poll_at, happened.started, usual):
        return 0, memory.pace
    punctual = memory.punctual + 1
    if punctual < 2:
        return punctual, memory.pace
    new, rest = happened.found.new, _known(happened)
    share = rest / (new + rest) if new + rest else 1.0
    last = happened.ended if new else memory.last_new_at
    return punctual, next_pace(memory.pace, share, last, happened.ended)


def _known(happened: Happened) -> int:
    """Return how many items were known: a revised one is no reason to come more often."""
    found, parsed = happened.found, happened.parsed
    return found.known + found.revised + found.calmed + (parsed.known if parsed else 0)


def _answered(memory: Memory, answer: Document | NotModified | None) -> Memory:
    """Return the memory with an answer's validators.

    A server that sends the same body again twice running, asked with validators, ignores them;
    they are not sent any more until the document has changed.
    """
    if answer is None:
        return memory
    if isinstance(answer, NotModified) and answer.status == 200:
        sent = bool(memory.etag or memory.last_modified)
        before = memory.notes[-2:-1]
        again = bool(before) and (before[0].status, before[0].outcome) == (200, "unchanged")
        if memory.ignores_validators or (sent and again):
            return replace(
                memory,
                etag="",
                last_modified="",
                body_hash=answer.body_hash,
                wire_hash=answer.wire_hash,
                max_age=answer.max_age,
                ignores_validators=True,
            )
    if _validity(memory) == _validity(answer):
        return replace(memory, ignores_validators=False) if memory.ignores_validators else memory
    return replace(
        memory,
        body_hash=answer.body_hash,
        wire_hash=answer.wire_hash,
        max_age=answer.max_age,
        etag=answer.etag,
        last_modified=answer.last_modified,
        ignores_validators=False,
    )


def _missing_since(memory: Memory, status: int, now: datetime) -> datetime | None:
    """Return since when there is no such page: a busy server, or our own network being away, does
    not say that the address is right after all."""
    if status == 404:
        return memory.missing_since or now
    return memory.missing_since if status in (0, 429) or status >= 500 else None


def _doubted(memory: Memory, error: MonitorError, now: datetime) -> Memory:
    """Return the memory without what discovery chose, once that has failed five times in a row.

    Where no connection came about that says something only after a day. `moved_from` keeps it: the
    next choice may be the same.
    """
    if not memory.chosen_location:
        return memory
    streak = 0
    for note in reversed(memory.notes):
        if not note.error:
            break
        streak += 1
    young = memory.failing_since is None or now - memory.failing_since < _DAY
    if streak == 0 or streak % CHOICE_FAILURES or (isinstance(error, Unreachable) and young):
        return memory
    return replace(
        forgotten(memory),
        chosen_type="",
        chosen_location="",
        chosen_why="",
        moved_from=memory.chosen_location,
    )


def _noted(memory: Memory, happened: Happened, outcome: str) -> tuple[bytes, ...]:
    error, answer, found = happened.error, happened.answer, happened.found
    parsed = happened.parsed or _NOTHING
    status = error.status if isinstance(error, Unavailable) else 0
    note = PollNote(
        at=happened.started,
        outcome=outcome,
        status=status or (answer.status if answer else 0),
        size=max(happened.asked.size, answer.size if answer else 0),
        new=found.new,
        known=found.known + found.calmed + parsed.known,
        revised=found.revised,
        rejected=parsed.rejected,
        seconds=round((happened.ended - happened.started).total_seconds(), 3),
        # An error without words is an error all the same.
        error=((str(error) or type(error).__name__) if error else parsed.why)[:_MAX_ERROR],
        noticed=_noticed(parsed.notes),
    )
    return (*memory.polls[1 - NOTES :], note.pack())


def _noticed(notes: Sequence[str]) -> tuple[str, ...]:
    """Return the first of the sentences, as every poll to come carries them along."""
    told = list(dict.fromkeys(note[:_MAX_NOTICED] for note in notes))
    rest = len(told) - NOTICED
    return (*told[:NOTICED], *([f"and {rest} more"] if rest > 0 else []))
