"""What a query uses: the topics and word lists that it names, and what those name in turn."""

from __future__ import annotations

from collections.abc import Collection

from monitor.model import CatalogChange, Topic, WordList
from monitor.protocols import TopicParts
from monitor.topics.compile import names_in


async def used(archive: TopicParts, names: Collection[str]) -> CatalogChange:
    """Return the topics and word lists of these names, and all that they use, as a change that
    adds them. Raises Unavailable."""
    topics: list[Topic] = []
    lists: list[WordList] = []
    trees: dict[str, bytes] = {}
    seen: set[str] = set()
    wanted = set(names)
    while wanted:
        seen |= wanted
        part = await archive.catalog_of(wanted)
        topics += part.topics
        lists += part.lists
        trees |= part.trees
        wanted = {name for topic in part.topics for name in names_in(topic.query)} - seen
    return CatalogChange(revision=0, topics=tuple(topics), lists=tuple(lists), trees=trees)
