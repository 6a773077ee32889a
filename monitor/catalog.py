"""Keeps a process's matcher as the topics are in the database, whoever changes them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from monitor import telemetry
from monitor.declarations import taken_over, unmade_topics
from monitor.errors import Unavailable
from monitor.model import AlertRule, Article, ArticleFilter, Topic, WordList
from monitor.protocols import Articles, Topics
from monitor.topics.current import AT_ONCE, CurrentTopics
from monitor.topics.matcher import Matcher, finder_for, frequencies_of
from monitor.topics.query import QueryError

log = logging.getLogger(__name__)

LOOK = 0.5
"""Seconds between two looks at the revision."""
SAMPLE = 500
"""Articles whose words tell the matcher which are rare."""


class Stored(Topics, Articles, Protocol):
    """What a catalog needs of storage."""


class Life(Protocol):
    """What a catalog needs of the process that it runs in."""

    stop: asyncio.Event

    async def pause(self, seconds: float) -> None:
        """Wait, but no longer than until told to stop."""


class Catalog:
    """The topics as they are now: `match` tags articles with them."""

    def __init__(self, store: Stored, health: telemetry.Health) -> None:
        self._store = store
        self._health = health
        self._matcher: Matcher | None = None
        self._current = CurrentTopics()
        self._told: dict[str, str] = {}

    @property
    def versions(self) -> Mapping[str, int]:
        """The version of each topic that articles are tagged with."""
        return {name: running.version for name, running in self._current.running.items()}

    async def declare(
        self,
        topics: Sequence[Topic],
        lists: Sequence[WordList],
        rules: Sequence[AlertRule] = (),
    ) -> None:
        """Make the declared topics those of the files, before the first article is tagged.

        What becomes of topics that a user made, and which topics of rules there are not, is a
        warning in the log. Raises Unavailable or Rejected.
        """
        taken = await self._store.declare_topics(topics, lists)
        await self.refresh()
        for warning in (*taken_over(taken), *unmade_topics(rules, self._current.topics)):
            log.warning("%s", warning)

    async def refresh(self) -> bool:
        """Take over what has changed since the last time; return whether anything has.

        A topic whose query does not hold any more, because a topic or a list that it uses is
        gone, keeps the query that it had. Raises Unavailable.
        """
        current = self._current
        if await self._store.catalog_revision() == current.revision:
            return False
        change = await self._store.catalog_since(current.revision)
        if self._matcher is None:
            recent = await self._store.articles(ArticleFilter(limit=SAMPLE))
            frequencies = frequencies_of(row.article for row in recent)
            self._matcher = Matcher(frequencies, finder_for(len(change.topics)))
        current, otherwise = await current.after(change)
        self._current = current
        for place, name in enumerate(sorted(otherwise), 1):
            running = current.running.get(name)
            if running is None:
                self._matcher.drop(name)
            else:
                self._matcher.put(name, running.query.root, running.version)
            if place % AT_ONCE == 0:
                await asyncio.sleep(0)
        self._tell(current.errors)
        await self._keep(current.parsed_anew(change), change.revision)
        return True

    async def keep(self, life: Life) -> None:
        """Take over changes until told to stop."""
        while not life.stop.is_set():
            await self.look()
            await life.pause(LOOK)

    async def look(self) -> None:
        """Take over changes; while the database is away, the topics stay as they are."""
        try:
            if await self.refresh():
                log.info(
                    "%d topics, as of revision %d",
                    len(self._current.running),
                    self._current.revision,
                )
        except Unavailable as error:
            log.debug("topics: %s", error)

    async def match(
        self, articles: Sequence[Article]
    ) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
        """Return for each article the ids of its topics, sorted, and their versions.

        Raises Unavailable where the topics were never read yet.
        """
        if self._matcher is None:
            await self.refresh()
        matcher = self._matcher
        if matcher is None:
            raise Unavailable("the topics have not been read yet")
        return [(found, tuple(map(matcher.version_of, found))) for found in matcher.match(articles)]

    async def _keep(self, trees: Mapping[str, bytes], revision: int) -> None:
        if trees:
            try:
                await self._store.keep_trees(trees, revision)
            except Unavailable as error:  # then the next start takes longer, no more
                log.debug("topics: %s", error)

    def _tell(self, errors: Mapping[str, QueryError]) -> None:
        for name, error in errors.items():
            if self._told.get(name) != str(error):
                log.error("topic '%s' is as it was before its last change: %s", name, error)
        self._told = {name: str(error) for name, error in errors.items()}
        if errors:
            text = f"do not hold: {', '.join(sorted(errors))}"
            self._health.report("topics", "degraded", text)
        else:
            self._health.report("topics", "ok")
