"""The topics as the API and the pages need them, as they are now."""

from __future__ import annotations

import asyncio

from monitor.model import Topic
from monitor.protocols import Topics
from monitor.text.words import fold
from monitor.topics.current import CurrentTopics
from monitor.topics.tree import Node


class TopicsNow:
    """Takes over what has changed, whenever somebody asks."""

    def __init__(self) -> None:
        self._current = CurrentTopics()
        self._taking = asyncio.Lock()

    async def read(self, archive: Topics) -> CurrentTopics:
        """Return the topics, which nobody else changes. Raises Unavailable."""
        if await archive.catalog_revision() != self._current.revision:
            async with self._taking:
                change = await archive.catalog_since(self._current.revision)
                self._current, _ = await self._current.after(change)
        return self._current


def names_of(current: CurrentTopics) -> dict[str, str]:
    """Return what people call the topics, by id, in the order of the names."""
    return {topic.id: topic.name for topic in sorted_topics(current)}


def queries_of(current: CurrentTopics) -> dict[str, Node]:
    """Return the queries that articles are tagged with, by id."""
    return {name: running.query.root for name, running in current.running.items()}


def sorted_topics(current: CurrentTopics) -> list[Topic]:
    """Return all topics by name, as people sort them: capitals and accents do not count."""
    return sorted(current.topics.values(), key=lambda topic: (fold(topic.name), topic.id))
