"""Leases of all kinds, and their end where the owner died."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Executable, bindparam, null, select, union, update

from monitor.model import DeliveryState
from monitor.store.columns import UTC_TIME
from monitor.store.dialect import Dialect
from monitor.store.source_tables import HOST
from monitor.store.sql import Database
from monitor.store.tables import DELIVERY


class SqlLeases:
    """The leases of hosts and deliveries together."""

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
            connection.execute(_free_hosts(dialect), parameters)
            connection.execute(_free_deliveries(dialect), parameters)

        await self._database.write(work)


_LEASED = DeliveryState.LEASED.value
_LESSEES = union(
    select(HOST.c.lease_owner).where(HOST.c.lease_owner.is_not(null())),
    select(DELIVERY.c.lease_owner).where(
        DELIVERY.c.state == _LEASED, DELIVERY.c.lease_owner.is_not(null())
    ),
)


@cache
def _free_hosts(dialect: Dialect) -> Executable:
    owned = dialect.among(HOST.c.lease_owner, "owners")
    return update(HOST).where(owned).values(lease_owner=null(), lease_until=null(), turns=())


@cache
def _free_deliveries(dialect: Dialect) -> Executable:
    owned = dialect.among(DELIVERY.c.lease_owner, "owners")
    now = bindparam("now", type_=UTC_TIME)
    return update(DELIVERY).where(owned, DELIVERY.c.state == _LEASED).values(next_at=now)
