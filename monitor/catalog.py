"""Keeps a process's matcher as the topics are in the database, whoever changes them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from monitor import telemetry
from monitor.errors import Unavailable
from monitor.model import Article, ArticleFilter
from monitor.protocols import Articles, Topics
from monitor.topics.compile import compile_topics
from monitor.topics.matcher import Matcher, frequencies_of
from monitor.topics.query import Query, QueryError

log = logging.getLogger(__name__)

LOOK = 0.5
"""Seconds between two looks at the revision."""
SAMPLE = 500
"""Articles whose words tell the matcher which are rare."""


class Stored(Topics, Articles, Protocol):
    """What a catalog needs of storage."""


class Catalog:
    """The topics as they are now: `match` tags articles with them."""

    def __init__(self, store: Stored, health: telemetry.Health) -> None:
        self._store = store
        self._health = health
        self._matcher: Matcher | None = None
        self._revision = -1
        self._queries: dict[str, tuple[Query, int]] = {}

    @property
    def versions(self) -> Mapping[str, int]:
        """The version of each topic that articles are tagged with."""
        return {topic_id: version for topic_id, (_, version) in self._queries.items()}

    async def refresh(self) -> bool:
        """Take over what has changed since the last time; return whether anything has.

        A topic whose query does not hold any more, because a topic or a list that it uses is
        gone, keeps the query that it had. Raises Unavailable.
        """
        revision = await self._store.catalog_revision()
        if self._matcher is None:
            recent = await self._store.articles(ArticleFilter(limit=SAMPLE))
            self._matcher = Matcher(frequencies_of(row.article for row in recent))
        if revision == self._revision:
            return False
        topics, lists = await self._store.topics(), await self._store.word_lists()
        compiled = compile_topics(topics, lists)
        wanted = dict(self._queries)
        for gone in self._queries.keys() - {topic.id for topic in topics}:
            del wanted[gone]
        for topic in topics:
            if topic.id in compiled.queries:
                wanted[topic.id] = (compiled.queries[topic.id], topic.version)
        self._take_over(self._matcher, wanted)
        self._revision = revision
        self._tell(compiled.errors)
        return True

    async def look(self) -> None:
        """Take over changes; while the database is away, the topics stay as they are."""
        try:
            if await self.refresh():
                log.info("%d topics, as of revision %d", len(self._queries), self._revision)
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

    def _take_over(self, matcher: Matcher, wanted: dict[str, tuple[Query, int]]) -> None:
        for topic_id in self._queries.keys() - wanted.keys():
            matcher.drop(topic_id)
        for topic_id, (query, version) in wanted.items():
            if self._queries.get(topic_id) != (query, version):
                matcher.put(topic_id, query.root, version)
        self._queries = wanted

    def _tell(self, errors: Mapping[str, QueryError]) -> None:
        for name, error in errors.items():
            log.error("topic '%s' is as it was before its last change: %s", name, error)
        if errors:
            text = f"do not hold: {', '.join(sorted(errors))}"
            self._health.report("topics", "degraded", text)
        else:
            self._health.report("topics", "ok")
