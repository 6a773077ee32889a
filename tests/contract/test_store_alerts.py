"""Alerts and their deliveries, on every database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from monitor.model import (
    Alert,
    AlertChannel,
    Attempt,
    ChannelKind,
    Delivery,
    DeliveryState,
    DeliveryStatus,
)
from monitor.store import SqlStore
from tests.support.articles import NOW, an_article
from tests.support.stores import OpenStore

LOG = AlertChannel(id="log", kind=ChannelKind.LOG)
PAGE = AlertChannel(id="page", kind=ChannelKind.STREAM)
HOOK = AlertChannel(id="hook", kind=ChannelKind.WEBHOOK)
SECOND = timedelta(seconds=1)


def an_alert(article_id: str = "a1", rule: str = "floods") -> Alert:
    return Alert(
        id=f"{rule}/{article_id}",
        rule=rule,
        rule_name="Überschwemmung",
        article=an_article(id=article_id, body="100 % — “über”"),
        topics=("t1", "t2"),
        raised=NOW,
    )


async def lease(
    store: SqlStore, now: datetime = NOW, limit: int = 10, owner: str = "me"
) -> list[Delivery]:
    return list(await store.lease_deliveries(now, owner, limit, lease=30))


async def statuses(store: SqlStore) -> Sequence[DeliveryStatus]:
    (row,) = await store.alerts(None, 10)
    return row.deliveries


async def test_an_alert_has_a_delivery_for_each_channel(store: SqlStore) -> None:
    await store.raise_alerts([(an_alert(), [PAGE, LOG, LOG])], NOW)
    (row,) = await store.alerts(None, 10)
    assert row.alert == an_alert()
    assert row.deliveries == (
        DeliveryStatus(
            channel="log", kind=ChannelKind.LOG, state=DeliveryState.PENDING, attempts=0, next=NOW
        ),
        DeliveryStatus(
            channel="page", kind=ChannelKind.STREAM, state=DeliveryState.SENT, attempts=1, sent=NOW
        ),
    )
    (delivery,) = await lease(store)
    assert (delivery.alert, delivery.channel, delivery.attempt) == (an_alert(), "log", 1)


async def test_a_known_alert_stands_with_its_deliveries(store: SqlStore) -> None:
    await store.raise_alerts([(an_alert(), [LOG])], NOW)
    (delivery,) = await lease(store)
    await store.record_attempts([Attempt(delivery=delivery, sent=NOW)])
    later = NOW + SECOND
    await store.raise_alerts(
        [(an_alert(), [LOG, HOOK]), (an_alert("a2"), [LOG]), (an_alert("a2"), [LOG])], later
    )
    assert [row.alert.article.id for row in await store.alerts(None, 10)] == ["a2", "a1"]
    (other,) = await lease(store, later)
    assert other.alert == an_alert("a2")
    await store.raise_alerts([], NOW)


async def test_another_id_for_the_same_match_is_the_same_alert(store: SqlStore) -> None:
    await store.raise_alerts([(an_alert(), [LOG])], NOW)
    renamed = Alert(
        id="other id", rule="floods", rule_name="", article=an_article(), topics=(), raised=NOW
    )
    await store.raise_alerts([(renamed, [LOG])], NOW)
    assert [row.alert.id for row in await store.alerts(None, 10)] == ["floods/a1"]


async def test_alerts_are_listed_page_by_page(store: SqlStore) -> None:
    for number in range(5):
        channels = [PAGE] if number % 2 else [LOG]
        await store.raise_alerts([(an_alert(f"a{number}"), channels)], NOW)
    first = await store.alerts(None, 2)
    rest = await store.alerts(first[-1].seq, 9)
    assert [row.alert.article.id for row in (*first, *rest)] == ["a4", "a3", "a2", "a1", "a0"]
    oldest = await store.alerts_after(0, 2)
    following = await store.alerts_after(oldest[-1].seq, 9)
    assert [row.alert.article.id for row in (*oldest, *following)] == ["a0", "a1", "a2", "a3", "a4"]
    assert [row.deliveries[0].kind for row in oldest] == [LOG.kind, PAGE.kind]
    assert (await store.newest())[1] == first[0].seq
    assert [row.alert.article.id for row in await store.alerts_of(["a3", "a0", "x"])] == [
        "a0",
        "a3",
    ]
    assert await store.alerts_of([]) == []


async def test_the_oldest_delivery_is_leased_first_and_by_nobody_else(store: SqlStore) -> None:
    await store.raise_alerts([(an_alert("late"), [LOG])], NOW)
    await store.raise_alerts([(an_alert("early"), [LOG])], NOW - SECOND)
    await store.raise_alerts([(an_alert("future"), [LOG])], NOW + SECOND)
    first = await lease(store, limit=1)
    assert [delivery.alert.article.id for delivery in first] == ["early"]
    assert [d.alert.article.id for d in await lease(store, owner="other")] == ["late"]
    assert await lease(store) == []


async def test_a_failed_attempt_is_made_again_under_the_same_id(store: SqlStore) -> None:
    await store.raise_alerts([(an_alert(), [HOOK])], NOW)
    (first,) = await lease(store)
    again = NOW + 5 * SECOND
    await store.record_attempts([Attempt(delivery=first, error="503 \0", next_at=again)])
    assert await lease(store, again - SECOND) == []
    (status,) = await statuses(store)
    assert (status.state, status.attempts, status.error) == (DeliveryState.PENDING, 1, "503 ")
    (second,) = await lease(store, again)
    assert (second.id, second.attempt) == (first.id, 2)
    await store.record_attempts([Attempt(delivery=second, sent=again)])
    (status,) = await statuses(store)
    assert (status.state, status.attempts, status.error, status.sent) == (
        DeliveryState.SENT,
        2,
        "",
        again,
    )
    assert await lease(store, again + timedelta(days=1)) == []


async def test_a_delivery_without_another_attempt_is_dead(store: SqlStore) -> None:
    await store.raise_alerts([(an_alert(), [HOOK])], NOW)
    (delivery,) = await lease(store)
    await store.record_attempts([Attempt(delivery=delivery, error="410 Gone")])
    (status,) = await statuses(store)
    assert (status.state, status.error) == (DeliveryState.DEAD, "410 Gone")
    assert await lease(store, NOW + timedelta(days=1)) == []


async def test_a_lapsed_lease_is_due_again_and_the_late_attempt_changes_nothing(
    store: SqlStore,
) -> None:
    await store.raise_alerts([(an_alert(), [HOOK])], NOW)
    (slow,) = await lease(store, owner="slow")
    assert await lease(store, NOW + 29 * SECOND) == []
    later = NOW + 31 * SECOND
    (quick,) = await lease(store, later, owner="quick")
    assert (quick.id, quick.attempt) == (slow.id, 2)
    await store.record_attempts([Attempt(delivery=slow, error="late")])
    (status,) = await statuses(store)
    assert status.state is DeliveryState.LEASED
    await store.record_attempts([Attempt(delivery=quick, sent=later)])
    await store.record_attempts([Attempt(delivery=quick, error="twice"), Attempt(delivery=slow)])
    (status,) = await statuses(store)
    assert (status.state, status.error) == (DeliveryState.SENT, "")


async def test_undelivered_counts_what_waits_for_the_end_of_its_first_attempt(
    store: SqlStore,
) -> None:
    await store.raise_alerts([(an_alert("a"), [LOG, HOOK, PAGE]), (an_alert("b"), [LOG])], NOW)
    assert await store.undelivered(["a"]) == 2
    assert await store.undelivered(["a", "b", "c"]) == 3
    leased = {delivery.channel: delivery for delivery in await lease(store)}
    assert await store.undelivered(["a"]) == 2
    await store.record_attempts(
        [Attempt(delivery=leased["hook"], error="503", next_at=NOW + SECOND)]
    )
    assert await store.undelivered(["a"]) == 1
    await lease(store, NOW + 2 * SECOND)
    assert await store.undelivered(["a"]) == 1
    assert await store.undelivered([]) == 0
    await store.record_attempts([])


async def test_leasers_at_once_never_get_the_same_delivery(open_store: OpenStore) -> None:
    stores = [await open_store() for _ in range(3)]
    alerts = [an_alert(f"a{number}") for number in range(30)]
    await stores[0].raise_alerts([(alert, [LOG, HOOK]) for alert in alerts], NOW)
    leases = await asyncio.gather(
        *(lease(stores[turn % 3], limit=7, owner=f"o{turn}") for turn in range(12))
    )
    leased = [delivery.id for found in leases for delivery in found]
    assert len(leased) == len(set(leased))
    leased += [delivery.id for delivery in await lease(stores[0], limit=100)]
    assert len(set(leased)) == len(leased) == 60


async def test_raisers_at_once_make_each_alert_once_and_in_order(open_store: OpenStore) -> None:
    stores = [await open_store() for _ in range(2)]

    async def raise_some(turn: int) -> None:
        alerts = [an_alert(f"a{(turn + number) % 10}") for number in range(4)]
        await stores[turn % 2].raise_alerts([(alert, [LOG, PAGE]) for alert in alerts], NOW)

    await asyncio.gather(*(raise_some(turn) for turn in range(10)))
    rows = await stores[0].alerts_after(0, 100)
    assert sorted(row.alert.article.id for row in rows) == [f"a{number}" for number in range(10)]
    assert all(len(row.deliveries) == 2 for row in rows)
    assert len({row.seq for row in rows}) == 10
