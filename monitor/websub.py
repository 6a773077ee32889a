"""WebSub: asks hubs to push what sources publish, and keeps those subscriptions alive.

A subscriber as W3C's Recommendation of 23 January 2018 describes it (https://www.w3.org/TR/websub/).
The hub verifies a request and pushes documents by way of the callbacks in `monitor/api/websub.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlencode, urljoin, urlsplit

from monitor.errors import Rejected, Unavailable
from monitor.model import Condition, HubSubscription, SourceState
from monitor.protocols import Clock, Hubs, Sources

log = logging.getLogger(__name__)

LEASE = 864_000
"""Seconds that a subscription is asked for."""
SHORTEST_LEASE, LONGEST_LEASE = 3_600, 30 * 86_400
WAITS = (timedelta(minutes=10), timedelta(hours=1), timedelta(days=1))
"""How long a hub has to verify the first, the second and every later request."""
SETTLES = timedelta(seconds=30)
LOOK = timedelta(minutes=10)
"""How often the sources are read that name a hub: they may be many thousands."""
PER_HUB = 20
"""Most requests to one hub in one run: polite ones have their distance, a run its minute."""
HUBS = 8
MAX_ADDRESS = 2_048
MAX_ANSWER = 10_000
DEADLINE = 20.0
REDIRECTS = 3
METHODS = ("sha1", "sha256", "sha384", "sha512")


class Answer(Protocol):
    """What a hub answered; the names of headers are case-insensitive."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


class Ask(Protocol):
    """Sends one request to any address of the web, guarded, a polite one at a distance from the
    one before. Raises Unavailable and Rejected."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        max_bytes: int,
        deadline: float,
        redirects: int,
        polite: bool,
    ) -> Answer: ...


class Kept(Sources, Hubs, Protocol):
    """What a subscriber needs of storage."""


def due(subscription: HubSubscription, now: datetime) -> bool:
    """Return whether the hub is to be asked: for the first time, again because it did not verify,
    or because less than a third of its lease is left."""
    if subscription.attempts:
        wait = WAITS[min(subscription.attempts, len(WAITS)) - 1]
        return now >= subscription.asked_at + wait
    if subscription.confirmed_until is None:
        return now >= subscription.asked_at + SETTLES
    lease = subscription.confirmed_until - subscription.asked_at
    return subscription.confirmed_until - now < lease / 3


def expected(subscription: HubSubscription, now: datetime) -> bool:
    """Return whether a hub may verify that we subscribe: it was asked and has not done so yet, or
    has just done so, and asks again because our answer was lost."""
    if subscription.leaving:
        return False
    just_asked = now < subscription.asked_at + WAITS[0]
    return bool(subscription.attempts or (subscription.confirmed_until and just_asked))


def confirmed(subscription: HubSubscription, lease: int, now: datetime) -> HubSubscription:
    """Return a subscription that the hub has verified, for `lease` seconds, 0 where it gave none.

    What was verified before stays as it is, so a request seen twice prolongs nothing."""
    if not subscription.attempts:
        return subscription
    seconds = min(max(lease or LEASE, SHORTEST_LEASE), LONGEST_LEASE)
    return replace(subscription, confirmed_until=now + timedelta(seconds=seconds), attempts=0)


def denied(subscription: HubSubscription, now: datetime) -> HubSubscription:
    """Return a subscription that the hub does not want: it is asked again in a day."""
    return replace(subscription, confirmed_until=None, asked_at=now, attempts=len(WAITS))


def is_signed(header: str, secret: str, body: bytes) -> bool:
    """Return whether an X-Hub-Signature (`method=hexadecimal digits`) is that of the body."""
    method, _, digest = header.strip().partition("=")
    if method.lower() not in METHODS or not digest.isascii():
        return False
    made = hmac.new(secret.encode(), body, method.lower()).hexdigest()
    return hmac.compare_digest(made, digest.lower())


def wish(state: SourceState) -> tuple[str, str] | None:
    """Return the hub and the topic that a source names, None where it is not to be pushed."""
    memory = state.memory
    hub = memory.hints.hub
    topic = memory.hints.topic or memory.chosen_location or state.source.location
    followed = state.source.enabled and memory.condition is not Condition.RETIRED
    return (hub, topic) if followed and hub and _is_web(hub) and _is_web(topic) else None


@dataclass(slots=True)
class Subscriber:
    """Subscribes where a source names a hub. `public_url` is where hubs reach this service, ""
    for nowhere; `token` returns so many random bytes as hexadecimal digits.

    Several processes may run one each. A new subscription is written first and asked for by a
    later run, when all of them read the same token and secret; a renewal uses those it has. So
    two that ask at once send the same request, and none undoes the other's."""

    store: Kept
    outbound: Ask
    clock: Clock
    public_url: str
    token: Callable[[int], str]
    _wishes: dict[str, tuple[str, str]] = field(default_factory=dict)
    _looked_at: datetime | None = None
    _down: dict[str, datetime] = field(default_factory=dict)
    """Hubs that do not answer, and until when they are left alone."""

    async def run_once(self) -> None:
        """Ask hubs for all that is due. Raises nothing for an outage, which is logged."""
        if not self.public_url:
            return
        try:
            await self._look()
            kept = await self.store.hub_subscriptions()
            await self._plan({each.source for each in kept})
            asked = [each for one in kept if (each := await self._next(one)) is not None]
        except Unavailable as error:
            log.debug("subscriptions: %s", error)
            return
        await self._ask_all(asked)

    async def _look(self) -> None:
        now = self.clock.now()
        if self._looked_at is None or now >= self._looked_at + LOOK:
            states = await self.store.hubbed_sources()
            found = ((state.source.name, wish(state)) for state in states)
            self._wishes = {name: wanted for name, wanted in found if wanted is not None}
            self._looked_at = now

    async def _plan(self, known: set[str]) -> None:
        for source, (hub, topic) in self._wishes.items():
            if source not in known:
                planned = HubSubscription(
                    source=source,
                    token=self.token(20) + self._mark(),
                    hub=hub,
                    topic=topic,
                    secret=self.token(32),
                    asked_at=self.clock.now(),
                )
                await self.store.save_hub_subscription(planned)

    async def _next(self, kept: HubSubscription) -> HubSubscription | None:
        """Return what is to be asked for, None for nothing; forget what is done with."""
        now = self.clock.now()
        if kept.leaving:
            over = bool(kept.attempts) and due(kept, now)
            wanted = None if over else kept
        elif not kept.token.endswith(self._mark()):
            wanted = None  # hubs push it to an address that was ours, and cannot verify it there
        elif self._wishes.get(kept.source) != (kept.hub, kept.topic):
            was_asked = kept.attempts or kept.confirmed_until
            wanted = replace(kept, leaving=True, attempts=0) if was_asked else None
        else:
            return kept if due(kept, now) else None
        if wanted is None:
            await self.store.drop_hub_subscription(kept.source)
            return None
        if wanted != kept:
            await self.store.save_hub_subscription(wanted)
        return None if wanted.attempts else wanted

    async def _ask_all(self, asked: Iterable[HubSubscription]) -> None:
        now = self.clock.now()
        self._down = {hub: until for hub, until in self._down.items() if until > now}
        hubs: defaultdict[str, list[HubSubscription]] = defaultdict(list)
        for subscription in sorted(asked, key=lambda each: each.asked_at):
            hubs[subscription.hub].append(subscription)
        at_once = asyncio.Semaphore(HUBS)

        async def ask(hub: str) -> None:
            async with at_once:
                await self._ask_hub(hub, hubs[hub][:PER_HUB])

        async with asyncio.TaskGroup() as group:
            for hub in hubs.keys() - self._down.keys():
                group.create_task(ask(hub))

    async def _ask_hub(self, hub: str, asked: Sequence[HubSubscription]) -> None:
        for subscription in asked:
            try:
                await self._ask(subscription)
            except Rejected as error:
                log.warning("%s: the hub %s refuses: %s", subscription.source, hub, error)
            except Unavailable as error:
                log.warning("the hub %s cannot be asked: %s", hub, error)
                self._down[hub] = self.clock.now() + WAITS[0]
                return

    async def _ask(self, subscription: HubSubscription) -> None:
        if await self.store.hub_subscription(subscription.token) != subscription:
            return  # another process has asked meanwhile, or the hub has answered
        now, attempts = self.clock.now(), subscription.attempts + 1
        subscription = replace(subscription, asked_at=now, attempts=attempts)
        await self.store.save_hub_subscription(subscription)  # the hub may verify at once
        url = subscription.hub
        for _ in range(REDIRECTS + 1):
            answer = await self._post(url, subscription)
            if 200 <= answer.status < 300:
                return
            # The Recommendation names 307 and 308; what moves all of http to https says 301 or 302.
            if answer.status not in (301, 302, 307, 308):
                break
            before, url = url, urljoin(url, answer.headers.get("Location", ""))
            if not _is_web(url) or (before.startswith("https:") and not url.startswith("https:")):
                raise Rejected(f"it leads to {url[:200]!r}, which would not keep the secret")
        error = Unavailable if answer.status >= 500 or answer.status == 429 else Rejected
        raise error(f"it answers {answer.status}")

    async def _post(self, url: str, subscription: HubSubscription) -> Answer:
        form = {
            "hub.mode": "unsubscribe" if subscription.leaving else "subscribe",
            "hub.topic": subscription.topic,
            "hub.callback": f"{self.public_url.rstrip('/')}/websub/{subscription.token}",
        }
        if not subscription.leaving:
            form |= {"hub.secret": subscription.secret, "hub.lease_seconds": str(LEASE)}
        return await self.outbound.request(
            "POST",
            url,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode(),
            max_bytes=MAX_ANSWER,
            deadline=DEADLINE,
            redirects=0,  # a redirected POST must stay one, with its form
            polite=True,
        )

    def _mark(self) -> str:
        """Return what ends all tokens of this public address."""
        return hashlib.sha256(self.public_url.rstrip("/").encode()).hexdigest()[:8]


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    fits = len(url) <= MAX_ADDRESS and url.isprintable()
    return fits and parts.scheme in ("http", "https") and bool(parts.hostname)
