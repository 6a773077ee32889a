"""When a source is asked again: its hints, its pace, its failures, and the operator's word."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.cron import next_run
from monitor.decide import conclude, host_after, usual_interval
from monitor.errors import MonitorError, Rejected, Unavailable, Unreachable
from monitor.model import Hints, Memory, Parsed
from tests.support.clock import START
from tests.support.follower import Follower, a_source, a_turn, bad, good, unchanged

# START is a Monday, 12:00 GMT.
MINUTE, HOUR, DAY = 60, 3_600, 86_400
WORKDAY = tuple(range(8, 18))


def pause(hints: Hints, max_age: int = 0, at: datetime = START, **source: Any) -> float:
    """Return the s from a first good poll to the next."""
    happened = good(at, parsed=Parsed(hints=hints), max_age=max_age)
    found = conclude(a_turn(a_source(**source), Memory(), at), happened)
    return (found.next_poll_at - happened.ended).total_seconds()


@pytest.mark.parametrize(
    ("hints", "max_age", "least", "most"),
    [
        (Hints(), 0, 54 * MINUTE, 66 * MINUTE),
        (Hints(ttl=5 * MINUTE), 0, 54 * MINUTE, 66 * MINUTE),
        (Hints(ttl=HOUR), 0, HOUR, 66 * MINUTE),
        (Hints(ttl=3 * HOUR), 0, 3 * HOUR, 3.3 * HOUR),
        (Hints(ttl=DAY), 0, DAY, 1.1 * DAY),
        (Hints(ttl=30 * DAY), 0, DAY, 1.1 * DAY),
        (Hints(period=2 * HOUR), 0, 2 * HOUR, 2.2 * HOUR),
        (Hints(period=7 * DAY), 0, DAY, 1.1 * DAY),
        (Hints(), 60, 54 * MINUTE, 66 * MINUTE),
        (Hints(), 4 * HOUR, 4 * HOUR, 4.4 * HOUR),
        (Hints(), 365 * DAY, DAY, 1.1 * DAY),
        (Hints(ttl=2 * HOUR, period=5 * HOUR), 3 * HOUR, 5 * HOUR, 5.5 * HOUR),
        (Hints(ttl=5 * HOUR, period=2 * HOUR), 3 * HOUR, 5 * HOUR, 5.5 * HOUR),
        (Hints(ttl=2 * HOUR, period=3 * HOUR), 5 * HOUR, 5 * HOUR, 5.5 * HOUR),
        (Hints(skip_hours=(12,)), 0, 54 * MINUTE, 70 * MINUTE),
        (Hints(skip_hours=(12, 13)), 0, 7_199, 7_199 + 600),
        (Hints(skip_hours=(12, 13, 14, 15)), 0, 14_399, 14_399 + 600),
        (Hints(skip_hours=tuple(range(24))), 0, 54 * MINUTE, 66 * MINUTE),
        (Hints(skip_hours=(*range(9), *range(10, 24))), 0, 21 * HOUR - 1, 21 * HOUR + 599),
        (Hints(skip_days=(0,)), 0, 12 * HOUR - 1, 12 * HOUR + 599),
        (Hints(skip_days=(0, 1, 2)), 0, 60 * HOUR - 1, 60 * HOUR + 599),
        (Hints(skip_days=tuple(range(7))), 0, 54 * MINUTE, 66 * MINUTE),
        (Hints(skip_days=(0,), skip_hours=(0, 1, 2)), 0, 15 * HOUR - 1, 15 * HOUR + 599),
        (Hints(skip_days=(1,), ttl=DAY), 0, 36 * HOUR - 1, 36 * HOUR + 599),
    ],
)
def test_a_source_says_when_it_wants_to_be_asked(
    hints: Hints, max_age: int, least: float, most: float
) -> None:
    assert least <= pause(hints, max_age) <= most


@pytest.mark.parametrize("interval", [5 * MINUTE, 15 * MINUTE, 3 * DAY])
def test_the_operators_interval_counts_for_more_than_ttl_and_max_age(interval: int) -> None:
    found = pause(Hints(ttl=DAY, period=DAY), 2 * HOUR, interval=interval)
    assert 0.9 * interval <= found <= 1.1 * interval


def test_a_schedule_in_crons_words_is_kept_but_for_skipped_hours() -> None:
    assert pause(Hints(ttl=DAY), 0, cron="30 12 * * *") == 30 * MINUTE - 1
    moved = pause(Hints(skip_hours=(12,)), 0, cron="30 12 * * *")
    assert HOUR - 1 <= moved <= HOUR + 599


@pytest.mark.parametrize(
    ("cron", "problem"),
    [
        ("often", "five fields"),
        ("* * * * * *", "five fields"),
        ("61 * * * *", "bad minute"),
        ("0 0 30 2 *", "bad day-of-month"),
        ("0 0 */31 2 MON#5", "never comes"),
    ],
)
def test_a_schedule_that_is_none_is_named(cron: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        next_run(cron, START)


def test_sources_spread_out_and_the_same_poll_gives_the_same_time() -> None:
    found = {pause(Hints(), at=START + timedelta(seconds=number)) for number in range(200)}
    assert len(found) > 100
    assert pause(Hints()) == pause(Hints())


def paces(*shares: tuple[int, int], memory: Memory | None = None) -> list[int]:
    """Return the pace after each poll that found so many new and known items."""
    follower = Follower(memory=memory)
    return [follower.poll(good(new=new, known=known)).memory.pace for new, known in shares]


def test_a_source_that_shows_known_items_is_asked_more_seldom() -> None:
    found = paces((20, 0), (0, 20), (1, 19), (1, 19), (0, 20))
    assert found == [0, 0, *(HOUR + step * 10 * MINUTE for step in (1, 2, 3))]


def test_without_news_for_a_month_the_interval_grows_by_an_hour() -> None:
    old = Memory(imported=True, last_new_at=START - timedelta(days=40), pace=2 * HOUR)
    assert paces(*[(0, 20)] * 4, memory=old) == [2 * HOUR, 3 * HOUR, 4 * HOUR, 5 * HOUR]
    assert paces(*[(0, 0)] * 40, memory=old)[-1] == DAY


def test_a_source_that_shows_mostly_new_items_is_asked_more_often() -> None:
    slow = Memory(imported=True, pace=20 * HOUR)
    assert paces(*[(20, 0)] * 5, memory=slow)[1:] == [HOUR, HOUR // 2, 900, 900]


def test_between_a_third_and_two_thirds_the_pace_is_right() -> None:
    assert paces(*[(10, 10)] * 4, memory=Memory(imported=True, pace=HOUR))[-1] == HOUR


def test_only_punctual_successes_in_a_row_change_the_pace() -> None:
    follower = Follower(memory=Memory(imported=True, pace=HOUR))
    follower.poll(unchanged())
    follower.due += timedelta(minutes=5)
    turn = a_turn(follower.source, follower.memory, follower.due - timedelta(hours=2))
    late = conclude(turn, unchanged(follower.due))
    assert (late.memory.pace, late.memory.punctual) == (HOUR, 0)
    follower.memory = late.memory
    assert follower.poll(unchanged()).memory.pace == HOUR
    follower.poll(bad(START, Unavailable("x", None, 500)))
    assert follower.poll(unchanged()).memory.pace == HOUR
    assert follower.poll(unchanged()).memory.pace > HOUR


def test_while_a_hub_pushes_polls_are_12_times_rarer() -> None:
    source, pushed = a_source(), Memory(pace=HOUR, pushed_at=START)
    for hours, expected in ((0, 12), (36, 12), (37, 1)):
        assert usual_interval(source, pushed, START + timedelta(hours=hours)) == expected * HOUR
    assert usual_interval(source, replace(pushed, pace=3 * HOUR), START) == DAY
    assert usual_interval(a_source(interval=900), pushed, START) == 900


def test_a_poll_that_finds_what_was_not_pushed_ends_the_trust_in_the_hub() -> None:
    memory = Memory(imported=True, pushed_at=START)
    assert conclude(a_turn(a_source(), memory), good(new=1)).memory.pushed_at is None
    assert conclude(a_turn(a_source(), memory), good(known=9)).memory.pushed_at == START


def after(error: MonitorError, failures: float = 0, at: datetime = START, **source: Any) -> float:
    """Return the s from a failure to the next poll, after `failures` before it."""
    happened = bad(at, error)
    found = conclude(a_turn(a_source(**source), Memory(failures=failures), at), happened)
    return (found.next_poll_at - happened.ended).total_seconds()


@pytest.mark.parametrize(
    ("error", "failures", "least"),
    [
        (Unavailable("x", None, 500), 0.5, 30 * MINUTE),
        (Unavailable("slow"), 1.5, HOUR),
        (Unavailable("x", None, 404), 2.5, 2 * HOUR),
        (Unavailable("x", None, 500), 9.5, DAY),
        (Unavailable("x", None, 429), 0, HOUR),
        (Unavailable("x", None, 403), 0, HOUR),
        (Unavailable("x", None, 410), 0, DAY),
        (Rejected("no feed"), 1, HOUR),
        (Rejected("no feed"), 3, 4 * HOUR),
        (Rejected("no feed"), 30, 4 * DAY),
        (Rejected("no feed"), 99, 30 * DAY),
        (Unavailable("x", None, 500), 99, 30 * DAY),
        (Unreachable("no network"), 0, MINUTE),
        (Unreachable("no network"), 0.5, 4 * MINUTE),
        (Unreachable("no network"), 9, HOUR),
        (Unreachable("no network"), 99, DAY),
    ],
)
def test_the_pause_after_a_failure(error: MonitorError, failures: float, least: float) -> None:
    assert least <= after(error, failures) <= least + min(0.1 * least, HOUR)


def test_an_interval_shorter_than_15_minutes_holds_for_the_first_failure_too() -> None:
    assert 300 <= after(Unavailable("x", None, 500), -0.5, interval=300) <= 330
    assert after(Unavailable("x", None, 500), 99, interval=300) >= 30 * DAY


@pytest.mark.parametrize("wish", [120, 6 * HOUR, 6 * DAY, 7 * DAY])
@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_is_kept_in_full(status: int, wish: float) -> None:
    assert wish <= after(Unavailable("x", wish, status)) <= max(wish + HOUR, 1.1 * HOUR)
    assert wish <= after(Unavailable("x", wish, status), interval=60, cron="* * * * *")


def test_a_retry_after_of_more_than_a_week_is_a_mistake() -> None:
    assert after(Unavailable("x", 9e9, 503)) <= 7 * DAY + HOUR


ERRORS = st.one_of(
    st.builds(
        Unavailable,
        st.just("x"),
        st.one_of(st.none(), st.floats(0, 7 * DAY)),
        st.sampled_from([0, 401, 403, 404, 410, 429, 500, 503]),
    ),
    st.just(Unreachable("no network")),
    st.just(Rejected("no feed")),
)
HINTS = st.builds(
    Hints,
    ttl=st.integers(0, 40 * DAY),
    period=st.integers(0, 40 * DAY),
    skip_hours=st.lists(st.integers(0, 23), max_size=23).map(tuple),
    skip_days=st.lists(st.integers(0, 6), max_size=6, unique=True).map(tuple),
)
TIMES = st.integers(0, 400 * DAY).map(lambda seconds: START + timedelta(seconds=seconds))
FAILURES = st.integers(0, 400).map(lambda quarters: quarters / 4)
SOURCES = st.one_of(
    st.just(a_source()),
    st.builds(lambda interval: a_source(interval=interval), st.integers(60, 9 * DAY)),
    st.just(a_source(cron="*/5 * * * *")),
)


def is_allowed(at: datetime, hints: Hints) -> bool:
    """Return whether hints leave this hour, or leave none at all."""
    allowed = at.hour not in hints.skip_hours and at.weekday() not in hints.skip_days
    return allowed or len(set(hints.skip_hours)) == 24 or len(set(hints.skip_days)) == 7


@given(SOURCES, HINTS, TIMES, FAILURES, st.one_of(st.none(), ERRORS), st.integers(0, 40 * DAY))
def test_never_before_a_wish_never_in_a_skipped_hour_never_at_once(
    source: Any, hints: Hints, at: datetime, failures: float, error: Any, max_age: int
) -> None:
    memory = Memory(imported=True, failures=failures, hints=hints)
    happened = bad(at, error) if error else good(at, parsed=Parsed(hints=hints), max_age=max_age)
    found = conclude(a_turn(source, memory, at), happened)
    pause = (found.next_poll_at - happened.ended).total_seconds()
    assert pause > 0
    assert found.next_poll_at.year < 2100
    assert is_allowed(found.next_poll_at, hints)
    if isinstance(error, Unavailable) and error.retry_after:
        assert pause >= error.retry_after - 1e-6
    if source.interval is None and not source.cron and not isinstance(error, Unreachable):
        assert pause >= 15 * MINUTE
    if source.interval is None and not source.cron and error is None:
        assert pause >= min(max(hints.ttl, hints.period, max_age), DAY)


@given(SOURCES, FAILURES, FAILURES, ERRORS, TIMES)
def test_more_failures_never_make_a_shorter_pause(
    source: Any, one: float, other: float, error: MonitorError, at: datetime
) -> None:
    less, more = sorted((one, other))
    pauses = [
        conclude(a_turn(source, Memory(failures=failures), at), bad(at, error)).next_poll_at
        for failures in (less, more)
    ]
    assert pauses[0] <= pauses[1]


def gap(**fields: Any) -> float:
    """Return the s from the start of a visit of one second to when its host may be asked."""
    arguments = {"started": START, "ended": START + timedelta(seconds=1), **fields}
    return (host_after("https://a.example/1", **arguments).next_at - START).total_seconds()


def test_starts_of_requests_to_a_host_are_two_seconds_apart_or_what_robots_txt_asks() -> None:
    assert gap() == 2
    assert gap(requests=3) == 3
    assert gap(crawl_delay=10) == 10
    assert gap(crawl_delay=3_600) == 60
    assert gap(ended=START + timedelta(seconds=9)) == 9


def test_a_host_that_throttles_two_addresses_is_left_alone() -> None:
    busy = Unavailable("busy", 120.0, 429)
    assert gap(error=busy) == gap(error=busy, throttled_by="https://a.example/1") == 2
    assert gap(error=busy, throttled_by="https://a.example/2") == 121
    silent = Unavailable("busy", None, 503)
    assert gap(error=silent, throttled_by="https://a.example/2") == HOUR + 1
    patient = Unavailable("busy", 6.0 * DAY, 503)
    assert gap(error=patient, throttled_by="https://a.example/2") == HOUR + 1


def test_only_a_good_answer_ends_the_suspicion_that_a_host_is_busy() -> None:
    turn = a_turn(a_source(), Memory(), throttled_by="https://wire.example/other")
    assert conclude(turn, good()).throttled_by == ""
    assert conclude(turn, unchanged()).throttled_by == ""
    broken = conclude(turn, bad(START, Unavailable("x", None, 500)))
    assert broken.throttled_by == "https://wire.example/other"
    busy = conclude(turn, bad(START, Unavailable("x", None, 503)))
    assert busy.throttled_by == "https://wire.example/feed"
    assert busy.host_next_at >= START + timedelta(hours=1)
