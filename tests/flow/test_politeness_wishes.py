"""What publishers wish is kept: how often they are asked, when not, and where they have moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

from monitor.model import Condition, Owner
from tests.support.clock import START, FakeClock
from tests.support.publishers import Feed, Publishers, Replies, Reply, Request, http_time
from tests.support.simulation import Scheduler, a_feed
from tests.support.stores import OpenStore

MINUTE, HOUR, DAY = 60, 3_600, 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a feed says, and what follows: the least s between two requests, and the hours and days
    (0 is Monday) of GMT at which there is none. `expires` is in s from the answer."""

    least: int = 15 * MINUTE
    headers: Mapping[str, str] = field(default_factory=dict)
    expires: int = 0
    channel: str = ""
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()

    def __call__(self, request: Request) -> Reply:
        """Answer as a feed that has something new every ten minutes."""
        reply = Feed(etag='"{n}"', period=600, channel=self.channel)(request)
        headers = {**reply.headers, **self.headers}
        if self.expires:
            headers["Expires"] = http_time(request.at + timedelta(seconds=self.expires))
        return replace(reply, headers=headers)

    def forbids(self, at: datetime) -> bool:
        return at.hour in self.hours or at.weekday() in self.days


def control(text: str, **more: str) -> Mapping[str, str]:
    return {"Cache-Control": text, **more}


def updated(period: str, frequency: str = "") -> str:
    """Return the elements of RSS's module Syndication."""
    often = f"<sy:updateFrequency>{frequency}</sy:updateFrequency>" if frequency else ""
    return f"<sy:updatePeriod>{period}</sy:updatePeriod>{often}"


def skipping(hours: range | tuple[int, ...] = (), days: tuple[str, ...] = ()) -> str:
    """Return the elements of RSS that name times at which not to come."""
    told = "".join(f"<hour>{hour}</hour>" for hour in hours)
    named = "".join(f"<day>{day}</day>" for day in days)
    return f"<skipHours>{told}</skipHours><skipDays>{named}</skipDays>"


WISHES = {
    "max-age half an hour": Wish(least=1_800, headers=control("max-age=1800")),
    "max-age two hours": Wish(least=7_200, headers=control("public, max-age=7200")),
    "max-age in quotes": Wish(least=10_800, headers=control('max-age="10800"')),
    "max-age of a day": Wish(least=DAY, headers=control("max-age=86400")),
    "max-age of a year is a day": Wish(least=DAY, headers=control("max-age=31536000")),
    "max-age less the age": Wish(least=6_600, headers=control("max-age=7200", Age="600")),
    "max-age of nothing": Wish(headers=control("max-age=0")),
    "no-cache": Wish(headers=control("no-cache, max-age=7200")),
    "max-age outweighs Expires": Wish(least=3_600, headers=control("max-age=3600"), expires=60),
    "Expires in two hours": Wish(least=7_200, expires=7_200),
    "Expires in twelve hours": Wish(least=43_200, expires=43_200),
    "Expires in the past": Wish(expires=-7_200),
    "ttl of an hour": Wish(least=HOUR, channel="<ttl>60</ttl>"),
    "ttl of six hours": Wish(least=6 * HOUR, channel="<ttl>360</ttl>"),
    "ttl outweighs max-age": Wish(
        least=3 * HOUR, channel="<ttl>180</ttl>", headers=control("max-age=60")
    ),
    "hourly": Wish(least=HOUR, channel=updated("hourly")),
    "twice an hour": Wish(least=1_800, channel=updated("hourly", "2")),
    "four times a day": Wish(least=6 * HOUR, channel=updated("daily", "4")),
    "weekly is a day": Wish(least=DAY, channel=updated("weekly")),
    "skipHours, the night": Wish(
        channel=skipping((22, 23, 0, 1, 2, 3, 4, 5)),
        hours=frozenset({22, 23, 0, 1, 2, 3, 4, 5}),
    ),
    "skipHours, one": Wish(channel=skipping((14,)), hours=frozenset({14})),
    "skipHours, all but one": Wish(channel=skipping(range(23)), hours=frozenset(range(23))),
    "skipDays": Wish(channel=skipping(days=("Tuesday", "Wednesday")), days=frozenset({1, 2})),
    "skipHours, skipDays and ttl": Wish(
        least=4 * HOUR,
        channel=skipping((0, 1), ("Wednesday",)) + "<ttl>240</ttl>",
        hours=frozenset({0, 1}),
        days=frozenset({2}),
    ),
}


async def test_nobody_is_asked_at_a_time_that_he_forbids(
    open_store: OpenStore, publishers: Publishers, clock: FakeClock
) -> None:
    hosts = {name: f"127.3.0.{number}" for number, name in enumerate(WISHES, start=1)}
    urls = {name: publishers.answer(hosts[name], wish) for name, wish in WISHES.items()}
    store = await open_store()
    await store.declare([a_feed(name, url) for name, url in urls.items()], clock.now())
    scheduler = Scheduler(store, clock, tick=600)
    await scheduler.run(3 * DAY)
    await scheduler.close()
    wrong = {}
    for name, wish in WISHES.items():
        times = [request.at for request in publishers.asked(hosts[name])]
        assert len(times) >= 3, name
        gaps = [b - a for a, b in pairwise(times)]
        hasty = [gap for gap in gaps if gap < timedelta(seconds=wish.least)]
        # The first request comes before anything is known.
        forbidden = [at for at in times[1:] if wish.forbids(at)]
        if hasty or forbidden:
            wrong[name] = (hasty, forbidden)
    assert len(WISHES) == 24
    assert wrong == {}


async def test_what_is_gone_is_retired_and_what_is_missing_is_asked_ever_more_slowly(
    open_store: OpenStore, publishers: Publishers, clock: FakeClock
) -> None:
    store = await open_store()
    gone = publishers.answer("127.4.0.1", lambda _: Reply(status=410))
    missing = publishers.url("127.4.0.2")
    await store.declare([a_feed("gone", gone), a_feed("missing", missing)], clock.now())
    scheduler = Scheduler(store, clock, tick=600)
    await scheduler.run(150 * DAY)
    await scheduler.close()
    first, second = (request.at for request in publishers.asked("127.4.0.1"))  # and no third
    assert second - first >= timedelta(days=1)
    states = {state.source.name: state.memory for state in await store.sources()}
    assert states["gone"].condition is Condition.RETIRED
    assert states["missing"].condition is Condition.FAILING
    times = [request.at for request in publishers.asked("127.4.0.2")]
    gaps = [b - a for a, b in pairwise(times)]
    assert timedelta(minutes=15) <= gaps[0] < timedelta(hours=1)
    assert gaps[-1] >= timedelta(days=30)
    assert clock.now() - times[-1] < timedelta(days=34)  # never given up


def moving(to: str, *, times: int = 10**9, after: int = 1) -> Replies:
    """Return a feed that answers with a permanent redirect, `times` times after some answers."""
    answers = 0

    def replies(request: Request) -> Reply:
        nonlocal answers
        answers += 1
        if after < answers <= after + times:
            return Reply(status=301, headers={"Location": to})
        return Feed(etag='"{n}"')(request)

    return replies


async def test_an_address_is_rewritten_when_it_has_moved_for_good_and_for_a_feed(
    open_store: OpenStore, publishers: Publishers, clock: FakeClock
) -> None:
    new = publishers.answer("127.5.0.9", Feed(etag='"{n}"'), "/new")
    portal = publishers.answer(
        "127.5.0.10",
        lambda _: Reply(body=b"<html><body>Welcome", headers={"Content-Type": "text/html"}),
        "/welcome",
    )
    new_too = publishers.answer("127.5.0.11", Feed(etag='"{n}"'), "/new")
    once = publishers.answer("127.5.0.1", moving(new, times=1))
    moved = publishers.answer("127.5.0.2", moving(new))
    hotel = publishers.answer("127.5.0.3", moving(portal, times=40))
    own = publishers.answer("127.5.0.4", moving(new_too))
    store = await open_store()
    names = {"once": once, "moved": moved, "hotel": hotel}
    often = 4 * HOUR
    feeds = [a_feed(name, url, interval=often) for name, url in names.items()]
    await store.declare(feeds, clock.now())
    await store.add_source(a_feed("own", own, interval=often, owner=Owner.USER), clock.now())
    scheduler = Scheduler(store, clock, tick=600)
    await scheduler.run(20 * DAY)
    await scheduler.close()
    states = {state.source.name: state for state in await store.sources()}
    asks = {
        name: state.memory.chosen_location or state.source.location
        for name, state in states.items()
    }
    assert asks == {"once": once, "moved": new, "hotel": hotel, "own": new_too}
    assert states["own"].source.location == new_too
    redirected = [request.at for request in publishers.asked("127.5.0.2")][1:]
    assert len(redirected) >= 3
    lasted = redirected[-1] - redirected[0]
    assert timedelta(days=7) <= lasted < timedelta(days=9)
    times = [request.at for request in publishers.asked("127.5.0.3")]
    assert len(times) > 5
    assert times[-1] > START + timedelta(days=14)  # asked at its own address all the time
