"""`/api/v1/alerts`: alerts and how far their deliveries have come."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from monitor.api.context import ArchiveOf
from monitor.api.cursor import PageQuery, from_cursor, to_cursor
from monitor.api.problem import NO_NUL, documented
from monitor.api.schema import AlertItem, AlertPage
from monitor.web.alerts import listed_alerts

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])


class AlertQuery(PageQuery):
    """Which alerts to list."""

    rule: str = Field(
        "", max_length=200, pattern=NO_NUL, description="Id of a rule, also of one removed since."
    )
    topic: str = Field(
        "", max_length=200, pattern=NO_NUL, description="Id of a topic that the rule waited for."
    )


@router.get("", summary="List alerts", responses=documented(400, 422, 503))
async def list_alerts(archive: ArchiveOf, query: Annotated[AlertQuery, Query()]) -> AlertPage:
    """List alerts, the latest first, each with its deliveries.

    A delivery is `pending` until its next attempt, `leased` during one, `sent` when the receiver
    has it, and `dead` when it was given up. With `rule` or `topic` a page may have fewer items
    than `limit` and yet a `next`: 1,000 alerts are looked through for each.
    """
    before = from_cursor(query.cursor)
    listing = await listed_alerts(archive, query.limit, before, query.rule, query.topic)
    return AlertPage(
        items=tuple(AlertItem.of(row) for row in listing.rows),
        next=None if listing.older is None else to_cursor(listing.older),
    )
