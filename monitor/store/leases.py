"""Leases of all kinds, and their end where the owner died."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Executable, bindparam, null, select, union, update

from monitor.model import DeliveryState
from monitor.store.columns import UTC_TIME
from monitor.store.dialect import Dialect
from monitor.store.sql import Database
from monitor.store.tables import DELIVERY, SOURCE


class SqlLeases:
    """The leases of sources and deliveries together."""

    _database: Database

    async def lessees(self) -> Sequence[str]:
        """Return the owners of all leases. Raises Unavailable."""

        def work(connection: Connection) -> list[str]:
            return sorted(connection.execute(_LESSEES).scalars())

        return await self._database.read(work)

    async def release(self, owners: Sequence[str], now: datetime) -> None:
        """End the leases of these owners: what they had leased is due now. Raises Unavailable."""
        if not owners:
            return
        dialect = self._database.dialect
        parameters = {"owners": dialect.listed(owners), "now": now}

        def work(connection: Connection) -> None:
            connection.execute(_free_sources(dialect), parameters)
            connection.execute(_free_deliveries(dialect), parameters)

        await self._database.write(work)


_LEASED = DeliveryState.LEASED.value
_LESSEES = union(
    select(SOURCE.c.lease_owner).where(SOURCE.c.lease_owner.is_not(null())),
    select(DELIVERY.c.lease_owner).where(
        DELIVERY.c.state == _LEASED, DELIVERY.c.lease_owner.is_not(null())
    ),
)


@cache
def _free_sources(dialect: Dialect) -> Executable:
    owned = dialect.among(SOURCE.c.lease_owner, "owners")
    return update(SOURCE).where(owned).values(lease_owner=null(), lease_until=null())


@cache
def _free_deliveries(dialect: Dialect) -> Executable:
    owned = dialect.among(DELIVERY.c.lease_owner, "owners")
    now = bindparam("now", type_=UTC_TIME)
    return update(DELIVERY).where(owned, DELIVERY.c.state == _LEASED).values(next_at=now)
