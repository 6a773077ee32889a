"""`/api/v1/alerts`: alerts and how far their deliveries have come."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from monitor.api.context import ArchiveOf
from monitor.api.cursor import PageQuery, from_cursor, to_cursor
from monitor.api.problem import documented
from monitor.api.schema import AlertItem, AlertPage

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])


@router.get("", summary="List alerts", responses=documented(400, 422, 503))
async def list_alerts(archive: ArchiveOf, query: Annotated[PageQuery, Query()]) -> AlertPage:
    """List alerts, the latest first, each with its deliveries.

    A delivery is `pending` until its next attempt, `leased` during one, `sent` when the receiver
    has it, and `dead` when it was given up.
    """
    rows = await archive.alerts(from_cursor(query.cursor), query.limit + 1)
    shown = rows[: query.limit]
    return AlertPage(
        items=tuple(AlertItem.of(row) for row in shown),
        next=to_cursor(shown[-1].seq) if len(rows) > query.limit else None,
    )
