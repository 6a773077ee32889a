"""The times that sources print."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.dates import is_absurd, is_ahead, sane, stated_time

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)  # a Monday


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-04T10:00:00-05:00", datetime(2026, 1, 4, 15, 0, tzinfo=UTC)),
        ("Sun, 04 Jan 2026 10:00 EST", datetime(2026, 1, 4, 15, 0, tzinfo=UTC)),
        ("December 30", datetime(2025, 12, 30, tzinfo=UTC)),
        ("4 January, 10:00", datetime(2026, 1, 4, 10, 0, tzinfo=UTC)),
        ("11:00", datetime(2026, 1, 5, 11, 0, tzinfo=UTC)),
        ("23:00", datetime(2026, 1, 4, 23, 0, tzinfo=UTC)),
        ("Friday 10:00", datetime(2026, 1, 2, 10, 0, tzinfo=UTC)),
        ("Mon, 05 Jan 2026 18:00:00 GMT", datetime(2026, 1, 5, 18, 0, tzinfo=UTC)),
        ("30 December 2026", datetime(2026, 12, 30, tzinfo=UTC)),
        ("Sun Jan 04 2026 10:00:00 GMT+0200", datetime(2026, 1, 4, 8, 0, tzinfo=UTC)),
        (
            "Sun Jan 04 2026 10:00:00 GMT-0500 (Eastern Standard Time of America)",
            datetime(2026, 1, 4, 15, 0, tzinfo=UTC),
        ),
        ("Sun, 04 Jan 2026 10:00:00 GMT+2", datetime(2026, 1, 4, 8, 0, tzinfo=UTC)),
        ("2026-01-04 10:00 UTC -3", datetime(2026, 1, 4, 13, 0, tzinfo=UTC)),
        ("So, 04 Jan 2026 10:00:00 +0100", datetime(2026, 1, 4, 9, 0, tzinfo=UTC)),
        ("dom., 4 ene 2026", None),
        ("soon", None),
        ("", None),
        ("9" * 50, None),
    ],
)
def test_what_is_left_out_is_the_latest_that_has_passed(text: str, moment: datetime | None) -> None:
    assert stated_time(text, NOW) == moment


def test_a_leap_day_without_its_year() -> None:
    assert stated_time("11 March", datetime(2028, 2, 29, tzinfo=UTC)) == datetime(
        2027, 3, 11, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("moment", "taken"),
    [
        (NOW + timedelta(minutes=59), NOW + timedelta(minutes=59)),
        (NOW + timedelta(minutes=61), NOW),
        (NOW + timedelta(days=400), NOW),
        (datetime(9999, 12, 31, tzinfo=UTC), None),
        (datetime(1970, 1, 1, tzinfo=UTC), None),
        (datetime(1, 1, 1, tzinfo=UTC), None),
        (None, None),
    ],
)
def test_the_future_is_now_and_the_absurd_is_nothing(
    moment: datetime | None, taken: datetime | None
) -> None:
    assert sane(moment, NOW) == taken
    if moment is not None:
        assert is_absurd(moment, NOW) == (taken is None)
        if taken == NOW:
            assert is_ahead(moment, NOW)


@given(st.text(alphabet="0123456789 :-/.,TZ+JanFrimo", max_size=30))
def test_any_text_is_a_time_or_none(text: str) -> None:
    moment = stated_time(text, NOW)
    assert moment is None or moment.tzinfo is not None
