"""Alerts by rule and by topic on the page and in the API, and rules by their names everywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import SystemClock
from monitor.model import Attempt
from monitor.web import alerts
from tests.support.articles import NOW, an_article
from tests.support.news import DESK, LOG, PAGE, an_alert
from tests.support.web import Site, a_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


async def raised(site: Site, number: int, name: str, topic: str) -> None:
    article = an_article(id=f"a{number}", title=f"Number {number}", topics=(topic,))
    await site.store.save_articles([article], NOW)
    await site.store.raise_alerts([(an_alert(article, name, topic, NOW), (PAGE, LOG))], NOW)


async def items(site: Site, query: str) -> tuple[list[str], Any]:
    async with site.client.get(f"/api/v1/alerts?{query}") as answer:
        assert answer.status == 200, await answer.text()
        page = await answer.json()
    return [item["article"]["id"] for item in page["items"]], page["next"]


async def test_alerts_of_a_rule_and_for_a_topic(site: Site) -> None:
    for number in range(6):
        rule, topic = ("Fleet watch", "naval") if number % 2 else ("Desk", "air-defence")
        await raised(site, number, rule, topic)
    assert await items(site, "rule=fleet-watch") == (["a5", "a3", "a1"], None)
    assert await items(site, "topic=air-defence") == (["a4", "a2", "a0"], None)
    assert await items(site, "rule=desk&topic=naval") == ([], None)
    shown, following = await items(site, "rule=desk&limit=2")
    assert (shown, await items(site, f"rule=desk&limit=2&cursor={following}")) == (
        ["a4", "a2"],
        (["a0"], None),
    )
    page = await site.shown("/alerts?rule=fleet-watch")
    assert "Alerts of the rule “Fleet watch”" in page
    assert ("Number 5" in page, "Number 4" in page) == (True, False)
    page = await site.shown("/alerts?topic=air-defence")
    assert "for the topic “Air defence”" in page
    assert ("Number 5" in page, "Number 4" in page) == (False, True)
    assert "No alerts match" in await site.shown("/alerts?rule=none")
    assert 'href="/alerts?rule=desk"' in await site.shown("/alerts")


async def test_what_was_not_looked_through_is_on_the_next_page(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "LOOKED_AT", 4)
    monkeypatch.setattr(alerts, "BATCH", 2)
    for number in range(6):
        await raised(site, number, "Desk" if number else "Rare", "naval")
    shown, following = await items(site, "rule=rare")
    assert shown == []
    assert await items(site, f"rule=rare&cursor={following}") == (["a0"], None)
    page = await site.shown("/alerts?rule=rare")
    assert "There are older ones" in page
    assert 'rel="next" href="/alerts?rule=rare&amp;before=' in page


async def test_a_rule_is_called_by_its_name_on_every_page(site: Site) -> None:
    await raised(site, 1, "Fleet watch", "naval")
    for path in ("/", "/articles/a1", "/alerts"):
        assert ">Fleet watch<" in await site.shown(path), path


async def test_a_delivery_that_waits_says_when_it_is_tried_again(site: Site) -> None:
    now = SystemClock().now()
    article = an_article()
    alert = an_alert(article, "Desk", "naval", now)
    await site.store.raise_alerts([(alert, (DESK,))], now)
    (delivery,) = await site.store.lease_deliveries(now, "me", 1, 60)
    again = now + timedelta(hours=2, minutes=1)
    await site.store.record_attempts([Attempt(delivery=delivery, error="no", next_at=again)])
    page = await site.shown("/alerts")
    assert "1 attempt so far, next <time" in page
    assert ">in 2 h</time>" in page
    async with site.client.get("/api/v1/alerts") as answer:
        (item,) = (await answer.json())["items"]
    assert item["deliveries"][0]["next"].startswith(again.isoformat()[:19])
