"""`/api/v1/topics`: the news subjects that articles are sorted by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Response

from monitor.api.context import ArchiveOf, ContextOf
from monitor.api.cursor import PageQuery, from_name_cursor, paged, to_name_cursor
from monitor.api.problem import NO_NUL, documented
from monitor.api.topic_schema import (
    CheckedQuery,
    GivenQuery,
    NewTopic,
    TopicFields,
    TopicItem,
    TopicPage,
)
from monitor.errors import Rejected
from monitor.model import Owner, Topic
from monitor.protocols import Archive
from monitor.topics.advice import strangers, surprises
from monitor.topics.compile import names_in, parse_with
from monitor.topics.query import QueryError
from monitor.vocabulary import NewestWords
from monitor.web.topics import topics_around, topics_with, users_of

PREFIX = "/api/v1/topics"
NAMED = 20
"""Most topics that are named as those that use another."""

router = APIRouter(prefix=PREFIX, tags=["topics"])
TopicId = Annotated[str, Path(max_length=100, pattern=NO_NUL)]
_CHANGES = documented(400, 403, 404, 409, 411, 413, 415, 422, 503)


@router.get("", summary="List topics", responses=documented(400, 422, 503))
async def list_topics(archive: ArchiveOf, query: Annotated[PageQuery, Query()]) -> TopicPage:
    """List the topics with their queries, by id."""
    topics = await archive.topics_by_id(from_name_cursor(query.cursor), query.limit + 1)
    shown, following = paged(topics, query.limit, lambda topic: to_name_cursor(topic.id))
    return TopicPage(items=tuple(map(TopicItem.of, shown)), next=following)


@router.post("", summary="Add a topic", status_code=201, responses=_CHANGES)
async def add_topic(archive: ArchiveOf, given: NewTopic, response: Response) -> TopicItem:
    """Add a topic. Every running process tags with it within two seconds; what is stored already
    stays as it is."""
    topic = Topic(
        id=given.id,
        name=given.name or given.id,
        query=given.query,
        stem=given.stem,
        description=given.description,
        priority=given.priority,
    )
    await _check(archive, topic)
    try:
        await archive.add_topic(topic)
    except Rejected as error:
        raise HTTPException(409, str(error)) from error
    response.headers["Location"] = f"{PREFIX}/{topic.id}"
    return TopicItem.of(await topic_of(archive, topic.id))


@router.post(
    "/check",
    summary="Check a query",
    responses=documented(400, 403, 411, 413, 415, 422, 503),
)
async def check_query(archive: ArchiveOf, context: ContextOf, given: GivenQuery) -> CheckedQuery:
    """Say what a query means and what may surprise in it, or what is wrong with it and where. It
    may use other topics."""
    current = await topics_with(archive, names_in(given.query))
    try:
        query = parse_with(given.query, current.compiled_for(given.query), given.stem)
    except QueryError as error:
        return CheckedQuery.wrong(error)
    seen = await NewestWords.of(archive, context.clock.now())
    return CheckedQuery.right(
        query, [*surprises(query, given.query), *await strangers(query, seen)]
    )


@router.get("/{topic}", summary="Show a topic", responses=documented(404, 422, 503))
async def show_topic(archive: ArchiveOf, topic: TopicId) -> TopicItem:
    """Show one topic."""
    return TopicItem.of(await topic_of(archive, topic))


@router.patch("/{topic}", summary="Change a topic", responses=_CHANGES)
async def change_topic(archive: ArchiveOf, topic: TopicId, given: TopicFields) -> TopicItem:
    """Change some of a topic's keys. Another query or stemmer makes a new version."""
    before = _own(await topic_of(archive, topic))
    changed = given.applied(before)
    await _check(archive, changed)
    try:
        await archive.change_topic(changed)
    except Rejected as error:
        raise HTTPException(409, str(error)) from error
    return TopicItem.of(await topic_of(archive, topic))


@router.delete("/{topic}", summary="Remove a topic", status_code=204, responses=_CHANGES)
async def remove_topic(archive: ArchiveOf, topic: TopicId) -> None:
    """Remove a topic. Articles that have it keep it."""
    _own(await topic_of(archive, topic))
    if users := await users_of(archive, topic):
        raise HTTPException(
            409, f"topic '{topic}' is used as @{topic} by {_listed(users)}: change it first"
        )
    try:
        await archive.remove_topic(topic)
    except Rejected as error:
        raise HTTPException(409, str(error)) from error


async def topic_of(archive: Archive, topic_id: str) -> Topic:
    """Return a topic; raises the 404 that says there is none."""
    topic = await archive.topic(topic_id)
    if topic is None:
        raise HTTPException(404, f"there is no topic {topic_id!r}; {PREFIX} lists those there are")
    return topic


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


def _own(topic: Topic) -> Topic:
    if topic.owner is Owner.CONFIG:
        text = f"topic '{topic.id}' is declared in a file of the configuration: change it there"
        raise HTTPException(409, f"{text}, and restart")
    return topic


async def _check(archive: Archive, topic: Topic) -> None:
    """Raise the error of a topic that does not hold, or with which others would not any more."""
    errors = dict((await topics_around(archive, topic)).problems_with(topic))
    own = errors.pop(topic.id, None)
    if own is not None:
        raise HTTPException(422, f"query: {own}")
    for name, error in errors.items():
        raise HTTPException(409, f"topic '{name}' uses it, and would not hold any more: {error}")
