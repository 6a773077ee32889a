"""A store whose sources a test names, and whose database it may take away."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.errors import Unavailable
from monitor.model import Document, HubSubscription, Push, SourceState
from monitor.store import SqlStore
from monitor.store.sql import Database


class HubStore(SqlStore):
    """Subscriptions and pushes are real rows; `away` is an outage."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.states: dict[str, SourceState] = {}
        self.away = False

    def _check(self) -> None:
        if self.away:
            raise Unavailable("the database is away")

    async def hubbed_sources(self) -> Sequence[SourceState]:
        self._check()
        return list(self.states.values())

    async def hub_subscription(self, token: str) -> HubSubscription | None:
        self._check()
        return await super().hub_subscription(token)

    async def hub_subscriptions(self) -> Sequence[HubSubscription]:
        self._check()
        return await super().hub_subscriptions()

    async def save_hub_subscription(self, subscription: HubSubscription) -> None:
        self._check()
        await super().save_hub_subscription(subscription)

    async def save_push(self, source: str, document: Document) -> None:
        self._check()
        await super().save_push(source, document)

    async def pushes(self, limit: int) -> Sequence[Push]:
        self._check()
        return await super().pushes(limit)
