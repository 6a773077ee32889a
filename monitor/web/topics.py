"""The topics that a request is about, with what belongs to them; of 100,000 it reads no others."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence, Set

from monitor.model import Topic
from monitor.protocols import TopicParts
from monitor.topics.compile import names_in
from monitor.topics.current import CurrentTopics
from monitor.topics.tree import Node
from monitor.topics.used import used


async def topics_with(archive: TopicParts, names: Collection[str]) -> CurrentTopics:
    """Return the topics and word lists of these names, and all that they use. Raises
    Unavailable."""
    current, _ = await CurrentTopics().after(await used(archive, names))
    return current


async def topics_around(archive: TopicParts, topic: Topic) -> CurrentTopics:
    """Return a topic, those that use it, and all that these and its new query use. Raises
    Unavailable."""
    using = await archive.topics_using()
    users = await asyncio.to_thread(_all_users, using, topic.id)
    return await topics_with(archive, {topic.id, *users, *names_in(topic.query)})


async def users_of(archive: TopicParts, name: str) -> Sequence[str]:
    """Return the ids of the topics that use a topic themselves, sorted. Raises Unavailable."""
    using = await archive.topics_using()
    return [topic.id for topic in using if name in names_in(topic.query)]


def queries_of(current: CurrentTopics) -> dict[str, Node]:
    """Return the queries that articles are tagged with, by id."""
    return {name: running.query.root for name, running in current.running.items()}


def _all_users(topics: Iterable[Topic], name: str) -> Set[str]:
    """Return which of the topics use a name, by way of others, too."""
    users: defaultdict[str, list[str]] = defaultdict(list)
    for topic in topics:
        for name_used in names_in(topic.query):
            users[name_used].append(topic.id)
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = set(users[waiting.pop()]) - found
        found |= new
        waiting += new
    return found
