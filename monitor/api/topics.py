"""`/api/v1/topics`: the news subjects that articles are sorted by."""

from __future__ import annotations

from fastapi import APIRouter

from monitor.api.context import ContextOf
from monitor.api.schema import TopicItem

router = APIRouter(prefix="/api/v1/topics", tags=["topics"])


@router.get("", summary="List topics")
async def list_topics(context: ContextOf) -> list[TopicItem]:
    """List the topics with their queries."""
    return [TopicItem.of(topic) for topic in context.topics]
