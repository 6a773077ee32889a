"""WebSub against a real hub: subscribe, verify, push, renew, deny, leave, and what goes wrong."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count, pairwise
from typing import Any, cast

import aiohttp
import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from starlette.datastructures import Headers

from monitor.api.context import Context
from monitor.api.live import Live
from monitor.api.problem import install
from monitor.api.security import HostCheck
from monitor.api.server import bind, serving
from monitor.api.websub import MAX_BODY, router
from monitor.declarations import SourceRules
from monitor.errors import Unavailable
from monitor.model import Condition, Hints, HubSubscription, Memory, Source, SourceState
from monitor.protocols import Archive
from monitor.store import hubs
from monitor.telemetry import REGISTRY, Health
from monitor.websub import (
    LEASE,
    LONGEST_LEASE,
    LOOK,
    PER_HUB,
    SETTLES,
    WAITS,
    Kept,
    Subscriber,
    confirmed,
    due,
    is_signed,
    wish,
)
from tests.support.clock import START, FakeClock
from tests.support.hub import Hub, Verification
from tests.support.hubstore import HubStore

TOPIC = "https://news.example/feed.atom"
BODY = b"<feed>new</feed>"


@dataclass(frozen=True)
class Answered:
    status: int
    headers: Mapping[str, str]


@dataclass
class Outbound:
    """Sends what it is given."""

    session: aiohttp.ClientSession
    urls: list[str] = field(default_factory=list)
    given: list[dict[str, Any]] = field(default_factory=list)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes, **given: Any
    ) -> Answered:
        self.urls.append(url)
        self.given.append(given)
        try:
            async with self.session.request(
                method, url, headers=headers, data=body, allow_redirects=False
            ) as answer:
                return Answered(answer.status, Headers(dict(answer.headers)))
        except aiohttp.ClientError as error:
            raise Unavailable(str(error)) from error


@dataclass
class World:
    """A subscriber, the callbacks on a real server, and a hub."""

    store: HubStore
    clock: FakeClock
    hub: Hub
    outbound: Outbound
    url: str
    numbers: Any = field(default_factory=count)

    def subscriber(self, url: str | None = None) -> Subscriber:
        def token(size: int) -> str:
            return f"{next(self.numbers):0{size * 2}x}"

        public_url = self.url if url is None else url
        kept = cast(Kept, self.store)
        return Subscriber(kept, self.outbound, self.clock, public_url, token)

    def follow(self, name: str = "news", hub: str = "", topic: str = TOPIC) -> None:
        source = Source(name=name, type="feed", location="https://news.example/feed")
        memory = Memory(hints=Hints(hub=hub or self.hub.url, topic=topic))
        self.store.states[name] = SourceState(source=source, next_poll_at=START, memory=memory)

    def change(self, **changes: Any) -> None:
        state = self.store.states["news"]
        self.store.states["news"] = replace(state, source=replace(state.source, **changes))

    async def run(self, subscriber: Subscriber, wait: timedelta = SETTLES) -> None:
        """Let time pass, run the subscriber, and wait for what the hub does."""
        self.clock.advance(wait.total_seconds())
        await subscriber.run_once()
        await self.hub.settled()

    async def subscribed(self) -> Subscriber:
        """Follow a source until its hub has verified the subscription."""
        subscriber = self.subscriber()
        self.follow()
        await self.run(subscriber)
        await self.run(subscriber)
        assert (await self.kept()).confirmed_until is not None
        return subscriber

    async def kept(self) -> HubSubscription:
        (kept,) = await self.store.hub_subscriptions()
        return kept

    async def bodies(self) -> list[bytes]:
        return [push.document.body for push in await self.store.pushes(100)]

    @property
    def callback(self) -> str:
        return self.hub.asked[-1]["hub.callback"]


@asynccontextmanager
async def a_site(store: HubStore, clock: FakeClock) -> AsyncIterator[str]:
    app = FastAPI()
    app.state.store = store
    app.state.context = Context(
        health=Health(),
        clock=clock,
        live=Live(lambda: cast(Archive, store), clock),
        started=0.0,
        source_rules=SourceRules(),
    )
    app.include_router(router)
    install(app, lambda request, status, title, detail: PlainTextResponse(detail, status))
    app.add_middleware(HostCheck, allowed=("127.0.0.1", "localhost"), public_host="News.example")
    listener = bind("127.0.0.1", 0)
    async with serving(app, listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = FakeClock()
    store = HubStore.from_url("sqlite+aiosqlite://", clock)
    assert isinstance(store, HubStore)
    await store.start()
    await store.migrate()
    async with (
        a_site(store, clock) as url,
        Hub(clock) as hub,
        aiohttp.ClientSession() as session,
    ):
        yield World(store, clock, hub, Outbound(session), url)
    await store.stop()


def counted(outcome: str) -> float:
    found = REGISTRY.get_sample_value("newsmonitor_hub_pushes_total", {"outcome": outcome})
    return found or 0.0


def signature(secret: str, body: bytes, method: str = "sha256") -> str:
    return f"{method}={hmac.new(secret.encode(), body, method).hexdigest()}"


async def test_a_push_is_kept(world: World) -> None:
    await world.subscribed()
    (form,) = world.hub.asked
    assert form["hub.topic"] == TOPIC
    assert form["hub.lease_seconds"] == str(LEASE)
    assert len(bytes.fromhex(form["hub.secret"])) == 32
    (verified,) = world.hub.verifications
    assert verified.headers["Content-Type"].startswith("text/plain")
    before = counted("accepted")

    assert await world.hub.publish(TOPIC, BODY) == [202]

    (push,) = await world.store.pushes(9)
    assert push.source == "news"
    assert push.document.body == BODY
    assert push.document.url == TOPIC
    assert push.document.content_type == "application/atom+xml"
    assert push.document.fetched == world.clock.now()
    assert push.document.size == len(BODY)
    assert push.document.body_hash == hashlib.sha256(BODY).hexdigest()
    assert counted("accepted") == before + 1


async def test_nothing_is_asked_without_a_public_address_or_a_hub(world: World) -> None:
    world.follow()
    nowhere = world.subscriber("")
    await world.run(nowhere)
    await world.run(nowhere)
    world.follow(hub="ftp://hub.example/")
    subscriber = world.subscriber()
    await world.run(subscriber)
    await world.run(subscriber)
    assert world.hub.asked == []
    assert await world.store.hub_subscriptions() == []


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
async def test_every_method_of_the_specification_counts(world: World, method: str) -> None:
    await world.subscribed()
    assert await world.hub.publish(TOPIC, BODY, method) == [202]
    assert await world.bodies() == [BODY]


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "sha256=",
        "sha256",
        signature("another", BODY),
        signature("another", BODY).replace("sha256=", "sha256=ü"),
        signature("another", BODY, "md5"),
    ],
)
async def test_a_wrong_signature_looks_like_a_good_one_and_is_dropped(
    world: World, given: str | None
) -> None:
    await world.subscribed()
    before = counted("unsigned")
    assert await world.hub.send(TOPIC, world.callback, BODY, given) == 202
    assert await world.bodies() == []
    assert counted("unsigned") == before + 1


async def test_a_changed_byte_breaks_the_signature(world: World) -> None:
    await world.subscribed()
    signed = signature((await world.kept()).secret, BODY)
    assert await world.hub.send(TOPIC, world.callback, BODY + b" ", signed) == 202
    assert await world.bodies() == []
    assert await world.hub.send(TOPIC, world.callback, BODY, signed.upper()) == 202
    assert await world.bodies() == [BODY]


def test_no_other_method_is_taken() -> None:
    assert is_signed(signature("s", BODY, "sha512"), "s", BODY)
    assert not is_signed(signature("s", BODY, "md5"), "s", BODY)
    assert not is_signed(signature("s", BODY, "sha224"), "s", BODY)


async def test_a_body_over_the_cap_is_refused(world: World) -> None:
    await world.subscribed()
    secret = (await world.kept()).secret
    before = counted("too_large")
    most = bytes(MAX_BODY)
    assert await world.hub.send(TOPIC, world.callback, most, signature(secret, most)) == 202

    more = bytes(MAX_BODY + 1)
    assert await world.hub.send(TOPIC, world.callback, more, signature(secret, more)) == 413

    async def endless() -> AsyncIterator[bytes]:  # and no Content-Length
        for _ in range(MAX_BODY // 1_000_000 + 1):
            yield bytes(1_000_000)

    async with world.outbound.session.post(world.callback, data=endless()) as answer:
        assert answer.status == 413
    assert counted("too_large") == before + 2
    assert [len(body) for body in await world.bodies()] == [MAX_BODY]


async def test_a_hub_is_asked_to_come_again_while_too_many_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.subscribed()
    monkeypatch.setattr(hubs, "WAITING", 1)
    assert await world.hub.publish(TOPIC, BODY) == [202]
    assert await world.hub.publish(TOPIC, BODY) == [503]
    assert await world.bodies() == [BODY]


@pytest.mark.parametrize("token", ["0" * 48, "x", "%00", "a" * 5_000])
async def test_an_unknown_token_is_told_so(world: World, token: str) -> None:
    await world.subscribed()
    before = counted("unknown")
    callback = f"{world.url}/websub/{token}"
    assert await world.hub.send(TOPIC, callback, BODY, None) == 410
    query = {"mode": "subscribe", "topic": TOPIC, "challenge": "x", "lease_seconds": "9999"}
    assert (await world.hub.ask(callback, query)).status == 404
    assert counted("unknown") == before + 1


async def ask(world: World, **changes: str) -> Verification:
    query = {"mode": "subscribe", "topic": TOPIC, "challenge": "c", "lease_seconds": "9999"}
    return await world.hub.ask(world.callback, query | changes)


async def test_another_topic_is_not_verified(world: World) -> None:
    world.hub.verifies = False
    world.follow()
    subscriber = world.subscriber()
    await world.run(subscriber)
    await world.run(subscriber)
    assert (await ask(world, topic=TOPIC + "/")).status == 404
    assert (await ask(world, mode="unsubscribe")).status == 404
    assert (await ask(world, mode="publish")).status == 404
    assert (await world.kept()).confirmed_until is None
    assert (await ask(world)).text == "c"
    assert (await world.kept()).confirmed_until is not None


@pytest.mark.parametrize("challenge", ["", "a\nb", "a\x00b", "x" * 1_001])
async def test_only_a_decent_challenge_is_echoed(world: World, challenge: str) -> None:
    await world.subscribed()
    assert (await ask(world, challenge=challenge)).status == 400


async def test_a_challenge_is_text_and_never_markup(world: World) -> None:
    await world.subscribed()
    answer = await ask(world, challenge="<script>alert(1)</script>")
    assert answer.text == "<script>alert(1)</script>"
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


async def test_a_replayed_challenge_prolongs_nothing(world: World) -> None:
    await world.subscribed()
    kept = await world.kept()
    world.clock.advance(60)
    assert (await ask(world, lease_seconds="2000000")).status == 200  # our answer may be lost
    assert await world.kept() == kept
    world.clock.advance(WAITS[0].total_seconds())
    assert (await ask(world)).status == 404
    assert await world.kept() == kept


@pytest.mark.parametrize(
    ("lease", "seconds"),
    [(0, LEASE), (1, 3_600), (86_400, 86_400), (10**12, LONGEST_LEASE)],
)
def test_a_lease_has_bounds(lease: int, seconds: int) -> None:
    asked = HubSubscription(
        source="s", token="t", hub="h", topic="t", secret="s", asked_at=START, attempts=1
    )
    verified = confirmed(asked, lease, START)
    assert verified.confirmed_until == START + timedelta(seconds=seconds)
    assert not due(verified, START + timedelta(seconds=seconds * 2 / 3))
    assert due(verified, START + timedelta(seconds=seconds * 2 / 3 + 1))


async def test_a_subscription_is_renewed_before_it_ends(world: World) -> None:
    world.hub.lease = 6 * 3_600
    subscriber = await world.subscribed()
    first = world.hub.asked[0]
    kept = await world.kept()
    assert kept.confirmed_until == world.clock.now() + timedelta(hours=6)
    await world.run(subscriber, timedelta(hours=3, minutes=59))
    assert len(world.hub.asked) == 1

    await world.run(subscriber, timedelta(minutes=2))

    assert world.hub.asked == [first, first]  # so what was signed before is still good
    renewed = await world.kept()
    assert renewed.confirmed_until == world.clock.now() + timedelta(hours=6)
    world.clock.advance(timedelta(hours=5).total_seconds())
    assert await world.hub.publish(TOPIC, BODY) == [202]


async def test_a_hub_that_does_not_verify_is_asked_ever_more_slowly(world: World) -> None:
    world.hub.verifies = False
    world.follow()
    subscriber = world.subscriber()
    await world.run(subscriber)
    asked_at = []
    for _ in range(3 * 24 * 6):
        before = len(world.hub.asked)
        await world.run(subscriber, timedelta(minutes=10))
        if len(world.hub.asked) > before:
            asked_at.append(world.clock.now())
    waits = [after - before for before, after in pairwise(asked_at)]
    assert waits == [*WAITS, WAITS[-1]]


async def test_a_denial_is_told_and_remembered(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.hub.denies = "no\nroom"
    world.follow()
    subscriber = world.subscriber()
    await world.run(subscriber)
    with caplog.at_level(logging.WARNING):
        await world.run(subscriber)
    assert "news: the hub denies the subscription: 'no\\nroom'" in caplog.text
    assert (await world.kept()).confirmed_until is None
    await world.run(subscriber, timedelta(hours=23))
    assert len(world.hub.asked) == 1
    world.hub.denies = ""
    await world.run(subscriber, timedelta(hours=1))
    assert (await world.kept()).confirmed_until is not None


async def test_a_hub_may_deny_what_it_had_confirmed(world: World) -> None:
    await world.subscribed()
    assert (await ask(world, mode="denied", reason="gone")).status == 200
    assert (await world.kept()).confirmed_until is None


@pytest.mark.parametrize("status", [400, 429, 500, 301])
async def test_a_hub_that_refuses_harms_nobody(world: World, status: int) -> None:
    world.hub.status = status
    world.follow()
    subscriber = world.subscriber()
    await world.run(subscriber)
    await world.run(subscriber)
    assert (await world.kept()).attempts == 1
    world.hub.status = 202
    await world.run(subscriber, WAITS[0])
    assert (await world.kept()).confirmed_until is not None


async def test_a_dead_hub_is_left_alone_for_a_while(world: World) -> None:
    with bind("127.0.0.1", 0) as closed:
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    for name in ("a", "b", "c"):
        world.follow(name, hub=dead)
    world.follow("news")
    subscriber = world.subscriber()
    for _ in range(5):
        await world.run(subscriber)
    assert world.outbound.urls.count(dead) == 1
    assert world.outbound.urls.count(world.hub.url) == 1
    assert len(world.hub.subscribed) == 1
    await world.run(subscriber, WAITS[0])
    assert world.outbound.urls.count(dead) == 2


async def test_one_hub_of_many_sources_is_asked_politely(world: World) -> None:
    for number in range(PER_HUB + 5):
        world.follow(f"s{number}", topic=f"{TOPIC}?{number}")
    subscriber = world.subscriber()
    await world.run(subscriber)
    await world.run(subscriber)
    assert len(world.hub.asked) == PER_HUB
    assert {one["polite"] for one in world.outbound.given} == {True}
    await world.run(subscriber)
    assert len(world.hub.subscribed) == PER_HUB + 5


async def test_a_database_that_is_away_is_waited_for(world: World) -> None:
    world.follow()
    subscriber = world.subscriber()
    world.store.away = True
    await world.run(subscriber)
    world.store.away = False
    await world.run(subscriber)
    await world.run(subscriber)
    assert len(world.hub.subscribed) == 1
    world.store.away = True
    assert await world.hub.publish(TOPIC, BODY) == [503]


async def test_a_paused_source_leaves_its_hub(world: World) -> None:
    subscriber = await world.subscribed()
    world.change(enabled=False)
    await world.run(subscriber, LOOK)
    asked = world.hub.asked[-1]
    assert asked["hub.mode"] == "unsubscribe"
    assert asked["hub.callback"] == world.hub.asked[0]["hub.callback"]
    assert world.hub.verifications[-1].status == 200
    assert world.hub.subscribed == {}
    assert await world.store.hub_subscriptions() == []


async def test_what_a_hub_pushes_after_we_left_is_not_wanted(world: World) -> None:
    subscriber = await world.subscribed()
    del world.store.states["news"]
    world.hub.verifies = False
    await world.run(subscriber, LOOK)
    assert (await world.kept()).leaving
    assert (await ask(world)).status == 404  # we do not subscribe again
    assert await world.hub.publish(TOPIC, BODY) == [410]
    await world.run(subscriber, WAITS[0])
    assert await world.store.hub_subscriptions() == []
    assert await world.bodies() == []


async def test_a_source_that_names_another_hub_goes_there(world: World) -> None:
    subscriber = await world.subscribed()
    async with Hub(world.clock) as other:
        world.follow(hub=other.url)
        await world.run(subscriber, LOOK)
        assert world.hub.subscribed == {}
        await world.run(subscriber)
        await world.run(subscriber)
        await other.settled()
        assert len(other.subscribed) == 1
        assert other.asked[0]["hub.callback"] != world.hub.asked[0]["hub.callback"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_hub_may_lead_to_another(world: World, status: int) -> None:
    async with Hub(world.clock) as other:
        other.status, other.leads_to = status, world.hub.url
        world.follow(hub=other.url)
        subscriber = world.subscriber()
        await world.run(subscriber)
        await world.run(subscriber)
        assert world.hub.asked == other.asked
        assert len(world.hub.subscribed) == 1


@pytest.mark.parametrize("target", ["", "/again", "file:///etc/passwd"])
async def test_redirects_end(world: World, target: str) -> None:
    world.hub.status, world.hub.leads_to = 308, target or world.hub.url
    world.follow()
    subscriber = world.subscriber()
    await world.run(subscriber)
    await world.run(subscriber)
    assert len(world.hub.asked) == (1 if target.startswith("file") else 4)
    assert (await world.kept()).confirmed_until is None


async def test_two_processes_agree_on_one_subscription(world: World) -> None:
    first, second = world.subscriber(), world.subscriber()
    world.follow()
    for _ in range(3):
        world.clock.advance(SETTLES.total_seconds())
        await asyncio.gather(first.run_once(), second.run_once())
        await world.hub.settled()
    assert len(world.hub.subscribed) == 1
    assert len({tuple(form.items()) for form in world.hub.asked}) == 1
    assert [made.status for made in world.hub.verifications] == [200] * len(world.hub.asked)
    assert await world.hub.publish(TOPIC, BODY) == [202]
    for _ in range(2):
        world.clock.advance(LEASE * 0.7)
        await asyncio.gather(first.run_once(), second.run_once())
        await world.hub.settled()
        assert await world.hub.publish(TOPIC, BODY) == [202]
    assert await world.bodies() == [BODY] * 3


async def test_a_new_public_address_is_told_to_the_hub(world: World) -> None:
    await world.subscribed()
    moved = world.subscriber(world.url.replace("127.0.0.1", "localhost"))
    for _ in range(3):
        await world.run(moved)
    assert world.callback.startswith("http://localhost:")
    assert (await world.kept()).confirmed_until is not None


@pytest.mark.parametrize(
    ("hints", "expected"),
    [
        (Hints(hub="https://hub.example/", topic=TOPIC), ("https://hub.example/", TOPIC)),
        (Hints(hub="https://hub.example/"), ("https://hub.example/", "https://a.example/f")),
        (Hints(topic=TOPIC), None),
        (Hints(hub="https://[hub/", topic=TOPIC), None),
        (Hints(hub="https://hub.example/\0", topic=TOPIC), None),
        (Hints(hub="https://hub.example/", topic="/feed"), None),
    ],
)
def test_what_a_source_names(hints: Hints, expected: tuple[str, str] | None) -> None:
    source = Source(name="a", type="feed", location="https://a.example/f")
    state = SourceState(source=source, next_poll_at=START, memory=Memory(hints=hints))
    assert wish(state) == expected
    retired = replace(state, memory=replace(state.memory, condition=Condition.RETIRED))
    assert wish(retired) is None


async def test_the_public_name_is_good_for_callbacks_alone(world: World) -> None:
    await world.subscribed()
    get = world.outbound.session.get
    for host, path, status in (
        ("news.example", world.callback.removeprefix(world.url), 404),
        ("NEWS.example:443", "/websub/unknown", 404),
        ("news.example", "/", 421),
        ("news.example", "/websubs", 421),
        ("evil.example", "/websub/unknown", 421),
        ("127.0.0.1", "/websub/unknown", 404),
    ):
        async with get(f"{world.url}{path}", headers={"Host": host}) as answer:
            assert answer.status == status, (host, path)
