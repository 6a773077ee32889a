"""How the pages put times and states into words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.model import (
    ChannelKind,
    Condition,
    DeliveryState,
    DeliveryStatus,
    Memory,
    Source,
    SourceState,
)
from monitor.web import words
from tests.support.articles import NOW

WORKING = Memory(condition=Condition.WORKING, last_polled_at=NOW)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "just now"),
        (59.9, "just now"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86_400 * 2, "2 d ago"),
        (86_400 * 7, "22 Feb 2026"),
        (-30, "in less than a minute"),
        (-120, "in 2 min"),
    ],
)
def test_relative_times(seconds: float, expected: str) -> None:
    assert words.ago(NOW - timedelta(seconds=seconds), NOW) == expected


def test_a_date_without_a_time_stays_a_date() -> None:
    assert words.published(NOW.replace(hour=0)) == "1 Mar 2026"
    assert words.published(NOW) == "1 Mar 2026, 12:00 UTC"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://news.example/a", "https://news.example/a"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("http://", ""),
        ("//news.example", ""),
        ("http://[broken", ""),
        ("", ""),
    ],
)
def test_only_web_addresses_are_links(url: str, expected: str) -> None:
    assert words.link(url) == expected


@pytest.mark.parametrize(
    ("memory", "enabled", "expected"),
    [
        (Memory(), True, ("Not polled yet", "quiet")),
        (WORKING, True, ("Working", "good")),
        (replace(WORKING, failures=0.25), True, ("Last poll failed", "warn")),
        (replace(WORKING, failures=4), False, ("Paused", "quiet")),
        (
            replace(WORKING, condition=Condition.FAILING, failures=4, failing_since=NOW),
            True,
            ("Failing since 1 Mar 2026", "bad"),
        ),
        (
            replace(WORKING, condition=Condition.SILENT, last_new_at=NOW),
            True,
            ("Silent since 1 Mar 2026", "warn"),
        ),
        (
            replace(WORKING, condition=Condition.RETIRED, gone_since=NOW),
            True,
            ("Gone since 1 Mar 2026", "bad"),
        ),
        (
            Memory(last_polled_at=NOW, failures=1, failing_since=NOW),
            True,
            ("Last poll failed", "warn"),
        ),
    ],
)
def test_states_of_sources(memory: Memory, enabled: bool, expected: tuple[str, str]) -> None:
    source = Source(name="wire", type="feed", location="https://wire.example", enabled=enabled)
    state = SourceState(source=source, next_poll_at=NOW, memory=memory)
    assert (words.source_state(state), words.source_tone(state)) == expected


@pytest.mark.parametrize(
    ("state", "attempts", "expected"),
    [
        (DeliveryState.PENDING, 0, "waiting"),
        (DeliveryState.PENDING, 1, "waiting to try again, 1 attempt so far"),
        (DeliveryState.LEASED, 1, "being sent"),
        (DeliveryState.SENT, 1, "sent"),
        (DeliveryState.SENT, 3, "sent after 3 attempts"),
        (DeliveryState.DEAD, 10, "given up after 10 attempts"),
    ],
)
def test_states_of_deliveries(state: DeliveryState, attempts: int, expected: str) -> None:
    status = DeliveryStatus(
        channel="desk", kind=ChannelKind.WEBHOOK, state=state, attempts=attempts
    )
    assert words.delivery_state(status) == expected
