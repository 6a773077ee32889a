"""When to try again, and when to stop."""

from __future__ import annotations

import pytest

from monitor.retry import DeadLetterLimit, RetryPolicy, delivery_delay


def test_the_pause_doubles_up_to_the_longest_and_a_wish_is_kept() -> None:
    policy = RetryPolicy(first=0.25, longest=30)
    assert [policy.delay(attempt) for attempt in (1, 2, 3, 20)] == [0.25, 0.5, 1.0, 30]
    assert policy.delay(1, retry_after=99) == 99


def test_deliveries_follow_the_recommended_schedule_then_die() -> None:
    delays = [delivery_delay(attempt, 0.0) for attempt in range(1, 11)]
    assert delays == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400, None]
    assert delivery_delay(2, 1.0) == pytest.approx(330)
    assert delivery_delay(2, -1.0) == pytest.approx(270)
    assert delivery_delay(1, 0.0, retry_after=60) == 60


def test_fifty_dead_letters_in_a_row_are_too_many() -> None:
    limit = DeadLetterLimit()
    limit.good(10_000)
    assert [limit.dead() for _ in range(50)].index(True) == 49


def test_a_good_record_between_starts_the_row_anew() -> None:
    limit = DeadLetterLimit()
    limit.good(1_000)
    for _ in range(49):
        assert not limit.dead()
    limit.good(1_000)
    assert not limit.dead()


def test_more_than_five_percent_of_the_last_thousand_are_too_many() -> None:
    limit = DeadLetterLimit()
    over = []
    for _ in range(60):
        limit.good(15)
        over.append(limit.dead())
    assert over.index(True) == 50


def test_one_percent_goes_on_for_ever() -> None:
    limit = DeadLetterLimit()
    for _ in range(2_000):
        limit.good(99)
        assert not limit.dead()
