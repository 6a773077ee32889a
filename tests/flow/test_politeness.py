"""How publishers are asked over days: with what conditions, how often, and by whom.

Everything is real but the time: store, poller, visitor, and the requests to a server on loopback.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.app import load_config
from monitor.errors import ConfigError
from monitor.model import Source
from tests.support.clock import FakeClock
from tests.support.publishers import Feed, Publishers, Replies, Reply, Request, by_host, http_time
from tests.support.simulation import WHO, Scheduler, a_feed, on_sqlite
from tests.support.stores import OpenStore

log = logging.getLogger(__name__)

HOUR, DAY = 3_600, 86_400
FULL = os.environ.get("MONITOR_TEST_FULL") == "1"
LEAST = timedelta(minutes=15)
KINDS = {
    "strong": Feed(etag='"v{n}"'),
    "weak": Feed(etag='W/"v{n}"', modified="Mon, 05 Jan 2026 12:00:{n:02} GMT"),
    "odd": Feed(etag='"a b,\\c;{n}--gzip"', modified="yesterday, about {n}"),
    "bare": Feed(etag="v{n}", terse=True),
    "dated": Feed(modified="Mon, 05 Jan 2026 12:00:{n:02} GMT", period=1_800),
    "terse": Feed(etag='W/"{n}"', modified="Tue, 06 Jan 2026 12:00:{n:02} GMT", terse=True),
    "still": Feed(etag='"still"', period=1e9, headers={"Set-Cookie": "id=1; Path=/"}),
    "none": Feed(),
    "ignorant": Feed(etag='"v{n}"', ignores=True, period=40_000),
    "expired": Feed(etag='"v{n}"', headers={"Expires": "0"}),
}
"""Servers by how they treat validators."""
EXCEPTED = {"none", "ignorant", "expired"}
"""Those that cannot be asked conditionally, or with no use."""
NAMED = {"host", "user-agent", "accept", "accept-encoding", "if-none-match", "if-modified-since"}


def feeds_of(publishers: Publishers, number: int) -> dict[str, Source]:
    """Return feeds of all kinds by host."""
    feeds = {}
    for each in range(number):
        kind = list(KINDS)[each % len(KINDS)]
        host = f"127.1.{each // 200}.{each % 200 + 1}"
        url = publishers.answer(host, KINDS[kind])
        feeds[host] = a_feed(f"{kind} {each}", url)
    return feeds


def breaches(kind: str, requests: Sequence[Request]) -> list[str]:
    """Return what was wrong with the requests for one feed."""
    found = [f"asked after {b.at - a.at}" for a, b in pairwise(requests) if b.at - a.at < LEAST]
    for request in requests:
        wanted = request.given
        if kind in EXCEPTED:
            made_up = any(
                sent not in ("", given)
                for sent, given in zip(request.conditions, wanted, strict=True)
            )
            if made_up or (kind == "expired" and any(request.conditions)):
                found.append(f"{request.conditions} instead of {wanted}")
        elif request.conditions != wanted:
            found.append(f"{request.conditions} instead of {wanted}")
        if not request.headers.keys() <= NAMED or request.target != "/feed":
            found.append(f"{request.target} with {sorted(request.headers)}")
        if not WHO.fullmatch(request.headers.get("user-agent", "")):
            found.append(f"who is {request.headers.get('user-agent')}")
    return found


async def test_a_day_of_polls_is_conditional_to_the_byte_and_never_hasty(
    open_store: OpenStore, publishers: Publishers, clock: FakeClock, database_url: str
) -> None:
    small = database_url.startswith("postgresql")
    feeds = feeds_of(publishers, 200 if FULL else 20 if small else 40)
    store = await open_store()
    await store.declare(list(feeds.values()), clock.now())
    scheduler = Scheduler(store, clock, tick=60 if FULL else 240)
    await scheduler.run(DAY)
    await scheduler.close()
    asked = by_host(publishers.requests)
    kinds = {host: feed.name.partition(" ")[0] for host, feed in feeds.items()}
    found = {feeds[host].name: breaches(kinds[host], asked[host]) for host in feeds}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert all(len(asked[host]) >= 8 for host in feeds)
    told = [any(one.conditions) for host in feeds for one in asked[host] if any(one.given)]
    log.info("%d requests, %d of them conditional", len(publishers.requests), sum(told))
    for host, kind in kinds.items():
        if kind not in EXCEPTED:
            assert sum(any(one.conditions) for one in asked[host]) == len(asked[host]) - 1


async def test_restarts_ask_nobody_early(
    open_store: OpenStore, publishers: Publishers, clock: FakeClock
) -> None:
    feeds = feeds_of(publishers, 30 if FULL else 10)
    store = await open_store()
    await store.declare(list(feeds.values()), clock.now())
    restarts, given_up = list[tuple[int, dict[str, datetime]]](), 0
    for number in range(20):
        scheduler = Scheduler(store, clock, owner=f"process {number}", tick=60)
        await scheduler.run(HOUR)
        if number % 2:  # in the middle of visits
            at = await scheduler.next_at()
            assert at is not None
            clock.advance(max((at - clock.now()).total_seconds(), 0) + 1)
            publishers.hold()
            started = await scheduler.poller.poll_due()
            await publishers.waits_for(started)
            given_up += started
        due = {state.source.location: state.next_poll_at for state in await store.sources()}
        restarts.append((len(publishers.requests), due))
        await scheduler.close()
        publishers.release()
        await publishers.waits_for(0)
        await store.stop()
        store = await open_store()
    last = Scheduler(store, clock, owner="last", tick=60)
    await last.run(DAY)
    await last.close()
    assert given_up >= 10
    for position, due in restarts:
        after = by_host(publishers.requests[position:])
        early = {host: asked[0].at for host, asked in after.items()}
        assert early.keys() == feeds.keys()
        assert [at for host, at in early.items() if at < due[feeds[host].location]] == []
    hasty = [
        b.at - a.at
        for asked in by_host(publishers.requests).values()
        for a, b in pairwise(asked)
        if b.at - a.at < LEAST
    ]
    assert len(hasty) <= given_up


RETRY_AFTER = (120, HOUR, 6 * HOUR, 2 * DAY, 6 * DAY)


def throttled_once(status: int, seconds: int, *, as_date: bool) -> Replies:
    """Return a feed whose second answer is that it is asked too much."""
    answers = 0

    def replies(request: Request) -> Reply:
        nonlocal answers
        answers += 1
        if answers != 2:
            return Feed(etag='"{n}"')(request)
        until = request.at + timedelta(seconds=seconds)
        wish = http_time(until) if as_date else str(seconds)
        return Reply(status=status, headers={"Retry-After": wish})

    return replies


@on_sqlite
async def test_retry_after_is_kept_in_full(
    open_store: OpenStore, publishers: Publishers, clock: FakeClock
) -> None:
    wishes: dict[str, timedelta] = {}
    for seconds in RETRY_AFTER:
        for status in (429, 503):
            for as_date in (False, True):
                host = f"127.2.0.{len(wishes) + 1}"
                publishers.answer(host, throttled_once(status, seconds, as_date=as_date))
                wishes[host] = timedelta(seconds=seconds)
    store = await open_store()
    feeds = [a_feed(host, publishers.url(host), interval=12 * HOUR) for host in wishes]
    await store.declare(feeds, clock.now())
    scheduler = Scheduler(store, clock, tick=30)
    await scheduler.run(9 * DAY)
    await scheduler.close()
    asked = by_host(publishers.requests)
    waits = {host: asked[host][2].at - asked[host][1].at for host in wishes}
    assert {host: wait for host, wait in waits.items() if wait < wishes[host]} == {}
    usual = timedelta(hours=12)
    late = {host: w for host, w in waits.items() if w > max(wishes[host], usual) * 1.1 + LEAST * 4}
    assert late == {}


async def test_a_host_that_throttles_two_addresses_is_left_alone(
    open_store: OpenStore, publishers: Publishers, clock: FakeClock
) -> None:
    busy, patient = "127.2.1.1", "127.2.1.2"
    for path in ("/a", "/b"):
        publishers.answer(busy, lambda _: Reply(status=503, headers={"Retry-After": "1800"}), path)
    publishers.answer(patient, lambda _: Reply(status=429, headers={"Retry-After": "1800"}), "/a")
    for host, path in ((busy, "/c"), (patient, "/b"), (patient, "/c")):
        publishers.answer(host, Feed(etag='"{n}"'), path)
    store = await open_store()
    start = clock.now()
    for path in ("/a", "/b", "/c"):  # in this order
        for host in (busy, patient):
            source = a_feed(f"{host}{path}", publishers.url(host, path))
            await store.add_source(source, clock.now())
        clock.advance(0.1)
    scheduler = Scheduler(store, clock)
    await scheduler.run(2 * HOUR)
    await scheduler.close()
    held = timedelta(minutes=30)
    first = {one: publishers.asked(busy, one)[0].at - start for one in ("/a", "/b", "/c")}
    assert first["/b"] < timedelta(seconds=10)
    assert first["/c"] >= first["/b"] + held
    again = publishers.asked(patient, "/a")[1].at - start
    assert publishers.asked(patient, "/c")[0].at - start < timedelta(seconds=10) < held <= again


def test_server_mode_without_a_contact_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sources", "topics", "alerts"):
        (tmp_path / f"{name}.yaml").write_text("")
    monkeypatch.setenv("MONITOR_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("MONITOR_BROKER_URL", "kafka://127.0.0.1:9092")
    with pytest.raises(ConfigError, match=r"MONITOR_CONTACT.*server mode needs a contact: set it"):
        load_config()
    monkeypatch.setenv("MONITOR_CONTACT", "desk@news.example")
    assert load_config().settings.contact == "desk@news.example"
