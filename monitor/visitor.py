"""One visit to a host: a source's poll, an article's page, or what a hub has pushed.

A visit asks, reads and decides, and writes nothing: what came of it is recorded by the poller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from monitor.decide import (
    Found,
    Happened,
    after_push,
    apart,
    changes,
    conclude,
    forgotten,
    host_after,
    outside_skips,
    page_again,
    with_page,
)
from monitor.errors import MonitorError, Rejected
from monitor.known import Gathered
from monitor.model import (
    Article,
    Document,
    NotModified,
    PageVisit,
    Parsed,
    PendingPage,
    Poll,
    Push,
    Robots,
    Source,
    SourceState,
    Turn,
)
from monitor.protocols import Clock, Fetcher, Getter, Parser, Sources, Turns
from monitor.sources import TYPES
from monitor.sources.discover import resolve
from monitor.sources.parts import with_parts
from monitor.sources.singly import read_singly
from monitor.sources.slugs import is_made
from monitor.visit import Visit

PAGE_BYTES = 5_000_000
NONE: Mapping[str, Robots] = MappingProxyType({})


class Kept(Turns, Sources, Protocol):
    """What a visit needs of storage."""


@dataclass(slots=True)
class Visitor:
    """`fetchers` are by source type, `web` gets any other address; `agent` is our User-Agent."""

    store: Kept
    fetchers: Mapping[str, Fetcher]
    web: Getter
    parser: Parser
    clock: Clock
    agent: str
    _known: Gathered = field(init=False)

    def __post_init__(self) -> None:
        self._known = Gathered(self.store, self.clock)

    async def poll(self, turn: Turn, *, by_hand: bool = False) -> Poll:
        """Poll the source of a turn; a failure of the source becomes part of the result.

        Raises Unavailable where the database is away, which is not the source's fault.
        """
        self._known.polling += 1
        try:
            return await self._poll(turn, by_hand)
        finally:
            self._known.polling -= 1

    async def _poll(self, turn: Turn, by_hand: bool) -> Poll:
        visit, started = self._visit(turn), self.clock.now()
        state, parsed, error = _state_of(turn), None, None
        conditional = bool(state.memory.etag or state.memory.last_modified)
        try:
            state = await self._resolved(state, visit)
            parsed = await self._parsed(state, visit)
        except MonitorError as failure:
            error = failure
        found = await self._found(state, parsed) if parsed else Found()
        happened = Happened(
            started=started,
            ended=self.clock.now(),
            answer=visit.answer,
            parsed=parsed,
            found=found,
            error=error,
            asked=visit.asked(error, conditional=conditional),
            crawl_delay=visit.delay,
            by_hand=by_hand,
        )
        if state is not turn.state:
            turn = replace(turn, state=state)
        return self._recordable(turn, happened, visit.learned)

    def postponed(self, turn: Turn, *, by_hand: bool = False) -> Poll | None:
        """Return the poll that asks nobody, where the source does not wish to be asked: before a
        Retry-After ends; or, unless it is polled by hand, at an hour or on a day that it skips."""
        state, now = _state_of(turn), self.clock.now()
        at = max(now, state.memory.quiet_until or now)
        if not by_hand:
            at = outside_skips(at, state.memory.hints, state.source.name)
        if at == now:
            return None
        at = max(at, state.next_poll_at)
        return replace(_unasked(turn, now), next_poll_at=at, postponed=True)

    def failed(self, turn: Turn, error: Rejected) -> Poll | PageVisit:
        """Return how a visit ends that met a bug, or articles that the database refuses."""
        now = self.clock.now()
        if turn.page is None:
            return self._recordable(turn, Happened(started=now, ended=now, error=error))
        return PageVisit(
            host=turn.host,
            host_next_at=turn.host_next_at or now,
            page=turn.page,
            article=None if turn.page.released else turn.page.article,
            throttled_by=turn.throttled_by,
        )

    async def see_page(self, turn: Turn) -> PageVisit:
        """Fetch the page of a turn's article; without it the article is as the source said.

        Raises Unavailable where the database is away.
        """
        visit, started, page = self._visit(turn), self.clock.now(), _page_of(turn)
        state = await self.store.source(page.article.source)
        agent = state.source.user_agent if state else ""
        error: MonitorError | None = None
        article: Article | None = None
        again: PendingPage | None = None
        try:
            document = await self._page(page.article.url, visit, agent)
            text = await self.parser.extract(document)
            made = is_made(page.article.title, page.article.url)
            article = with_page(page.article, text, untitled=made)
        except MonitorError as failure:
            error = failure
            again = page_again(page, self.clock.now(), failure)
        if article is None and again is None and not page.released:
            article = page.article
        plan = host_after(
            page.article.url,
            started=started,
            ended=self.clock.now(),
            requests=visit.requests,
            crawl_delay=visit.delay,
            throttled_by=turn.throttled_by,
            error=error,
        )
        return PageVisit(
            host=turn.host,
            host_next_at=plan.next_at,
            page=page,
            article=article,
            again=again,
            asked=visit.asked(error),
            throttled_by=plan.throttled_by,
            robots=visit.learned,
        )

    async def take(self, turn: Turn, push: Push) -> Poll:
        """Read what a hub has pushed for a turn's source: a poll that asks nobody anything."""
        state, now = _state_of(turn), self.clock.now()
        poll = _unasked(turn, now)
        source = _effective(state)
        try:
            # Without its memory: a push may hold a part of the feed, and none of it is skipped.
            whole = replace(forgotten(state.memory), reader=state.memory.reader)
            parsed = await self.parser.parse(source, push.document, whole)
        except Rejected:
            return replace(poll, refused=push.document)
        found = await self._found(state, parsed)
        memory, change = after_push(state, found, now)
        articles, pages = apart(source, found, now=now)
        return replace(poll, memory=memory, change=change, articles=articles, pages=pages)

    def _visit(self, turn: Turn) -> Visit:
        return Visit(self.web, self.clock, self.agent, dict(turn.robots))

    async def _resolved(self, state: SourceState, visit: Visit) -> SourceState:
        """Return the state with what a `site` or `auto` source is followed by."""
        if not TYPES[state.source.type].resolves or state.memory.chosen_type:
            return state
        finding = await resolve(state, visit, self.parser, now=self.clock.now(), agent=self.agent)
        before = state.memory.moved_from
        same = finding.location == before
        memory = replace(
            forgotten(state.memory),
            chosen_type=finding.type,
            chosen_location=finding.location,
            chosen_why=finding.why,
            moved_from="" if same else before,
            imported=same and state.memory.imported,  # what another one shows is old news
        )
        return replace(state, memory=memory)

    async def _parsed(self, state: SourceState, visit: Visit) -> Parsed | None:
        """Return what a source's documents hold, None where nothing has changed."""
        source = _effective(state)
        if source.type == "page":
            await visit.ask_leave(source.location, source.user_agent)
        visit.requests += 1
        visit.answer = answer = await self.fetchers[source.type].fetch(state)
        if isinstance(answer, NotModified):
            return None
        try:
            parsed = await self.parser.parse(source, answer, state.memory)
        except Rejected:
            singly = await read_singly(source, answer, state.memory, self.parser, self.clock)
            if singly is None:
                raise
            parsed, visit.answer = singly
        if parsed.further:
            parsed, visit.answer = await with_parts(
                parsed, answer, source, state.memory, visit, self.parser, self.clock
            )
        return parsed

    async def _found(self, state: SourceState, parsed: Parsed) -> Found:
        known = await self._known.known([article.id for article in parsed.articles])
        first = not state.memory.imported
        return changes(parsed.articles, known, state.source, first, self.clock.now())

    def _recordable(
        self, turn: Turn, happened: Happened, robots: Mapping[str, Robots] = NONE
    ) -> Poll:
        end = conclude(turn, happened)
        state = _state_of(turn)
        articles, pages = apart(_effective(state), happened.found, now=happened.ended)
        parsed = happened.parsed or Parsed()
        refused = happened.answer if isinstance(happened.error, Rejected) else parsed.refused
        return Poll(
            source=state.source.name,
            host=turn.host,
            next_poll_at=end.next_poll_at,
            host_next_at=end.host_next_at,
            memory=end.memory,
            articles=articles,
            pages=pages,
            asked=happened.asked,
            change=end.change,
            location=end.location,
            throttled_by=end.throttled_by,
            refused=refused if isinstance(refused, Document) else None,
            why=parsed.why,
            robots=robots,
        )

    async def _page(self, url: str, visit: Visit, agent: str) -> Document:
        await visit.ask_leave(url, agent)
        visit.answer = document = await visit.get(url, max_bytes=PAGE_BYTES, user_agent=agent)
        return document


def _unasked(turn: Turn, now: datetime) -> Poll:
    """Return a poll that leaves everything as it was."""
    state = _state_of(turn)
    return Poll(
        source=state.source.name,
        host=turn.host,
        next_poll_at=state.next_poll_at,
        host_next_at=turn.host_next_at or now,
        memory=state.memory,
        throttled_by=turn.throttled_by,
    )


def _state_of(turn: Turn) -> SourceState:
    if turn.state is None:
        raise ValueError(f"the turn of {turn.host} has no source")
    return turn.state


def _page_of(turn: Turn) -> PendingPage:
    if turn.page is None:
        raise ValueError(f"the turn of {turn.host} has no page")
    return turn.page


def _effective(state: SourceState) -> Source:
    """Return the source as what it was resolved to."""
    memory, source = state.memory, state.source
    if not memory.chosen_location:
        return source
    return replace(source, type=memory.chosen_type or source.type, location=memory.chosen_location)
