"""Sources that cannot be reached are told, and not again for each that finds out later."""

from __future__ import annotations

import pytest

from monitor.outages import QUIET, Outages


def test_a_network_that_goes_is_told_as_often_as_the_number_doubles(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outages = Outages()
    for number in range(20):
        outages.note(f"source-{number}", "the name cannot be resolved")
        outages.report(now=float(number))
    told = [record.getMessage().partition(" (")[0] for record in caplog.records]
    counts = (2, 4, 8, 16)
    assert told == ["1 source is unreachable", *(f"{n} sources are unreachable" for n in counts)]


def test_a_number_is_told_later_and_the_end_at_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    outages = Outages()
    for name in ("a", "b", "c"):
        outages.note(name, "refused")
    outages.report(now=0.0)
    outages.note("d", "refused")
    outages.report(now=1.0)
    assert len(caplog.records) == 1
    outages.report(now=QUIET)
    assert caplog.records[-1].getMessage().startswith("4 sources are unreachable (a, b, c and 1")
    for name in ("a", "b", "c", "d"):
        outages.note(name, "")
    outages.report(now=QUIET + 1)
    assert caplog.records[-1].getMessage() == "all sources can be reached again"
