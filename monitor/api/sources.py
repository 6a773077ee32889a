"""`/api/v1/sources`: where articles come from, and how the polls go."""

from __future__ import annotations

from fastapi import APIRouter

from monitor.api.context import ArchiveOf
from monitor.api.problem import documented
from monitor.api.schema import SourceItem

router = APIRouter(prefix="/api/v1/sources", tags=["sources"])


@router.get("", summary="List sources", responses=documented(503))
async def list_sources(archive: ArchiveOf) -> list[SourceItem]:
    """List the sources by name, each with its last poll, its next one and its last error."""
    return [SourceItem.of(state) for state in await archive.sources()]
