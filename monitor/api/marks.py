"""`/api/v1/topics/{topic}/wrong`: the articles that users called wrong for a topic."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import Field

from monitor.api.context import ArchiveOf, ContextOf
from monitor.api.cursor import PageQuery, from_mark_cursor, paged, to_mark_cursor
from monitor.api.problem import NO_NUL, documented
from monitor.api.schema import Answer, Page
from monitor.api.topics import topic_of
from monitor.model import TopicMark

TopicId = Annotated[str, Path(max_length=100, pattern=NO_NUL)]
ArticleId = Annotated[str, Path(max_length=200, pattern=NO_NUL)]

router = APIRouter(prefix="/api/v1/topics/{topic}/wrong", tags=["topics"])


class MarkItem(Answer):
    """One article that does not belong to the topic."""

    article_id: str
    marked: datetime = Field(description="When it was first marked.")

    @classmethod
    def of(cls, mark: TopicMark) -> MarkItem:
        """Return the answer for a mark."""
        return cls(article_id=mark.article_id, marked=mark.marked)


class MarkPage(Page):
    """One page of marks, the latest first."""

    items: tuple[MarkItem, ...]


@router.get("", summary="List what is wrong for a topic", responses=documented(400, 404, 422, 503))
async def list_wrong(
    archive: ArchiveOf, topic: TopicId, query: Annotated[PageQuery, Query()]
) -> MarkPage:
    """List the articles that were marked as wrong for a topic, the latest mark first."""
    await topic_of(archive, topic)
    marks = await archive.marks_of(topic, from_mark_cursor(query.cursor), query.limit + 1)
    shown, following = paged(
        marks, query.limit, lambda mark: to_mark_cursor(mark.marked, mark.article_id)
    )
    return MarkPage(items=tuple(map(MarkItem.of, shown)), next=following)


@router.put(
    "/{article_id:path}",
    summary="Mark an article as wrong",
    status_code=204,
    responses=documented(403, 404, 411, 413, 415, 422, 503),
)
async def mark_wrong(
    archive: ArchiveOf, context: ContextOf, topic: TopicId, article_id: ArticleId
) -> None:
    """Remember that a stored article is wrong for a topic. It keeps the topic."""
    await topic_of(archive, topic)
    if await archive.mark_wrong(topic, [article_id], context.clock.now()):
        raise HTTPException(
            404, f"there is no article {article_id!r}; /api/v1/articles lists those there are"
        )


@router.delete(
    "/{article_id:path}",
    summary="Take a mark back",
    status_code=204,
    responses=documented(403, 411, 413, 422, 503),
)
async def unmark_wrong(archive: ArchiveOf, topic: TopicId, article_id: ArticleId) -> None:
    """Forget that an article is wrong for a topic, whether or not it was marked."""
    await archive.unmark_wrong(topic, [article_id])
