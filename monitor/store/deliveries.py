"""The queue of sendings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Executable,
    and_,
    bindparam,
    func,
    not_,
    null,
    or_,
    select,
    text,
    update,
)

from monitor.events import load
from monitor.model import Alert, Attempt, Delivery, DeliveryState
from monitor.store.columns import UTC_TIME
from monitor.store.dialect import Dialect
from monitor.store.sql import Database
from monitor.store.tables import ALERT, DELIVERY, OPEN


class SqlDeliveries:
    """Deliveries as rows that are leased for one attempt."""

    _database: Database

    async def lease_deliveries(
        self, now: datetime, owner: str, limit: int, lease: float, without: Sequence[str] = ()
    ) -> Sequence[Delivery]:
        """Lease deliveries that are due for `lease` seconds, the oldest first, but none to the
        channels `without`; a lapsed lease is due again. `attempt` counts from 1. Raises
        Unavailable."""
        dialect = self._database.dialect
        until = now + timedelta(seconds=lease)

        def work(connection: Connection) -> list[Delivery]:
            due = connection.execute(
                _due(dialect), {"now": now, "limit": limit, "without": dialect.listed(without)}
            ).all()
            if not due:
                return []
            ids = {"ids": dialect.listed([row.id for row in due])}
            connection.execute(_lease(dialect), {**ids, "lessee": owner, "until": until})
            wanted = {"ids": dialect.listed(list({row.alert_id for row in due}))}
            alerts = {
                id_: load(Alert, payload)
                for id_, payload in connection.execute(_alerts(dialect), wanted).all()
            }
            return [
                Delivery(
                    id=row.id,
                    alert=alerts[row.alert_id],
                    channel=row.channel,
                    attempt=row.attempt + 1,
                )
                for row in due
            ]

        return await self._database.write(work)

    async def record_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Record how attempts went, in one transaction; one whose lease has passed to a later
        attempt changes nothing. Raises Unavailable."""
        if not attempts:
            return
        rows = sorted(map(_outcome, attempts), key=lambda row: row["delivery"])

        def work(connection: Connection) -> None:
            connection.execute(_FINISH, rows)

        await self._database.write(work)

    async def undelivered(self, article_ids: Sequence[str]) -> int:
        """Return how many deliveries of these articles' alerts wait for their first attempt, or
        for its end. Raises Unavailable."""
        if not article_ids:
            return 0
        dialect = self._database.dialect

        def work(connection: Connection) -> int:
            parameters = {"ids": dialect.listed(article_ids)}
            return int(connection.execute(_untried(dialect), parameters).scalar_one())

        return await self._database.read(work)


def _outcome(attempt: Attempt) -> dict[str, Any]:
    if attempt.sent is not None:
        state = DeliveryState.SENT
    else:
        state = DeliveryState.DEAD if attempt.next_at is None else DeliveryState.PENDING
    return {
        "delivery": attempt.delivery.id,
        "current": attempt.delivery.attempt,
        "state": state.value,
        "sent_at": attempt.sent,
        "next_at": attempt.next_at if state is DeliveryState.PENDING else None,
        "last_error": attempt.error.replace("\0", ""),  # it may quote whatever a receiver said
    }


@cache
def _lease(dialect: Dialect) -> Executable:
    return (
        update(DELIVERY)
        .where(dialect.among(DELIVERY.c.id, "ids"))
        .values(
            state=DeliveryState.LEASED.value,
            attempt=DELIVERY.c.attempt + 1,
            lease_owner=bindparam("lessee"),
            next_at=bindparam("until", type_=UTC_TIME),
        )
    )


@cache
def _due(dialect: Dialect) -> Executable:
    return (
        select(DELIVERY.c.id, DELIVERY.c.alert_id, DELIVERY.c.channel, DELIVERY.c.attempt)
        .where(text(OPEN), DELIVERY.c.next_at <= bindparam("now", type_=UTC_TIME))
        .where(not_(dialect.among(DELIVERY.c.channel, "without")))
        .order_by(DELIVERY.c.next_at, DELIVERY.c.id)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
    )


@cache
def _alerts(dialect: Dialect) -> Executable:
    return select(ALERT.c.id, ALERT.c.payload).where(dialect.among(ALERT.c.id, "ids"))


@cache
def _untried(dialect: Dialect) -> Executable:
    under_way = and_(DELIVERY.c.state == DeliveryState.LEASED.value, DELIVERY.c.attempt == 1)
    return (
        select(func.count())
        .select_from(ALERT.join(DELIVERY, DELIVERY.c.alert_id == ALERT.c.id))
        .where(dialect.among(ALERT.c.article_id, "ids"), text(OPEN))
        .where(or_(DELIVERY.c.attempt == 0, under_way))
    )


_FINISH = (
    update(DELIVERY)
    .where(
        DELIVERY.c.id == bindparam("delivery"),
        DELIVERY.c.state == DeliveryState.LEASED.value,
        DELIVERY.c.attempt == bindparam("current"),
    )
    .values(
        state=bindparam("state"),
        sent_at=bindparam("sent_at"),
        next_at=bindparam("next_at"),
        last_error=bindparam("last_error"),
        lease_owner=null(),
    )
)
