"""The pages: articles, alerts, topics, sources, one of each, and errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from monitor.model import ArticleFilter
from monitor.protocols import Archive, Clock
from monitor.search import Order
from monitor.web.alerts import listed_alerts, rule_names
from monitor.web.choices import Choice, choices
from monitor.web.found import PAGE, latest, search_page
from monitor.web.matches import matches_of
from monitor.web.templating import STATIC, environment
from monitor.web.topics import queries_of, topics_with

SOURCES = 200
TOPICS = 100
LOOKED_AT = 1_000
"""Sources of which the page of articles knows how they fare."""
FEW = 10
"""One in so many sources may fail without a word on the page of articles: some always do."""
LATELY = timedelta(days=7)
"""How far back the matches of topics are counted."""
LATEST = 10
LISTINGS = ("/alerts", "/topics", "/sources")
"""Where a page below them leads that is not there; all others lead to the articles."""

NO_NUL = r"^[^\x00]*$"  # PostgreSQL cannot hold one

Word = Annotated[str, Query(max_length=1_000, pattern=NO_NUL)]
Before = Annotated[int | None, Query(ge=1, le=2**63 - 1)]
After = Annotated[str, Query(max_length=100, pattern=NO_NUL)]
From = Annotated[str, Query(alias="from", max_length=200, pattern=NO_NUL)]
SourceName = Annotated[str, Path(max_length=100, pattern=NO_NUL)]
TopicId = Annotated[str, Path(max_length=100, pattern=NO_NUL)]
ArticleId = Annotated[str, Path(max_length=200, pattern=NO_NUL)]


class Pages:
    """All pages of one application. `position` says where a stream begins that a page opens."""

    def __init__(
        self,
        archive: Callable[[], Archive],
        *,
        clock: Clock,
        position: Callable[[tuple[int, int]], str],
    ) -> None:
        self._archive = archive
        self._clock = clock
        self._position = position
        self._templates = environment(clock)
        self.static = StaticFiles(directory=STATIC)
        self.router = APIRouter(include_in_schema=False)
        for path, page in (
            ("/", self.articles),
            ("/articles/{article_id:path}", self.article),
            ("/alerts", self.alerts),
            ("/topics", self.topics),
            ("/topics/{topic_id}", self.topic),
            ("/sources", self.sources),
            ("/sources/{name}", self.source),
            ("/favicon.ico", self.icon),
        ):
            self.router.add_api_route(path, page, methods=["GET"])

    async def articles(
        self,
        topic: Word = "",
        source: Word = "",
        q: Word = "",
        order: Order = Order.NEWEST,
        before: Before = None,
    ) -> Response:
        """List articles, the latest change first; on the first page, new ones appear on top."""
        archive, q = self._archive(), q.strip()
        topic, source = topic.strip(), source.strip()
        # Asked first: what is stored in between is in the list and comes by the stream again,
        # which the page notices. The other way round it would be in neither.
        newest = await archive.newest()
        which = ArticleFilter(topic=topic, source=source, before=before, limit=PAGE + 1)
        listing = (
            await search_page(archive, q, which, self._clock.now(), order)
            if q
            else await latest(archive, which)
        )
        articles = [row.article for row in listing.rows]
        sources, topics = await choices(
            archive,
            {article.source for article in articles} | {source} - {""},
            {name for article in articles for name in article.topics} | {topic} - {""},
        )
        alerted = [row.article.id for row in listing.rows if row.alerted]
        best = "best" if q and order is Order.BEST else ""
        is_live = before is None and not best and not listing.mistake
        return self._render(
            "articles.html",
            listing=listing,
            sources=sources,
            topics=topics,
            rules=rule_names(await archive.alerts_of(alerted)),
            chosen={"topic": topic, "source": source, "q": q, "order": best},
            before=before,
            position=self._position(newest) if is_live else "",
            trouble=_trouble(*await archive.failing(LOOKED_AT)),
            awaiting=0 if listing.rows else sum((await archive.awaiting_pages()).values()),
        )

    async def article(self, article_id: ArticleId) -> Response:
        """Show one article with what its topics matched, and its alerts."""
        archive = self._archive()
        row = await archive.article(article_id)
        if row is None:
            raise HTTPException(404, "This article is not in the archive.")
        article = row.article
        queries = queries_of(await topics_with(archive, article.topics))
        return self._render(
            "article.html",
            row=row,
            # In a thread: a long article under many topics takes some tenths of a second.
            matches=await asyncio.to_thread(matches_of, article, queries),
            wrong=await archive.wrong_topics(article_id, article.topics),
            titles=await archive.titles([article.source]),
            topics=await archive.topic_names(article.topics),
            alerts=await archive.alerts_of([article_id]),
        )

    async def alerts(self, rule: Word = "", topic: Word = "", before: Before = None) -> Response:
        """List alerts, the latest first."""
        archive, rule, topic = self._archive(), rule.strip(), topic.strip()
        newest = await archive.newest()
        listing = await listed_alerts(archive, PAGE, before, rule, topic)
        named = {id_ for row in listing.rows for id_ in row.alert.topics} | {topic} - {""}
        _, topics = await choices(archive, set(), named)
        others = await archive.alerts(None, PAGE) if rule or topic or before else ()
        rules = rule_names([*others, *listing.rows])
        return self._render(
            "alerts.html",
            listing=listing,
            titles=await archive.titles({row.alert.article.source for row in listing.rows}),
            topics=topics,
            rules=Choice(rules, rules, whole=True),
            chosen={"rule": rule, "topic": topic},
            before=before,
            position=self._position(newest) if before is None else "",
        )

    async def topics(self, after: After = "", start: From = "") -> Response:
        """List the topics by name, and take a new one."""
        archive, start = self._archive(), start.strip()
        topics = await archive.topics_by_name(after, start, TOPICS + 1)
        shown = topics[:TOPICS]
        ids = [topic.id for topic in shown]
        return self._render(
            "topics.html",
            topics=shown,
            matches=await archive.match_counts(ids, self._clock.now() - LATELY),
            errors=(await topics_with(archive, ids)).errors,
            more=len(topics) > TOPICS,
            after=after,
            start=start,
        )

    async def topic(self, topic_id: TopicId) -> Response:
        """Show one topic with its query, and its latest articles."""
        archive = self._archive()
        topic = await archive.topic(topic_id)
        if topic is None:
            raise HTTPException(404, "There is no such topic.")
        rows = await archive.articles(ArticleFilter(topic=topic_id, limit=LATEST))
        return self._render(
            "topic.html",
            topic=topic,
            error=(await topics_with(archive, [topic_id])).errors.get(topic_id),
            rows=rows,
            titles=await archive.titles({row.article.source for row in rows}),
        )

    async def sources(self, after: After = "", start: From = "") -> Response:
        """List the sources and how their polls go, by name."""
        archive, start = self._archive(), start.strip().lower()
        states = await archive.sources(after, SOURCES + 1, start)
        shown = states[:SOURCES]
        return self._render(
            "sources.html",
            states=shown,
            awaiting=await archive.awaiting_pages([state.source.name for state in shown]),
            more=len(states) > SOURCES,
            after=after,
            start=start,
        )

    async def source(self, name: SourceName) -> Response:
        """Show one source with its last polls."""
        archive = self._archive()
        state = await archive.source(name)
        if state is None:
            raise HTTPException(404, "This source is not followed.")
        hub = await archive.hub_subscription_of(name)
        awaiting = (await archive.awaiting_pages([name])).get(name, 0)
        rows = await archive.articles(ArticleFilter(source=name, limit=LATEST))
        return self._render("source.html", state=state, awaiting=awaiting, hub=hub, rows=rows)

    async def icon(self) -> Response:
        """Return the icon that browsers ask for where a page names none."""
        return FileResponse(STATIC / "icon.svg")

    def error(self, request: Request, status: int, title: str, detail: str) -> Response:
        """Return a page that says what went wrong."""
        listing = next((page for page in LISTINGS if request.url.path.startswith(page)), "/")
        return self._render(
            "error.html",
            status_code=status,
            status=status,
            title=title.capitalize(),
            why=detail,
            listing=listing,
        )

    def _render(self, template: str, status_code: int = 200, **values: Any) -> HTMLResponse:
        text = self._templates.get_template(template).render(quote=_quoted, **values)
        return HTMLResponse(text, status_code=status_code)


def _trouble(failing: int, looked_at: int) -> str:
    """Return how many sources could not be read, where that are enough for a reader to know."""
    if failing * FEW < looked_at or not failing:
        return ""
    of_all = f"{looked_at:,}" if looked_at < LOOKED_AT else f"the first {looked_at:,}"
    return f"{failing:,} of {of_all} sources could not be read when they were last asked"


def _quoted(text: str) -> str:
    return quote(text, safe="")
