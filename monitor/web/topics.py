"""The topics as pages need them: their names and queries, as they are now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.model import Topic
from monitor.protocols import Archive
from monitor.topics.compile import compile_topics
from monitor.topics.tree import Node


@dataclass(frozen=True, slots=True)
class KnownTopics:
    """All topics by id, and the queries of those that hold."""

    topics: Mapping[str, Topic]
    queries: Mapping[str, Node]

    @property
    def names(self) -> Mapping[str, str]:
        """What people call them, by id."""
        return {topic.id: topic.name for topic in self.topics.values()}


class TopicsNow:
    """Reads the topics again when they have changed."""

    def __init__(self) -> None:
        self._revision = -1
        self._known = KnownTopics({}, {})

    async def read(self, archive: Archive) -> KnownTopics:
        """Return the topics. Raises Unavailable."""
        revision = await archive.catalog_revision()
        if revision != self._revision:
            topics, lists = await archive.topics(), await archive.word_lists()
            # In a thread: many topics take a while to be read.
            compiled = await asyncio.to_thread(compile_topics, topics, lists)
            queries = {name: query.root for name, query in compiled.queries.items()}
            self._known = KnownTopics({topic.id: topic for topic in topics}, queries)
            self._revision = revision
        return self._known
