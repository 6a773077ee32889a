"""Alerts, and how far their deliveries have come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection, Executable, func, select

from monitor.events import dump, load
from monitor.model import Alert, AlertChannel, AlertRow, ChannelKind, DeliveryState, DeliveryStatus
from monitor.store.dialect import Dialect, Lock
from monitor.store.sql import Database
from monitor.store.tables import ALERT, ARTICLE, DELIVERY

_DELIVERIES = UUID("5b7c3a52-0f6e-5d0e-9a53-3f1c8f6f2b11")
"""The namespace of delivery ids; it never changes, or receivers would see everything twice."""


class SqlAlerts:
    """Alerts as rows, each with a row for every delivery."""

    _database: Database

    async def raise_alerts(
        self, alerts: Sequence[tuple[Alert, Sequence[AlertChannel]]], now: datetime
    ) -> None:
        """Store alerts with a delivery for each channel, in one transaction; known ones stand.

        The delivery to a `stream` channel is the row itself, so it is sent as it is written.
        Raises Unavailable or Rejected.
        """
        if not alerts:
            return
        dialect = self._database.dialect

        def work(connection: Connection) -> None:
            dialect.lock(connection, Lock.ALERT_SEQ)
            start = connection.execute(_LAST_SEQ).scalar_one()
            rows = [_row(alert, start + place) for place, (alert, _) in enumerate(alerts, 1)]
            new = _insert_new(connection, dialect, rows)
            deliveries = [
                _delivery(alert, channel, now)
                for alert, channels in {alert.id: (alert, to) for alert, to in alerts}.values()
                if alert.id in new
                for channel in {channel.id: channel for channel in channels}.values()
            ]
            if deliveries:
                connection.execute(DELIVERY.insert(), deliveries)

        await self._database.write(work)

    async def alerts(self, before: int | None, limit: int) -> Sequence[AlertRow]:
        """Return alerts, the latest first; `before` is the `seq` of the last one shown.

        Raises Unavailable.
        """
        statement = select(ALERT).order_by(ALERT.c.seq.desc()).limit(limit)
        if before is not None:
            statement = statement.where(ALERT.c.seq < before)
        return await _list(self._database, statement)

    async def alerts_of(self, article_ids: Sequence[str]) -> Sequence[AlertRow]:
        """Return the alerts of these articles, in the order in which they were raised.

        Raises Unavailable.
        """
        if not article_ids:
            return []
        dialect = self._database.dialect
        parameters = {"ids": dialect.listed(article_ids)}
        return await _list(self._database, _of_articles(dialect), parameters)

    async def alerts_after(self, seq: int, limit: int) -> Sequence[AlertRow]:
        """Return the alerts after `seq`, in the order in which they were raised.

        Raises Unavailable.
        """
        statement = select(ALERT).where(ALERT.c.seq > seq).order_by(ALERT.c.seq).limit(limit)
        return await _list(self._database, statement)

    async def newest(self) -> tuple[int, int]:
        """Return the `seq` of the newest article and of the newest alert, 0 where there is none.

        Raises Unavailable.
        """

        def work(connection: Connection) -> tuple[int, int]:
            article, alert = connection.execute(_NEWEST).one()
            return article, alert

        return await self._database.read(work)


async def _list(
    database: Database, statement: Executable, parameters: Mapping[str, Any] | None = None
) -> list[AlertRow]:
    dialect = database.dialect

    def work(connection: Connection) -> list[AlertRow]:
        rows = connection.execute(statement, parameters).all()
        if not rows:
            return []
        statuses = _statuses(connection, dialect, [row.id for row in rows])
        return [
            AlertRow(
                seq=row.seq,
                alert=load(Alert, row.payload),
                deliveries=tuple(statuses.get(row.id, ())),
            )
            for row in rows
        ]

    return await database.read(work)


def _row(alert: Alert, seq: int) -> dict[str, Any]:
    return {
        "id": alert.id,
        "seq": seq,
        "rule": alert.rule,
        "article_id": alert.article.id,
        "payload": dump(alert),
        "raised": alert.raised,
    }


def _insert_new(
    connection: Connection, dialect: Dialect, rows: Sequence[dict[str, Any]]
) -> set[str]:
    """Insert the alerts that are not known yet; return their ids.

    The lock makes sure that what is not found is still missing when it is inserted.
    """
    ids = {
        "ids": dialect.listed([row["id"] for row in rows]),
        "articles": dialect.listed([row["article_id"] for row in rows]),
    }
    known_ids: set[str] = set()
    known_matches: set[tuple[str, str]] = set()
    new: list[dict[str, Any]] = []
    for id_, rule, article_id in connection.execute(_known(dialect), ids).all():
        known_ids.add(id_)
        known_matches.add((rule, article_id))
    for row in rows:
        match = (row["rule"], row["article_id"])
        if row["id"] not in known_ids and match not in known_matches:
            known_ids.add(row["id"])
            known_matches.add(match)
            new.append(row)
    if new:
        connection.execute(ALERT.insert(), new)
    return {row["id"] for row in new}


def _delivery(alert: Alert, channel: AlertChannel, now: datetime) -> dict[str, Any]:
    streamed = channel.kind is ChannelKind.STREAM
    return {
        "id": str(uuid5(_DELIVERIES, f"{alert.id}\n{channel.id}")),
        "alert_id": alert.id,
        "channel": channel.id,
        "kind": channel.kind.value,
        "state": (DeliveryState.SENT if streamed else DeliveryState.PENDING).value,
        "attempt": 1 if streamed else 0,
        "lease_owner": None,
        "next_at": None if streamed else now,
        "last_error": "",
        "sent_at": now if streamed else None,
    }


def _statuses(
    connection: Connection, dialect: Dialect, alert_ids: Sequence[str]
) -> Mapping[str, Sequence[DeliveryStatus]]:
    statuses: dict[str, list[DeliveryStatus]] = defaultdict(list)
    for row in connection.execute(_of_alerts(dialect), {"ids": dialect.listed(alert_ids)}).all():
        state = DeliveryState(row.state)
        statuses[row.alert_id].append(
            DeliveryStatus(
                channel=row.channel,
                kind=ChannelKind(row.kind),
                state=state,
                attempts=row.attempt,
                error=row.last_error,
                sent=row.sent_at,
                next=row.next_at if state is DeliveryState.PENDING else None,
            )
        )
    return statuses


@cache
def _known(dialect: Dialect) -> Executable:
    by_id = dialect.among(ALERT.c.id, "ids")
    by_match = dialect.among(ALERT.c.article_id, "articles")
    return select(ALERT.c.id, ALERT.c.rule, ALERT.c.article_id).where(by_id | by_match)


@cache
def _of_articles(dialect: Dialect) -> Executable:
    ids = dialect.among(ALERT.c.article_id, "ids")
    return select(ALERT).where(ids).order_by(ALERT.c.seq)


@cache
def _of_alerts(dialect: Dialect) -> Executable:
    ids = dialect.among(DELIVERY.c.alert_id, "ids")
    return select(DELIVERY).where(ids).order_by(DELIVERY.c.channel)


_LAST_SEQ = select(func.coalesce(func.max(ALERT.c.seq), 0))
_NEWEST = select(
    select(func.coalesce(func.max(ARTICLE.c.seq), 0)).scalar_subquery(),
    _LAST_SEQ.scalar_subquery(),
)
