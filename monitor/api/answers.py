"""Problem JSON (RFC 9457), made without the framework of the API, which not every process loads."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse, Response

MEDIA_TYPE = "application/problem+json"
API = "/api/"
"""Below it every error is problem JSON."""


def answer(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return problem JSON."""
    # What was given is shown; where half of a surrogate pair is in it, no encoding takes that.
    shown = detail.encode(errors="backslashreplace").decode()
    problem = {"title": HTTPStatus(status).phrase, "status": status, "detail": shown}
    return JSONResponse(problem, status_code=status, headers=headers, media_type=MEDIA_TYPE)
