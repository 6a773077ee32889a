"""`/api/v1/sources`: what is followed, how the polls go, and what else to follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Response

from monitor.api.context import ArchiveOf, Context, ContextOf
from monitor.api.cursor import PageQuery, from_name_cursor, paged, to_name_cursor
from monitor.api.problem import NO_NUL, documented
from monitor.api.source_schema import (
    FailureItem,
    NewSource,
    SourceDetail,
    SourceFields,
    SourceItem,
    SourcePage,
)
from monitor.declarations import check_source, values_of
from monitor.declarations.naming import Names
from monitor.errors import Rejected
from monitor.model import Owner, Source, SourceState
from monitor.protocols import Archive

PREFIX = "/api/v1/sources"

router = APIRouter(prefix=PREFIX, tags=["sources"])
Name = Annotated[str, Path(max_length=100, pattern=NO_NUL)]
_CHANGES = documented(400, 403, 404, 409, 411, 413, 415, 422, 503)


@router.get("", summary="List sources", responses=documented(400, 422, 503))
async def list_sources(
    archive: ArchiveOf, context: ContextOf, query: Annotated[PageQuery, Query()]
) -> SourcePage:
    """List the sources by name, each with its state in words, its last poll and its next one."""
    now = context.clock.now()
    states = await archive.sources(from_name_cursor(query.cursor), query.limit + 1)
    shown, following = paged(states, query.limit, lambda state: to_name_cursor(state.source.name))
    waits = await archive.awaiting_pages([state.source.name for state in shown])
    return SourcePage(
        items=tuple(SourceItem.of(each, now, waits.get(each.source.name, 0)) for each in shown),
        next=following,
    )


@router.post("", summary="Follow a source", status_code=201, responses=_CHANGES)
async def add_source(
    archive: ArchiveOf, context: ContextOf, given: NewSource, response: Response
) -> SourceDetail:
    """Follow a source, from now on. Its first articles are there after the first poll."""
    locations = await archive.locations()
    values = given.model_dump(exclude={"name"}, exclude_none=True)
    name = given.name or Names(locations).make(given.url or "", given.title or "")
    source = _checked(context, name, values)
    if name in locations:
        raise HTTPException(409, f"the name '{name}' is taken: choose another one")
    _check_location(locations, source)
    try:
        await archive.add_source(source, context.clock.now())
    except Rejected as error:
        raise HTTPException(409, str(error)) from error
    response.headers["Location"] = f"{PREFIX}/{name}"
    return await _shown(archive, context, name)


@router.get("/{name}", summary="Show a source", responses=documented(404, 422, 503))
async def show_source(archive: ArchiveOf, context: ContextOf, name: Name) -> SourceDetail:
    """Show one source with its last 30 polls, and when it is asked next and why then."""
    return await _shown(archive, context, name)


@router.patch("/{name}", summary="Change a source", responses=_CHANGES)
async def change_source(
    archive: ArchiveOf, context: ContextOf, name: Name, given: SourceFields
) -> SourceDetail:
    """Change some of a source's keys. A new type or url starts afresh."""
    before = _own(await _state(archive, name))
    values = values_of(before, context.source_rules) | given.model_dump(exclude_unset=True)
    source = _checked(context, name, values)
    _check_location(await archive.locations(), source)
    try:
        await archive.change_source(source, context.clock.now())
    except Rejected as error:
        raise HTTPException(409, str(error)) from error
    return await _shown(archive, context, name)


@router.delete("/{name}", summary="Stop following a source", status_code=204, responses=_CHANGES)
async def remove_source(archive: ArchiveOf, name: Name) -> None:
    """Follow a source no more. Its articles stay."""
    _own(await _state(archive, name))
    try:
        await archive.remove_source(name)
    except Rejected as error:
        raise HTTPException(409, str(error)) from error


@router.post("/{name}/poll-soon", summary="Poll a source soon", responses=_CHANGES)
async def poll_soon(archive: ArchiveOf, context: ContextOf, name: Name) -> SourceDetail:
    """Make a source due now. It is polled when its host may be asked again."""
    state = await _state(archive, name)
    if not state.source.enabled:
        raise HTTPException(409, f"source '{name}' is paused: set enabled to true first")
    await archive.poll_soon(name, context.clock.now())
    return await _shown(archive, context, name)


@router.get(
    "/{name}/last-failure",
    summary="Show what could not be read",
    responses=documented(404, 422, 503),
)
async def show_failure(archive: ArchiveOf, name: Name) -> FailureItem:
    """Show the last document of a source that could not be parsed, and why."""
    await _state(archive, name)
    failure = await archive.last_failure(name)
    if failure is None:
        raise HTTPException(404, f"no document of source '{name}' has failed lately")
    return FailureItem.of(failure)


async def _state(archive: Archive, name: str) -> SourceState:
    state = await archive.source(name)
    if state is None:
        raise HTTPException(404, f"there is no source {name!r}; {PREFIX} lists those there are")
    return state


async def _shown(archive: Archive, context: Context, name: str) -> SourceDetail:
    state = await _state(archive, name)
    hub = await archive.hub_subscription_of(name)
    awaiting = (await archive.awaiting_pages([name])).get(name, 0)
    return SourceDetail.of_source(state, context.clock.now(), awaiting, hub)


def _own(state: SourceState) -> Source:
    if state.source.owner is Owner.CONFIG:
        raise HTTPException(
            409,
            f"source '{state.source.name}' is declared in sources.yaml: change it there, and"
            " restart",
        )
    return state.source


def _check_location(locations: Mapping[str, str], source: Source) -> None:
    for name, location in locations.items():
        if location == source.location and name != source.name:
            raise HTTPException(409, f"source '{name}' follows this url already")


def _checked(context: Context, name: str, values: dict[str, Any]) -> Source:
    source, faults = check_source(name, values, context.source_rules)
    if source is None:
        raise HTTPException(422, "; ".join(faults))
    return source
