"""The storage of WebSub in memory."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.errors import Rejected, Unavailable
from monitor.model import Document, HubSubscription, Push, SourceState


class HubStore:
    """Sources, subscriptions and pushes; at most `room` pushes wait. `away` is an outage."""

    def __init__(self) -> None:
        self.states: dict[str, SourceState] = {}
        self.room = 100
        self.away = False
        self._subscriptions: dict[str, HubSubscription] = {}
        self._pushes: list[Push] = []

    def _check(self) -> None:
        if self.away:
            raise Unavailable("the database is away")

    async def sources(self) -> Sequence[SourceState]:
        self._check()
        return list(self.states.values())

    async def hub_subscriptions(self) -> Sequence[HubSubscription]:
        self._check()
        return [self._subscriptions[name] for name in sorted(self._subscriptions)]

    async def hub_subscription(self, token: str) -> HubSubscription | None:
        self._check()
        found = (each for each in self._subscriptions.values() if each.token == token)
        return next(found, None)

    async def save_hub_subscription(self, subscription: HubSubscription) -> None:
        self._check()
        self._subscriptions[subscription.source] = subscription

    async def drop_hub_subscription(self, source: str) -> None:
        self._check()
        self._subscriptions.pop(source, None)

    async def save_push(self, source: str, document: Document) -> None:
        self._check()
        if len(self._pushes) >= self.room:
            raise Rejected("too many pushes wait")
        self._pushes.append(Push(id=len(self._pushes) + 1, source=source, document=document))

    async def pushes(self, limit: int) -> Sequence[Push]:
        self._check()
        return self._pushes[:limit]
