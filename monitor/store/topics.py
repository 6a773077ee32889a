"""Topics and word lists: declared in files, or made by users at run time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Executable, bindparam, delete, select, update

from monitor.errors import Rejected
from monitor.model import Owner, Topic, WordList
from monitor.store.dialect import Dialect, Lock
from monitor.store.sql import Database
from monitor.store.tables import CATALOG, TOPIC, WORD_LIST

_pack = msgspec.msgpack.Encoder().encode
_unpack_topic = msgspec.msgpack.Decoder(Topic).decode
_unpack_list = msgspec.msgpack.Decoder(WordList).decode


class SqlTopics:
    """Topics as rows; whatever changes one raises the catalog's revision in the same transaction,
    by which other processes see that something has changed."""

    _database: Database

    async def declare_topics(self, topics: Sequence[Topic], lists: Sequence[WordList]) -> None:
        """Make the operator's topics and the word lists those of the files.

        A query or stemmer that is another than it was raises the topic's version. What a user
        made under a declared name becomes the operator's. Raises Unavailable or Rejected.
        """

        def work(connection: Connection) -> bool:
            stored = _stored(connection)
            declared = {topic.id: topic for topic in topics}
            gone = [
                topic.id
                for topic in stored.values()
                if topic.owner is Owner.CONFIG and topic.id not in declared
            ]
            own = [replace(topic, owner=Owner.CONFIG) for topic in topics]
            changed = [new for topic in own if (new := _versioned(topic, stored)) is not None]
            self._write(connection, changed, gone)
            return bool(changed or gone) | self._write_lists(connection, lists)

        await self._changing(work)

    async def add_topic(self, topic: Topic) -> None:
        """Add a user's topic. Raises Unavailable, or Rejected where the id is taken."""

        def work(connection: Connection) -> bool:
            if topic.id in _stored(connection):
                raise Rejected(f"there is a topic '{topic.id}' already")
            self._write(connection, [replace(topic, owner=Owner.USER, version=1)], ())
            return True

        await self._changing(work)

    async def change_topic(self, topic: Topic) -> None:
        """Replace a user's topic. Raises Unavailable, or Rejected where there is none, or where
        the operator declares it."""

        def work(connection: Connection) -> bool:
            stored = _stored(connection)
            _own(stored, topic.id)
            new = _versioned(replace(topic, owner=Owner.USER), stored)
            self._write(connection, [] if new is None else [new], ())
            return new is not None

        await self._changing(work)

    async def remove_topic(self, topic_id: str) -> None:
        """Remove a user's topic; articles keep it. Raises as `change_topic`."""

        def work(connection: Connection) -> bool:
            _own(_stored(connection), topic_id)
            self._write(connection, (), [topic_id])
            return True

        await self._changing(work)

    async def topics(self) -> Sequence[Topic]:
        """Return all topics by id. Raises Unavailable."""
        return await self._database.read(lambda connection: list(_stored(connection).values()))

    async def topic(self, topic_id: str) -> Topic | None:
        """Return one topic. Raises Unavailable."""

        def work(connection: Connection) -> Topic | None:
            packed = connection.execute(_ONE, {"wanted": topic_id}).scalar_one_or_none()
            return None if packed is None else _unpack_topic(packed)

        return await self._database.read(work)

    async def word_lists(self) -> Sequence[WordList]:
        """Return all word lists by name. Raises Unavailable."""

        def work(connection: Connection) -> list[WordList]:
            return [_unpack_list(packed) for (packed,) in connection.execute(_LISTS)]

        return await self._database.read(work)

    async def catalog_revision(self) -> int:
        """Return a number that every change raises. Raises Unavailable."""

        def work(connection: Connection) -> int:
            found: int = connection.execute(_REVISION).scalar_one()
            return found

        return await self._database.read(work)

    async def _changing(self, work: Callable[[Connection], bool]) -> None:
        dialect = self._database.dialect

        def whole(connection: Connection) -> None:
            dialect.lock(connection, Lock.TOPICS)
            if work(connection):
                connection.execute(_RAISE)

        await self._database.write(whole)

    def _write(self, connection: Connection, changed: Sequence[Topic], gone: Sequence[str]) -> None:
        dialect = self._database.dialect
        if gone:
            connection.execute(_delete(dialect), {"ids": dialect.listed(list(gone))})
        if changed:
            rows = [
                {"id": topic.id, "owner": topic.owner.value, "definition": _pack(topic)}
                for topic in changed
            ]
            connection.execute(_upsert(dialect), rows)

    def _write_lists(self, connection: Connection, lists: Sequence[WordList]) -> bool:
        stored = [_unpack_list(packed) for (packed,) in connection.execute(_LISTS)]
        wanted = sorted(lists, key=lambda words: words.name)
        if stored == wanted:
            return False
        connection.execute(delete(WORD_LIST))
        if wanted:
            rows = [{"name": words.name, "definition": _pack(words)} for words in wanted]
            connection.execute(WORD_LIST.insert(), rows)
        return True


def _stored(connection: Connection) -> dict[str, Topic]:
    topics = (_unpack_topic(packed) for (packed,) in connection.execute(_TOPICS))
    return {topic.id: topic for topic in topics}


def _versioned(topic: Topic, stored: dict[str, Topic]) -> Topic | None:
    """Return a topic with the version that it has now; None where it is as it was."""
    before = stored.get(topic.id)
    if before is None:
        return replace(topic, version=1)
    matches_alike = (before.query, before.stem) == (topic.query, topic.stem)
    new = replace(topic, version=before.version + (not matches_alike))
    return None if new == before else new


def _own(stored: dict[str, Topic], topic_id: str) -> None:
    topic = stored.get(topic_id)
    if topic is None:
        raise Rejected(f"there is no topic '{topic_id}'")
    if topic.owner is not Owner.USER:
        raise Rejected(f"topic '{topic_id}' is declared in the operator's file, change it there")


@cache
def _delete(dialect: Dialect) -> Executable:
    return delete(TOPIC).where(dialect.among(TOPIC.c.id, "ids"))


@cache
def _upsert(dialect: Dialect) -> Executable:
    insert: Any = dialect.insert(TOPIC)
    statement: Executable = insert.on_conflict_do_update(
        index_elements=["id"],
        set_={column.name: insert.excluded[column.name] for column in TOPIC.c},
    )
    return statement


_TOPICS = select(TOPIC.c.definition).order_by(TOPIC.c.id)
_ONE = select(TOPIC.c.definition).where(TOPIC.c.id == bindparam("wanted"))
_LISTS = select(WORD_LIST.c.definition).order_by(WORD_LIST.c.name)
_REVISION = select(CATALOG.c.revision)
_RAISE = update(CATALOG).values(revision=CATALOG.c.revision + 1)
