"""`/api/v1/articles`: the archive."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import Field

from monitor.api.context import ArchiveOf, Context, ContextOf
from monitor.api.cursor import PageQuery, from_cursor, paged, to_cursor
from monitor.api.problem import NO_NUL, documented
from monitor.api.schema import ArticleDetail, ArticleItem, ArticlePage
from monitor.model import ArticleFilter
from monitor.protocols import Archive
from monitor.search import Order, search
from monitor.topics.query import QueryError

router = APIRouter(prefix="/api/v1/articles", tags=["articles"])


class ArticleQuery(PageQuery):
    """Which articles to list."""

    topic: str = Field(
        "", max_length=200, pattern=NO_NUL, description="Id of a topic, also of one removed since."
    )
    source: str = Field(
        "", max_length=200, pattern=NO_NUL, description="Name of a source, also of a removed one."
    )
    q: str = Field(
        "", max_length=1_000, pattern=NO_NUL, description="A query, in the language of topics."
    )
    order: Order = Field(Order.NEWEST, description="With `q`: which articles come first.")


@router.get("", summary="List articles", responses=documented(400, 422, 503))
async def list_articles(
    archive: ArchiveOf, context: ContextOf, query: Annotated[ArticleQuery, Query()]
) -> ArticlePage:
    """List articles, the latest change first, or with `order=best` those that are most on `q`.

    A page that ends with `"next": null` is the last one. New articles appear before the first
    page, so following `next` shows every older article exactly once, unless it changes meanwhile.
    """
    asked = bool(query.q.strip())
    if query.order is Order.BEST and not asked:
        raise HTTPException(400, "order: `best` needs a query: add q=…, or leave `order` out")
    which = ArticleFilter(
        topic=query.topic,
        source=query.source,
        before=from_cursor(query.cursor),
        limit=query.limit + 1,
    )
    if asked:
        return await _found(archive, context, query, replace(which, limit=query.limit))
    rows = await archive.articles(which)
    shown, following = paged(rows, query.limit, lambda row: to_cursor(row.seq))
    return ArticlePage(items=tuple(map(ArticleItem.of, shown)), next=following)


async def _found(
    archive: Archive, context: Context, query: ArticleQuery, which: ArticleFilter
) -> ArticlePage:
    try:
        page = await search(archive, query.q, which, context.clock.now(), query.order)
    except QueryError as error:
        raise HTTPException(422, f"q: {error}") from error
    return ArticlePage(
        items=tuple(ArticleItem.of(row) for row in page.rows),
        next=None if page.before is None else to_cursor(page.before),
    )


@router.get("/{article_id:path}", summary="Show an article", responses=documented(404, 422, 503))
async def show_article(
    archive: ArchiveOf, article_id: Annotated[str, Path(max_length=200, pattern=NO_NUL)]
) -> ArticleDetail:
    """Show one article with its body."""
    row = await archive.article(article_id)
    if row is None:
        raise HTTPException(
            404, f"there is no article {article_id!r}; /api/v1/articles lists those there are"
        )
    return ArticleDetail.of(row)
