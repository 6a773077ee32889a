"""WebSub subscriptions, and what hubs push."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Executable, bindparam, delete, func, select

from monitor.errors import Rejected
from monitor.model import Document, HubSubscription, Push
from monitor.store.dialect import Dialect, Lock
from monitor.store.source_tables import HUB, PUSH
from monitor.store.sql import Database
from monitor.store.states import pack

WAITING = 1_000
"""Pushes that may wait: what a hub sends more while nobody parses is left to the next poll."""

_FIELDS = tuple(column.name for column in HUB.c)
_unpack = msgspec.msgpack.Decoder(Document).decode


class SqlHubs:
    """Subscriptions as rows by source, pushes as rows in the order of their arrival."""

    _database: Database

    async def hub_subscriptions(self) -> Sequence[HubSubscription]:
        """Return all subscriptions by source. Raises Unavailable."""

        def work(connection: Connection) -> list[HubSubscription]:
            found = connection.execute(select(HUB).order_by(HUB.c.source)).mappings()
            return [HubSubscription(**row) for row in found]

        return await self._database.read(work)

    async def hub_subscription(self, token: str) -> HubSubscription | None:
        """Return the subscription of a callback's token. Raises Unavailable."""
        if "\0" in token:
            return None

        def work(connection: Connection) -> HubSubscription | None:
            found = connection.execute(_BY_TOKEN, {"token": token}).mappings().one_or_none()
            return None if found is None else HubSubscription(**found)

        return await self._database.read(work)

    async def hub_subscription_of(self, source: str) -> HubSubscription | None:
        """Return a source's subscription. Raises Unavailable."""

        def work(connection: Connection) -> HubSubscription | None:
            found = connection.execute(_OF_SOURCE, {"of": source}).mappings().one_or_none()
            return None if found is None else HubSubscription(**found)

        return await self._database.read(work)

    async def save_hub_subscription(self, subscription: HubSubscription) -> None:
        """Keep a source's subscription in place of the one before. Raises Unavailable, or Rejected
        where another source has the token."""
        row = {name: getattr(subscription, name) for name in _FIELDS}
        dialect = self._database.dialect

        def work(connection: Connection) -> None:
            connection.execute(_save(dialect), row)

        await self._database.write(work)

    async def drop_hub_subscription(self, source: str) -> None:
        """Forget a source's subscription. Raises Unavailable."""

        def work(connection: Connection) -> None:
            connection.execute(_DROP, {"of": source})

        await self._database.write(work)

    async def save_push(self, source: str, document: Document) -> None:
        """Keep a pushed document until it is parsed; raises Unavailable, or Rejected where 1,000
        wait already."""
        dialect, now = self._database.dialect, self._database.clock.now()

        def work(connection: Connection) -> None:
            dialect.lock(connection, Lock.PUSHES)
            if connection.execute(_WAITING).scalar_one() >= WAITING:
                raise Rejected(f"{WAITING} pushed documents wait to be parsed already")
            row = {"source": source, "document": pack(document), "received_at": now}
            connection.execute(PUSH.insert(), row)

        await self._database.write(work)

    async def pushes(self, limit: int) -> Sequence[Push]:
        """Return the oldest pushes. Raises Unavailable."""

        def work(connection: Connection) -> list[Push]:
            found = connection.execute(_OLDEST, {"limit": limit})
            return [
                Push(id=id_, source=source, document=_unpack(document))
                for id_, source, document in found
            ]

        return await self._database.read(work)

    async def drop_pushes(self, ids: Sequence[int]) -> None:
        """Forget pushes that are done with. Raises Unavailable."""
        if not ids:
            return
        dialect = self._database.dialect

        def work(connection: Connection) -> None:
            connection.execute(_drop_pushes(dialect), {"ids": dialect.listed(ids)})

        await self._database.write(work)


@cache
def _save(dialect: Dialect) -> Executable:
    insert: Any = dialect.insert(HUB)
    statement: Executable = insert.on_conflict_do_update(
        index_elements=["source"],
        set_={name: insert.excluded[name] for name in _FIELDS if name != "source"},
    )
    return statement


@cache
def _drop_pushes(dialect: Dialect) -> Executable:
    return delete(PUSH).where(dialect.among(PUSH.c.id, "ids"))


_BY_TOKEN = select(HUB).where(HUB.c.token == bindparam("token"))
_OF_SOURCE = select(HUB).where(HUB.c.source == bindparam("of"))
_DROP = delete(HUB).where(HUB.c.source == bindparam("of"))
_WAITING = select(func.count(PUSH.c.source))
_OLDEST = (
    select(PUSH.c.id, PUSH.c.source, PUSH.c.document).order_by(PUSH.c.id).limit(bindparam("limit"))
)
