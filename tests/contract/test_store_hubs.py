"""WebSub subscriptions and pushed documents, on every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.errors import Rejected
from monitor.model import Document, Hints, HubSubscription, Memory
from monitor.store import SqlStore
from tests.support.articles import NOW
from tests.support.polls import a_poll, a_source
from tests.support.stores import OpenStore

SUBSCRIPTION = HubSubscription(
    source="wire",
    token="t1",
    hub="https://hub.example/",
    topic="https://wire.example/feed",
    secret="s",
    asked_at=NOW,
)
DOCUMENT = Document(url="https://wire.example/feed", body=b"\0<rss/>", fetched=NOW, max_age=60)


async def test_a_subscription_is_found_by_its_token_until_it_is_dropped(store: SqlStore) -> None:
    await store.save_hub_subscription(SUBSCRIPTION)
    assert await store.hub_subscription("t1") == SUBSCRIPTION
    confirmed = replace(SUBSCRIPTION, token="t2", confirmed_until=NOW + timedelta(9))
    await store.save_hub_subscription(confirmed)
    assert await store.hub_subscription("t1") is None
    assert await store.hub_subscription("\0") is None
    other = replace(SUBSCRIPTION, source="a")
    await store.save_hub_subscription(other)
    assert await store.hub_subscriptions() == [other, confirmed]
    assert await store.hub_subscription_of("a") == other
    await store.drop_hub_subscription("a")
    assert await store.hub_subscription_of("a") is None
    assert await store.hub_subscriptions() == [confirmed]


async def test_sources_are_found_that_name_a_hub(store: SqlStore) -> None:
    async def poll(name: str, hub: str) -> None:
        await store.lease_sources([name], NOW, "me", 60)
        await store.record_polls([a_poll(name, memory=Memory(hints=Hints(hub=hub)))], "me")

    async def hubbed() -> list[str]:
        return [state.source.name for state in await store.hubbed_sources()]

    await store.declare([a_source(name) for name in ("b", "a", "c")], NOW)
    assert await hubbed() == []
    for name, hub in (("a", SUBSCRIPTION.hub), ("b", "\0"), ("c", "")):
        await poll(name, hub)
    assert await hubbed() == ["a", "b"]
    (first, _) = await store.hubbed_sources()
    assert first == await store.source("a")
    await store.declare([a_source("b", title="B"), a_source("a", location="https://a.b/")], NOW)
    assert await hubbed() == ["b"], "a new address starts afresh, a new title does not"
    await poll("b", "")
    assert await hubbed() == []


async def test_a_token_is_of_one_source(store: SqlStore) -> None:
    await store.save_hub_subscription(SUBSCRIPTION)
    with pytest.raises(Rejected):
        await store.save_hub_subscription(replace(SUBSCRIPTION, source="other"))


async def test_pushes_come_back_in_order_until_they_are_dropped(open_store: OpenStore) -> None:
    api, scheduler = await open_store(), await open_store()
    await api.save_push("wire", DOCUMENT)
    await api.save_push("wire", replace(DOCUMENT, body=b"2"))
    first, second = await scheduler.pushes(9)
    assert (first.source, first.document) == ("wire", DOCUMENT)
    assert second.document.body == b"2"
    await scheduler.drop_pushes([first.id])
    assert await scheduler.pushes(9) == [second]
    await scheduler.drop_pushes([])


async def test_a_thousand_pushes_wait_and_no_more(open_store: OpenStore) -> None:
    stores = [await open_store() for _ in range(2)]
    for _ in range(99):
        await asyncio.gather(*(stores[turn % 2].save_push("a", DOCUMENT) for turn in range(10)))
    results = await asyncio.gather(
        *(stores[turn % 2].save_push("a", DOCUMENT) for turn in range(20)), return_exceptions=True
    )
    assert sum(isinstance(result, Rejected) for result in results) == 10
    pushes = await stores[0].pushes(2_000)
    assert len(pushes) == 1_000
    await stores[0].drop_pushes([pushes[0].id])
    await stores[0].save_push("a", DOCUMENT)


async def test_they_go_with_their_source_and_with_its_address(store: SqlStore) -> None:
    await store.declare([a_source("wire"), a_source("gone")], NOW)
    for number, name in enumerate(("wire", "gone")):
        await store.save_hub_subscription(replace(SUBSCRIPTION, source=name, token=f"t{number}"))
        await store.save_push(name, DOCUMENT)
    await store.declare([a_source("wire", title="x"), a_source("gone")], NOW)
    assert len(await store.hub_subscriptions()) == len(await store.pushes(9)) == 2
    await store.declare([a_source("wire", location="https://moved.example/")], NOW)
    assert await store.hub_subscriptions() == []
    assert await store.pushes(9) == []
