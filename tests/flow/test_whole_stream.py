"""From the feed to the receiver, on both brokers and both databases, while nothing goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.checker import expected_alerts
from tests.support.world import EACH, FEEDS, HOOKED, RULES, SUBJECTS, Peers, a_world, say

THROUGH = 90.0


async def test_2000_articles_are_stored_once_and_alert_as_computed_beforehand(
    peers: Peers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with a_world(tmp_path, peers) as world:
        expected = expected_alerts(world.items, SUBJECTS, RULES)
        await world.start()
        seconds = await world.through(THROUGH)
        codes = await world.stop()
        verdict = await world.check()
        stored = await world.stored()
    say(
        f"{FEEDS * EACH} articles, {len(expected)} alerts in {seconds:.1f} s; exits {codes}", capsys
    )
    assert not verdict.wrong, verdict
    assert stored is not None
    assert len(stored.articles) == FEEDS * EACH
    assert len(stored.alerts) == len(expected)
    assert verdict.repeats == 0
    assert len(world.receiver.received) == sum(rule in HOOKED for rule, *_ in expected)
    assert set(codes) == {0}
