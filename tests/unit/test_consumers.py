"""Laws that every consumer keeps, and what each one does. No mocks: a function, and its list."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from consumers.alert import alert, alerts_for
from consumers.dedupe import claims_of, dedupe
from consumers.notify import Courier, notify
from consumers.store import store as store_articles
from consumers.tag import tag
from monitor.channels import ALERT_RAISED, CHANNELS, READERS
from monitor.consumer import Consumer, Outgoing, originate
from monitor.errors import Rejected
from monitor.events import Event, load
from monitor.model import (
    Alert,
    AlertChannel,
    AlertRule,
    Article,
    ChannelKind,
    Delivery,
    Topic,
)
from monitor.relay import fetched_event
from monitor.store import SqlStore
from monitor.telemetry import Health
from monitor.topics.query import parse
from tests.support.articles import an_article
from tests.support.clock import START, FakeClock
from tests.support.matchers import matcher_of

BODY = "Defence ministers of the Shanghai Cooperation Organisation met in Astana to plan exercises."
RULES = (AlertRule(id="rule", topics=("sco",), channels=("log", "hook")),)
CHANNELS_OF_RULES = {
    "log": AlertChannel(id="log", kind=ChannelKind.LOG),
    "hook": AlertChannel(id="hook", kind=ChannelKind.WEBHOOK),
}
TOPIC = Topic(id="sco", name="SCO", query='"Shanghai Cooperation Organisation"', version=2)


class Tagger:
    """Knows one topic."""

    def __init__(self) -> None:
        self._matcher = matcher_of([TOPIC])

    async def match(
        self, articles: Sequence[Article]
    ) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
        return [(found, (TOPIC.version,) * len(found)) for found in self._matcher.match(articles)]


Build = Callable[[SqlStore], Consumer]


def _notify(store: SqlStore) -> Consumer:
    return notify(Courier(store, {}, FakeClock(), Health(), "test", asyncio.Event()))


BUILDERS: dict[str, Build] = {
    "dedupe": lambda store: dedupe(store, store, store, FakeClock()),
    "tag": lambda store: tag(Tagger()),
    "store": lambda store: store_articles(store, FakeClock()),
    "alert": lambda store: alert(RULES, CHANNELS_OF_RULES, store, FakeClock()),
    "notify": _notify,
}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = SqlStore.from_url(f"sqlite+aiosqlite:///{tmp_path}/monitor.db")
    await opened.start()
    await opened.migrate()
    yield opened
    await opened.stop()


def events_of(*articles: Article) -> list[Event]:
    return [fetched_event(article).event for article in articles]


def a_batch(consumer: Consumer) -> list[Event]:
    article = an_article(id="a", url="https://example.org/a", body=BODY, topics=("sco",))
    if consumer.reads == ALERT_RAISED:
        found = alerts_for(article, RULES, START)
        return [originate(ALERT_RAISED, "s", "s", item.id, START, item).event for item in found]
    other = an_article(id="b", url="https://example.org/b", title="Another headline altogether")
    return events_of(article, other)


def ids(outgoing: Sequence[Outgoing]) -> list[str]:
    return [item.event.id for item in outgoing]


@pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)
async def test_the_same_batch_twice_sends_the_same_ids(build: Build, store: SqlStore) -> None:
    consumer = build(store)
    batch = a_batch(consumer)
    first = ids(await consumer.process(batch))
    assert first == ids(await consumer.process(batch))
    assert len(set(first)) == len(first)
    cut = [item for event in batch for item in await consumer.process([event])]
    assert ids(cut) == first


@pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)
async def test_the_input_is_not_changed(build: Build, store: SqlStore) -> None:
    consumer = build(store)
    batch = a_batch(consumer)
    before = copy.deepcopy(batch)
    await consumer.process(batch)
    assert batch == before


@pytest.mark.parametrize("build", [BUILDERS[name] for name in ("dedupe", "tag", "store", "alert")])
async def test_data_that_is_no_article_is_rejected(build: Build, store: SqlStore) -> None:
    bad = originate(CHANNELS[0], "s", "s", "x", START, {"title": 5}).event
    with pytest.raises(Rejected):
        await build(store).process([bad])


@pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)
async def test_only_declared_channels_are_sent_to(build: Build, store: SqlStore) -> None:
    consumer = build(store)
    for item in await consumer.process(a_batch(consumer)):
        assert item.channel in consumer.sends
        assert item.event.type == item.channel.name


async def test_the_readers_are_those_that_the_channels_name(store: SqlStore) -> None:
    consumers = [build(store) for build in BUILDERS.values()]
    assert {(consumer.name, consumer.reads) for consumer in consumers} == set(READERS)


async def test_dedupe_passes_the_first_of_copies_and_passes_it_again(store: SqlStore) -> None:
    consumer = BUILDERS["dedupe"](store)
    same_url = [an_article(id=name, url="https://example.org/x", title=name) for name in "ab"]
    same_text = an_article(id="c", source="other", url="https://example.org/y", title="a", body="")
    passed = await consumer.process(events_of(*same_url))
    assert [load(Article, item.event.data).id for item in passed] == ["a"]
    assert ids(await consumer.process(events_of(*same_url))) == ids(passed)
    assert await store.copies(["b"]) == {"b": "a"}
    assert claims_of(same_text) == ("url:https://example.org/y",)


async def test_dedupe_knows_copies_by_their_text(store: SqlStore) -> None:
    consumer = BUILDERS["dedupe"](store)
    wire = [an_article(id=name, url=f"https://{name}.example/", body=BODY) for name in "ab"]
    passed = await consumer.process(events_of(*wire))
    assert [load(Article, item.event.data).id for item in passed] == ["a"]


async def test_a_revision_of_an_original_passes_and_one_of_a_copy_does_not(store: SqlStore) -> None:
    consumer = BUILDERS["dedupe"](store)
    first = [an_article(id=name, url="https://example.org/x", title=name) for name in "ab"]
    await consumer.process(events_of(*first))
    revised = [
        an_article(id=name, url="https://example.org/x", title="new", revision=2) for name in "ab"
    ]
    passed = await consumer.process(events_of(*revised))
    assert [(load(Article, item.event.data).id) for item in passed] == ["a"]


async def test_tag_gives_the_topics_that_match(store: SqlStore) -> None:
    (sent,) = await BUILDERS["tag"](store).process(
        events_of(an_article(body=BODY, topics=("old",)))
    )
    assert load(Article, sent.event.data).topics == ("sco",)


async def test_an_alert_is_stored_once_with_a_delivery_for_each_channel(store: SqlStore) -> None:
    consumer = BUILDERS["alert"](store)
    article = an_article(topics=("sco", "other"))
    (sent,) = await consumer.process(events_of(article))
    await consumer.process(events_of(article))
    (row,) = await store.alerts(None, 10)
    assert load(Alert, sent.event.data).id == row.alert.id
    assert sorted(item.channel for item in row.deliveries) == ["hook", "log"]


async def test_a_muted_article_reaches_the_quiet_channels_only(store: SqlStore) -> None:
    await BUILDERS["alert"](store).process(events_of(an_article(topics=("sco",), muted=True)))
    (row,) = await store.alerts(None, 10)
    assert [item.channel for item in row.deliveries] == ["log"]


def test_a_rule_for_every_topic_needs_a_topic() -> None:
    rule = AlertRule(id="all", topics=("*",), channels=("log",))
    assert alerts_for(an_article(), [rule], START) == []
    (found,) = alerts_for(an_article(topics=("x", "y")), [rule], START)
    assert found.topics == ("x", "y")


def test_a_rule_with_a_query_wants_both() -> None:
    rule = AlertRule(id="all", topics=("*",), channels=("log",), query="astana OR minsk")
    queries = {rule.id: parse(rule.query).root}
    assert alerts_for(an_article(topics=("x",), body="In Moscow"), [rule], START, queries) == []
    assert alerts_for(an_article(body="In Astana"), [rule], START, queries) == []
    assert alerts_for(an_article(topics=("x",), body="In Astana"), [rule], START, queries)


async def test_items_of_a_source_that_share_an_address_are_told_apart_by_their_ids(
    store: SqlStore,
) -> None:
    consumer = BUILDERS["dedupe"](store)
    page = "https://example.org/live"
    items = [an_article(id=name, item_id=name, url=page, title=f"Update {name}") for name in "abc"]
    passed = await consumer.process(events_of(*items))
    assert [load(Article, item.event.data).id for item in passed] == ["a", "b", "c"]
    elsewhere = an_article(id="d", item_id="d", source="other", url=page, title="Live")
    assert await consumer.process(events_of(elsewhere)) == []


async def test_ids_that_do_not_last_make_no_further_articles(store: SqlStore) -> None:
    consumer = BUILDERS["dedupe"](store)
    page = "https://example.org/x"
    items = [
        an_article(id=name, item_id=name, url=page, title="Short", summary="", body="")
        for name in "abc"
    ]
    assert len(await consumer.process(events_of(items[0]))) == 1
    assert await consumer.process(events_of(*items[1:])) == []


async def test_a_copy_and_its_revision_in_one_batch_are_both_dropped(store: SqlStore) -> None:
    texts = [
        an_article(id="a", url="https://example.org/x"),
        an_article(id="b", url="https://example.org/x"),
        an_article(id="b", url="https://example.org/x", title="Corrected", revision=2),
    ]
    passed = await BUILDERS["dedupe"](store).process(events_of(*texts))
    assert [load(Article, item.event.data).id for item in passed] == ["a"]


async def test_a_copy_that_is_revised_keeps_nobody_from_its_new_text(store: SqlStore) -> None:
    consumer = BUILDERS["dedupe"](store)
    same = [an_article(id=name, url="https://example.org/x", title=name) for name in "ab"]
    await consumer.process(events_of(*same))
    revised = an_article(id="b", url="https://example.org/x", title="T", body=BODY, revision=2)
    await consumer.process(events_of(revised))
    third = an_article(id="c", url="https://example.org/y", title="T", body=BODY)
    passed = await consumer.process(events_of(third))
    assert [load(Article, item.event.data).id for item in passed] == ["c"]


async def test_a_copy_of_a_copy_is_recorded_as_one_of_the_original(store: SqlStore) -> None:
    consumer = BUILDERS["dedupe"](store)
    first = an_article(id="a", url="https://example.org/x", title="T", body=BODY)
    copy_ = an_article(id="b", url="https://example.org/y", title="T", body=BODY)
    second = an_article(id="c", url="https://example.org/y", title="Other", source="other")
    for article in (first, copy_, second):
        await consumer.process(events_of(article))
    assert await store.copies(["b", "c"]) == {"b": "a", "c": "a"}


async def test_the_event_of_an_alert_is_the_same_for_every_revision(store: SqlStore) -> None:
    consumer = BUILDERS["alert"](store)
    sent = [
        ids(await consumer.process(events_of(an_article(topics=("sco",), revision=number))))
        for number in (1, 2)
    ]
    assert sent[0] == sent[1]


class Hanging:
    """A receiver that never answers."""

    async def send(self, delivery: Delivery) -> None:
        await asyncio.Event().wait()

    async def check(self) -> None: ...

    async def close(self) -> None: ...


class Noting(Hanging):
    """A receiver that answers at once; `bug` is raised once before."""

    def __init__(self, bug: Exception | None = None) -> None:
        self.bug = bug
        self.sent: asyncio.Queue[str] = asyncio.Queue()

    async def send(self, delivery: Delivery) -> None:
        if self.bug:
            bug, self.bug = self.bug, None
            raise bug
        self.sent.put_nowait(delivery.id)


async def alerted(store: SqlStore, count: int) -> None:
    articles = [an_article(id=str(number), topics=("sco",)) for number in range(count)]
    await BUILDERS["alert"](store).process(events_of(*articles))


async def test_a_receiver_that_hangs_does_not_keep_up_the_others(store: SqlStore) -> None:
    await alerted(store, 40)
    log, stop = Noting(), asyncio.Event()
    notifiers = {"hook": (ChannelKind.WEBHOOK, Hanging()), "log": (ChannelKind.LOG, log)}
    courier = Courier(store, notifiers, FakeClock(), Health(), "test", stop)
    task = asyncio.ensure_future(courier.run())
    sent = {await asyncio.wait_for(log.sent.get(), 10) for _ in range(40)}
    assert len(sent) == 40
    task.cancel()
    await asyncio.wait({task})


async def test_a_bug_in_a_notifier_is_a_failed_attempt(store: SqlStore) -> None:
    await alerted(store, 1)
    clock, stop = FakeClock(), asyncio.Event()
    hook = Noting(ZeroDivisionError("a bug"))
    notifiers = {"hook": (ChannelKind.WEBHOOK, hook), "log": (ChannelKind.LOG, Noting())}
    courier = Courier(store, notifiers, clock, Health(), "test", stop)
    task = asyncio.ensure_future(courier.run())
    while not (
        failed := [
            item for row in await store.alerts(None, 1) for item in row.deliveries if item.error
        ]
    ):
        await asyncio.sleep(0.01)
    assert failed[0].error == "ZeroDivisionError: a bug"
    clock.advance(10)
    courier.wake.set()
    assert await asyncio.wait_for(hook.sent.get(), 10)
    stop.set()
    courier.wake.set()
    await asyncio.wait_for(task, 10)
