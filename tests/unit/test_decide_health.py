"""How a source fares in words, its rhythm, and when it has fallen silent."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from monitor.decide import condition_of, rhythm_of, words_of
from monitor.decide.remember import counted_days
from monitor.errors import MonitorError, Rejected, Unavailable, Unreachable
from monitor.model import Condition, Memory
from tests.support.clock import START
from tests.support.follower import Follower, a_document, a_source, bad, good, unchanged


def days(*numbers: int, last: datetime = START) -> dict[str, int]:
    """Return counts of days, the last of them for the day of `last`."""
    first = last.date() - timedelta(days=len(numbers) - 1)
    return {(first + timedelta(days=i)).isoformat(): n for i, n in enumerate(numbers)}


def known(*numbers: int) -> Memory:
    return Memory(
        imported=True,
        condition=Condition.WORKING,
        last_polled_at=START,
        last_new_at=START,
        days=days(*numbers),
    )


@pytest.mark.parametrize(
    ("memory", "later", "expected"),
    [
        (known(*[14] * 28), 0, "usually 14 a day"),
        (known(*[14] * 28), 3, "usually 14 a day, nothing for 3 days"),
        (known(*[14] * 28), 1, "usually 14 a day, nothing for 1 day"),
        (known(*[1, 0, 1, 0, 0, 0, 0] * 4), 0, "usually 2 a week"),
        (known(1, *[0] * 26, 1), 0, "usually less than one a week"),
        (known(14, 14), 0, ""),
        (known(14, 14), 2, "nothing for 2 days"),
        (Memory(), 0, ""),
    ],
)
def test_the_rhythm_of_a_source(memory: Memory, later: int, expected: str) -> None:
    assert rhythm_of(memory, START + timedelta(days=later)) == expected


@pytest.mark.parametrize(
    ("numbers", "quiet", "silent"),
    [
        ([14] * 28, 3.1, True),
        ([14] * 28, 2.9, False),
        ([1] * 28, 6.8, False),
        ([1] * 28, 7.0, True),
        ([1, 0, 1, 0, 0, 0, 0] * 4, 24.0, False),
        ([1, 0, 1, 0, 0, 0, 0] * 4, 24.3, True),
        ([1, *[0] * 26, 1], 300.0, False),
        ([14] * 6, 30.0, False),
        ([14] * 7, 3.1, True),
    ],
)
def test_silence_is_what_a_source_of_this_rhythm_hardly_ever_shows(
    numbers: list[int], quiet: float, silent: bool
) -> None:
    memory = known(*numbers)
    condition = condition_of(memory, START + timedelta(days=quiet))
    assert (condition is Condition.SILENT) is silent


def test_a_source_with_long_gaps_is_given_half_as_long_again() -> None:
    # Twenty at once, every two weeks: one gap of 14 days, so 21 are nothing.
    memory = Memory(
        condition=Condition.WORKING,
        last_polled_at=START,
        last_new_at=START,
        days={(START - timedelta(days=14)).date().isoformat(): 20, START.date().isoformat(): 20},
    )
    for quiet, expected in ((20.9, Condition.WORKING), (21.1, Condition.SILENT)):
        assert condition_of(memory, START + timedelta(days=quiet)) is expected


def test_a_source_falls_silent_once_stays_so_and_recovers_with_news() -> None:
    follower = Follower(a_source(interval=21_600))
    follower.poll(good(new=40))
    while follower.days < 20:
        follower.poll(good(new=2, known=20))
    assert sum(follower.memory.days.values()) > 100
    while follower.days < 100:
        follower.poll(unchanged())
    assert follower.changes == [("working", "silent")]
    assert follower.memory.condition is Condition.SILENT
    last = follower.poll(good(new=1))
    assert follower.changes[1:] == [("silent", "working")]
    assert last.change is not None
    assert last.change.reason == "has news again after 80 days"
    follower.poll(unchanged())
    assert follower.changes[2:] == []


def test_a_silent_source_names_its_rhythm() -> None:
    now = START + timedelta(days=4)
    memory = known(*[14] * 28)
    assert condition_of(memory, now) is Condition.SILENT
    words = words_of(memory, a_source(), now)
    assert words.startswith("usually 14 a day, nothing for 4 days")


def failing(error: MonitorError, imported: bool = True, refused: bool = False) -> str:
    """Return the words for a source that fails with this on START, a Monday, and on Wednesday."""
    follower = Follower(a_source(), Memory(imported=imported))
    while follower.memory.condition is not Condition.FAILING:
        follower.poll(bad(START, error, a_document() if refused else None))
    return words_of(follower.memory, follower.source, START + timedelta(days=2))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, "answers 401 since Monday: it wants a login: look for an address without one"),
        (403, "answers 403 since Monday: ask the publisher which user_agent to set"),
        (404, "has been missing (404) since Monday: look for its new address"),
        (418, "answers 418 since Monday: check the address"),
        (429, "answers 429 since Monday: set a longer interval"),
        (503, "answers 503 since Monday: the publisher's trouble; it is asked ever more slowly"),
    ],
)
def test_a_failing_source_says_since_when_and_what_cures_it(status: int, expected: str) -> None:
    assert failing(Unavailable(f"answered {status}", None, status)) == expected


def test_a_failing_source_says_what_is_there_instead() -> None:
    found = failing(Rejected("it is a page that names its feed as /rss"), refused=True)
    assert found == ("is no feed any more since Monday: it is a page that names its feed as /rss")
    found = failing(Rejected("it is a page"), imported=False, refused=True)
    assert found == "is no feed since Monday: it is a page"


def test_a_failing_source_that_cannot_be_reached() -> None:
    found = failing(Unreachable("the name wire.example cannot be resolved"))
    assert found == (
        "the name wire.example cannot be resolved, since Monday: check the address, and the network"
    )
    found = failing(Unavailable("the certificate of wire.example is not trusted"))
    assert found == (
        "the certificate of wire.example is not trusted, since Monday: the publisher's to renew; "
        "one of your own goes into the file that SSL_CERT_FILE names"
    )


def test_a_slow_or_broken_answer_does_not_say_that_the_address_is_wrong() -> None:
    trouble = "since Monday: the publisher's trouble; it is asked ever more slowly"
    found = failing(Unavailable("wire.example took longer than 30 s"))
    assert found == (
        f"wire.example took longer than 30 s, {trouble}; a longer fetch_deadline waits for it"
    )
    found = failing(Unavailable("the answer of wire.example was cut off"))
    assert found == f"the answer of wire.example was cut off, {trouble}"


def test_an_answer_of_200_is_not_what_is_wrong() -> None:
    follower = Follower(memory=known(*[14] * 28))
    for _ in range(6):
        error = Unavailable("a part of it took too long")
        follower.poll(bad(START, error, a_document()))
    words = words_of(follower.memory, a_source(), START)
    assert words == "a part of it took too long, since 12:00 UTC"


def test_an_error_that_names_its_cure_gets_no_other() -> None:
    found = failing(Rejected("the environment holds no PASS: set it to the password"))
    assert found == "the environment holds no PASS: set it to the password, since Monday"


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        (Unavailable("w answered 401 Unauthorized", None, 401), "look for an address without one"),
        (Unavailable("w answered 403 Forbidden", None, 403), "which user_agent to set"),
        (Unavailable("w answered 404 Not Found", None, 404), "look for its new address"),
        (Unavailable("w answered 410 Gone", None, 410), "remove it, or find its new address"),
        (Unreachable("the name wire.example cannot be resolved"), "check the address, and the net"),
        (Unavailable("the certificate of w is not trusted"), "the publisher's to renew"),
        (Unreachable("wire.example cannot be reached: connection refused"), ""),
        (Unavailable("w answered 500 Internal Server Error", None, 500), ""),
    ],
)
def test_the_first_failure_tells_the_cure_where_its_cause_is_certain(
    error: MonitorError, cure: str
) -> None:
    for memory, start in ((Memory(), "the first"), (known(*[14] * 28), "the last")):
        follower = Follower(memory=memory)
        follower.poll(bad(START, error))
        words = words_of(follower.memory, a_source(), START)
        told = f"{start} poll failed: {error}"
        assert words.startswith(f"{told}: " if cure else told)
        assert cure in words
        assert cure or words == told


def test_failures_are_counted_from_the_second_on() -> None:
    follower, error = Follower(), Unreachable("wire.example cannot be reached")
    for _ in range(5):
        follower.poll(bad(START, error))
    assert fares(follower.memory) == (
        Condition.NEW,
        "5 polls failed, none ever worked: wire.example cannot be reached",
    )
    follower = Follower(memory=known(*[14] * 28))
    for _ in range(2):
        follower.poll(bad(START, error))
    words = "the last 2 polls failed: wire.example cannot be reached"
    assert fares(follower.memory) == (Condition.WORKING, words)


def test_a_source_that_never_worked_fails_sooner_and_stays_failing() -> None:
    follower = Follower()
    for expected in (Condition.NEW, Condition.NEW, *[Condition.FAILING] * 3):
        follower.poll(bad(START, Unavailable("wire.example answered 500", None, 500)))
        assert follower.memory.condition is expected
    assert follower.changes == [("new", "failing")]


@pytest.mark.parametrize(
    ("later", "expected"),
    [(0.1, "12:00 UTC"), (1, "Monday"), (6, "Monday"), (7, "5 Jan"), (400, "5 Jan 2026")],
)
def test_times_are_said_as_people_say_them(later: float, expected: str) -> None:
    memory = Memory(condition=Condition.RETIRED, gone_since=START)
    words = words_of(memory, a_source(), START + timedelta(days=later))
    assert words == f"has been gone (410) since {expected}: remove it, or find its new address"


def fares(memory: Memory) -> tuple[Condition, str]:
    """Return how a source fares on START, and the words for it."""
    return condition_of(memory, START), words_of(memory, a_source(), START)


def test_a_failure_or_two_are_said_but_are_no_condition() -> None:
    follower = Follower(memory=known(*[14] * 28))
    follower.poll(bad(START, Rejected("no feed")))
    assert fares(follower.memory) == (Condition.WORKING, "the last poll failed: no feed")
    follower = Follower()
    follower.poll(bad(START, Rejected("no feed")))
    assert fares(follower.memory) == (Condition.NEW, "the first poll failed: no feed")
    assert fares(Memory()) == (Condition.NEW, "not polled yet")


def test_the_days_of_four_weeks_are_counted_and_the_first_import_is_not() -> None:
    follower = Follower(a_source(interval=86_400))
    follower.poll(good(new=500))
    assert follower.memory.days == {START.date().isoformat(): 0}
    for _ in range(60):
        follower.poll(good(new=3))
    assert 27 <= len(follower.memory.days) <= 29
    assert rhythm_of(follower.memory, follower.due) == "usually 3 a day"


def test_the_first_day_stands_for_how_long_a_source_is_known() -> None:
    counts = counted_days({"2026-01-01": 2}, date(2026, 3, 1), 4)
    assert counts == {"2026-02-02": 0, "2026-03-01": 4}
    assert counted_days(counts, date(2026, 3, 9), 0) == counts
