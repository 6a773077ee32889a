"""Topics and word lists: declared in files, or made by users at run time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Connection, Table, bindparam, false, func, select, update

from monitor.errors import Rejected
from monitor.model import CatalogChange, Owner, Topic, WordList
from monitor.store.columns import UTC_TIME
from monitor.store.dialect import Lock
from monitor.store.sql import Database
from monitor.store.tables import ARTICLE, ARTICLE_TOPIC, CATALOG, TOPIC, WORD_LIST
from monitor.text.words import fold

_pack = msgspec.msgpack.Encoder().encode
_unpack_topic = msgspec.msgpack.Decoder(Topic).decode
_unpack_list = msgspec.msgpack.Decoder(WordList).decode

AT_ONCE = 1_000
"""Parsed queries that are written in one transaction."""
SORTED = 200
"""Characters of a name by which topics are sorted."""

Rows = list[dict[str, Any]]
"""What is to be written of a table, without the revision."""


class SqlTopics:
    """Topics as rows; whatever changes one raises the catalog's revision in the same transaction,
    by which other processes see that something has changed."""

    _database: Database

    async def declare_topics(
        self, topics: Sequence[Topic], lists: Sequence[WordList]
    ) -> Sequence[str]:
        """Make the operator's topics and the word lists those of the files.

        A query or stemmer that is another than it was raises the topic's version. What a user
        made under a declared name becomes the operator's: the ids of these are returned, sorted.
        Raises Unavailable or Rejected.
        """
        taken: list[str] = []
        await self._change(partial(_declared, topics, lists, taken))
        return taken

    async def add_topic(self, topic: Topic) -> None:
        """Add a user's topic. Raises Unavailable, or Rejected where the name is taken."""

        def work(connection: Connection) -> tuple[Rows, Rows]:
            before = _row_of(connection, topic.id)
            if before is not None and not before.removed:
                raise Rejected(f"there is a topic '{topic.id}' already")
            if connection.execute(_LISTS.where(WORD_LIST.c.name == topic.id)).first():
                raise Rejected(f"a word list is called '{topic.id}': choose another name")
            return _as_rows([replace(topic, owner=Owner.USER)], {topic.id: before}), []

        await self._change(work)

    async def change_topic(self, topic: Topic) -> None:
        """Replace a user's topic, which has the version that it was read with. Raises Unavailable,
        or Rejected where it has another by now, where there is none, or where the operator
        declares it."""

        def work(connection: Connection) -> tuple[Rows, Rows]:
            row = _own(connection, topic.id)
            version = _unpack_topic(row.definition).version
            if version != topic.version:
                what = f"topic '{topic.id}' was changed meanwhile, its version is {version} now"
                raise Rejected(f"{what}: look at it again")
            return _as_rows([replace(topic, owner=Owner.USER)], {topic.id: row}), []

        await self._change(work)

    async def remove_topic(self, topic_id: str) -> None:
        """Remove a user's topic; articles keep it. Raises as `change_topic`."""
        await self._change(lambda connection: ([_removed_topic(_own(connection, topic_id))], []))

    async def topics(self) -> Sequence[Topic]:
        """Return all topics by id. Raises Unavailable."""

        def work(connection: Connection) -> list[Topic]:
            return [_unpack_topic(row.definition) for row in connection.execute(_TOPICS)]

        return await self._database.read(work)

    async def topic(self, topic_id: str) -> Topic | None:
        """Return one topic. Raises Unavailable."""

        def work(connection: Connection) -> Topic | None:
            row = _row_of(connection, topic_id)
            return None if row is None or row.removed else _unpack_topic(row.definition)

        return await self._database.read(work)

    async def word_lists(self) -> Sequence[WordList]:
        """Return all word lists by name. Raises Unavailable."""

        def work(connection: Connection) -> list[WordList]:
            return [_unpack_list(row.definition) for row in connection.execute(_LISTS)]

        return await self._database.read(work)

    async def catalog_revision(self) -> int:
        """Return a number that every change raises. Raises Unavailable."""
        return await self._database.read(_revision)

    async def catalog_since(self, revision: int) -> CatalogChange:
        """Return what has changed after a revision, everything after -1. Raises Unavailable."""

        def work(connection: Connection) -> CatalogChange:
            # Read first: what comes in between is read once more next time.
            last = _revision(connection)
            topics = connection.execute(_TOPICS_SINCE, {"after": revision}).all()
            lists = connection.execute(_LISTS_SINCE, {"after": revision}).all()
            return CatalogChange(
                revision=last,
                topics=tuple(_unpack_topic(row.definition) for row in topics if not row.removed),
                lists=tuple(_unpack_list(row.definition) for row in lists if not row.removed),
                removed_topics=tuple(row.id for row in topics if row.removed),
                removed_lists=tuple(row.name for row in lists if row.removed),
                trees={row.id: row.tree for row in topics if row.tree and not row.removed},
            )

        return await self._database.read(work)

    async def keep_trees(self, trees: Mapping[str, bytes], revision: int) -> None:
        """Remember parsed queries of topics that have not changed after a revision.

        Nobody is told: what they say is what the queries say. Raises Unavailable.
        """
        rows = [{"which": id_, "packed": packed} for id_, packed in trees.items()]
        for start in range(0, len(rows), AT_ONCE):  # others want to write meanwhile
            part = [row | {"until": revision} for row in rows[start : start + AT_ONCE]]
            await self._database.write(partial(_keep, part))

    async def matches_since(self, since: datetime) -> Mapping[str, int]:
        """Return how many articles fetched since then have each topic. Raises Unavailable."""

        def work(connection: Connection) -> dict[str, int]:
            rows = connection.execute(_MATCHES, {"since": since})
            return {topic: count for topic, count in rows}

        return await self._database.read(work)

    async def _change(self, work: Callable[[Connection], tuple[Rows, Rows]]) -> None:
        """Write the rows of topics and of word lists that `work` returns."""
        dialect = self._database.dialect

        def whole(connection: Connection) -> None:
            dialect.lock(connection, Lock.TOPICS)
            topics, lists = work(connection)
            if not (topics or lists):
                return
            connection.execute(_RAISE)
            revision = {"revision": _revision(connection)}
            for table, rows in ((TOPIC, topics), (WORD_LIST, lists)):
                if rows:
                    upsert = _upsert(dialect.insert(table), table)
                    connection.execute(upsert, [row | revision for row in rows])

        await self._database.write(whole)


def _declared(
    topics: Sequence[Topic],
    lists: Sequence[WordList],
    taken: list[str],
    connection: Connection,
) -> tuple[Rows, Rows]:
    stored = {row.id: row for row in connection.execute(select(*_DEFINED))}
    own = {topic.id: replace(topic, owner=Owner.CONFIG) for topic in topics}
    taken[:] = sorted(
        name
        for name, row in stored.items()
        if name in own and not row.removed and _unpack_topic(row.definition).owner is Owner.USER
    )
    rows = _as_rows(own.values(), stored)
    rows += [
        _removed_topic(row)
        for name, row in stored.items()
        if not (name in own or row.removed) and _unpack_topic(row.definition).owner is Owner.CONFIG
    ]
    known = {row.name: row for row in connection.execute(select(WORD_LIST))}
    wanted = {words.name: _pack(words) for words in lists}
    changed: Rows = [
        {"name": name, "removed": False, "definition": packed}
        for name, packed in wanted.items()
        if name not in known or known[name].removed or known[name].definition != packed
    ]
    changed += [
        _removed(row, "name") for name, row in known.items() if not (name in wanted or row.removed)
    ]
    return rows, changed


def _as_rows(topics: Iterable[Topic], stored: Mapping[str, Any]) -> Rows:
    """Return the rows of those topics that are new or another than before."""
    rows: Rows = []
    for topic in topics:
        row = stored.get(topic.id)
        before = None if row is None else _unpack_topic(row.definition)
        version = 1
        if before is not None:
            alike = (before.query, before.stem) == (topic.query, topic.stem)
            version = before.version + (not alike)
        new = replace(topic, version=version)
        if row is None or row.removed or new != before:
            rows.append(
                {"id": topic.id, "removed": False, "definition": _pack(new), **found_by(new)}
            )
    return rows


def found_by(topic: Topic) -> dict[str, Any]:
    """Return the columns by which a topic is found without being read."""
    return {"sort_key": sort_key(topic.name), "uses_names": "@" in topic.query}


def sort_key(name: str) -> str:
    """Return a name as people sort it: capitals and accents do not count."""
    # An index takes no more, and PostgreSQL no NUL.
    return fold(name).replace("\0", "")[:SORTED]


def _removed_topic(row: Any) -> dict[str, Any]:
    return {**_removed(row, "id"), "sort_key": row.sort_key, "uses_names": False}


def _removed(row: Any, key: str) -> dict[str, Any]:
    return {key: getattr(row, key), "removed": True, "definition": row.definition}


def _keep(rows: Rows, connection: Connection) -> None:
    connection.execute(_KEEP, rows)


def _row_of(connection: Connection, topic_id: str) -> Any | None:
    return connection.execute(_ONE, {"wanted": topic_id}).first()


def _own(connection: Connection, topic_id: str) -> Any:
    row = _row_of(connection, topic_id)
    if row is None or row.removed:
        raise Rejected(f"there is no topic '{topic_id}'")
    if _unpack_topic(row.definition).owner is not Owner.USER:
        raise Rejected(f"topic '{topic_id}' is declared in the operator's file, change it there")
    return row


def _revision(connection: Connection) -> int:
    found: int = connection.execute(_REVISION).scalar_one()
    return found


def _upsert(insert: Any, table: Table) -> Any:
    return insert.on_conflict_do_update(
        index_elements=[column.name for column in table.primary_key],
        set_={column.name: insert.excluded[column.name] for column in table.c},
    )


_AFTER = bindparam("after", type_=BigInteger)
_DEFINED = (TOPIC.c.id, TOPIC.c.removed, TOPIC.c.definition, TOPIC.c.sort_key)
_TOPICS = select(*_DEFINED).where(TOPIC.c.removed.is_(false())).order_by(TOPIC.c.id)
_ONE = select(*_DEFINED).where(TOPIC.c.id == bindparam("wanted"))
_LISTS = select(WORD_LIST).where(WORD_LIST.c.removed.is_(false())).order_by(WORD_LIST.c.name)
# By revision, whose index leads to the few that have changed: by id, all would be walked through.
_TOPICS_SINCE = (
    select(TOPIC).where(TOPIC.c.revision > _AFTER).order_by(TOPIC.c.revision, TOPIC.c.id)
)
_LISTS_SINCE = (
    select(WORD_LIST)
    .where(WORD_LIST.c.revision > _AFTER)
    .order_by(WORD_LIST.c.revision, WORD_LIST.c.name)
)
_KEEP = (
    update(TOPIC)
    .where(
        TOPIC.c.id == bindparam("which"), TOPIC.c.revision <= bindparam("until", type_=BigInteger)
    )
    .values(tree=bindparam("packed"))
)
_REVISION = select(CATALOG.c.revision)
_RAISE = update(CATALOG).values(revision=CATALOG.c.revision + 1)
_MATCHES = (
    select(ARTICLE_TOPIC.c.topic, func.count())
    .join(ARTICLE, ARTICLE.c.id == ARTICLE_TOPIC.c.article_id)
    .where(ARTICLE.c.fetched >= bindparam("since", type_=UTC_TIME))
    .group_by(ARTICLE_TOPIC.c.topic)
)
