"""The topics as they are now: only what a change touches is parsed again."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass

from monitor.model import CatalogChange, Topic, WordList
from monitor.topics.compile import Compiled, compile_topics, names_in
from monitor.topics.packed import is_current, pack, unpack
from monitor.topics.query import Query, QueryError

AT_ONCE = 100
"""Topics that may be parsed while everything else waits."""


@dataclass(frozen=True, slots=True)
class Running:
    """A query that articles are held against, and the topic's version that it is of."""

    query: Query
    version: int


class CurrentTopics:
    """Topics and word lists, their queries, and what uses what.

    A topic whose query does not hold keeps the query that it had: see `running` and `errors`.
    """

    def __init__(self) -> None:
        self.revision = -1
        self.topics: dict[str, Topic] = {}
        self.lists: dict[str, WordList] = {}
        self.running: dict[str, Running] = {}
        self.errors: dict[str, QueryError] = {}
        self._users: dict[str, set[str]] = defaultdict(set)

    def take(self, change: CatalogChange) -> Set[str]:
        """Take over a change; return the ids of topics that run otherwise, or no more.

        Takes as long as it takes to parse what has changed, what uses it, and what these use; less
        where it was parsed before, by whomever.
        """
        gone = {*change.removed_topics, *change.removed_lists}
        touched = {topic.id for topic in change.topics} | {words.name for words in change.lists}
        self._replace(change)
        affected = self._using(touched | gone)
        queries = self._known(affected, change.trees)
        compiled = self._compiled(affected - queries.keys(), {})
        queries.update(compiled.queries)
        otherwise = {name for name in change.removed_topics if self.running.pop(name, None)}
        for name in affected:
            error = compiled.errors.get(name)
            if error is not None:
                self.errors[name] = error
                continue
            self.errors.pop(name, None)
            if name in self.topics:
                running = Running(queries[name], self.topics[name].version)
                if self.running.get(name) != running:
                    self.running[name] = running
                    otherwise.add(name)
        self.revision = change.revision
        return otherwise

    async def after(self, change: CatalogChange) -> tuple[CurrentTopics, Set[str]]:
        """Return the topics after a change, and what `take` returns.

        Much is taken over in a thread, by a copy, since others may look at these meanwhile.
        """
        if len(change.topics) <= AT_ONCE:
            return self, self.take(change)
        copy = CurrentTopics()
        copy.topics, copy.lists = dict(self.topics), dict(self.lists)
        copy.running, copy.errors = dict(self.running), dict(self.errors)
        copy._users.update((name, set(users)) for name, users in self._users.items())
        return copy, await asyncio.to_thread(copy.take, change)

    def parsed_anew(self, change: CatalogChange) -> dict[str, bytes]:
        """Return, packed, the queries of a change that `take` had to parse, so that next time none
        has to; but not those that use others, of whose parts they consist."""
        return {
            topic.id: pack(self.running[topic.id].query.root)
            for topic in change.topics
            if topic.id in self.running
            and topic.id not in self.errors
            and not is_current(change.trees.get(topic.id, b""))
            and not _used_by(topic)
        }

    def problems_with(self, topic: Topic) -> Mapping[str, QueryError]:
        """Return what would be wrong, by id, if a topic were as it is given: with itself, or with
        those that use it and hold now."""
        affected = self._using({topic.id})
        errors = self._compiled(affected, {topic.id: topic}).errors
        return {
            name: error
            for name, error in errors.items()
            if name == topic.id or (name in affected and name not in self.errors)
        }

    def compiled_for(self, query: str) -> Compiled:
        """Return what a query may use, compiled."""
        return self._compiled(names_in(query), {})

    def users_of(self, name: str) -> list[str]:
        """Return the ids of the topics that use a topic or a word list themselves, sorted."""
        return sorted(self._users.get(name, ()))

    def _replace(self, change: CatalogChange) -> None:
        for name in {*change.removed_topics, *(topic.id for topic in change.topics)}:
            before = self.topics.pop(name, None)
            for used in _used_by(before) if before else ():
                self._users[used].discard(name)
        for name in change.removed_lists:
            self.lists.pop(name, None)
        self.lists.update((words.name, words) for words in change.lists)
        for topic in change.topics:
            self.topics[topic.id] = topic
            for used in _used_by(topic):
                self._users[used].add(topic.id)

    def _known(self, names: Set[str], trees: Mapping[str, bytes]) -> dict[str, Query]:
        """Return queries that were parsed before, of topics that depend on nothing else, nor does
        anything on them."""
        found: dict[str, Query] = {}
        for name in names & trees.keys():
            alone = not (_used_by(self.topics[name]) or self._users.get(name))
            if alone and name not in self.lists:
                root = unpack(trees[name])
                if root is not None:
                    found[name] = Query(root)
        return found

    def _using(self, names: Iterable[str]) -> set[str]:
        return _closure(names, lambda name: self._users.get(name, ()))

    def _compiled(self, names: Iterable[str], instead: Mapping[str, Topic]) -> Compiled:
        """Compile what is named and all that it uses, with some topics as they are given."""

        def topic_of(name: str) -> Topic | None:
            return instead.get(name) or self.topics.get(name)

        def used_by(name: str) -> Iterable[str]:
            topic = topic_of(name)
            return _used_by(topic) if topic else ()

        # What is given comes last: then its own mistakes are told of it, not of what it uses.
        needed = sorted(_closure(names, used_by), key=lambda name: (name in instead, name))
        topics = [topic for name in needed if (topic := topic_of(name))]
        return compile_topics(topics, [self.lists[name] for name in needed if name in self.lists])


def _used_by(topic: Topic) -> Collection[str]:
    """Return the names that a topic's query may use; most use none, and are not looked through."""
    return names_in(topic.query) if "@" in topic.query else ()


def _closure(names: Iterable[str], more: Callable[[str], Iterable[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(more(name))
    return found
