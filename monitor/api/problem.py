"""Errors as answers: RFC 9457 problem JSON, or a page where a person reads along.

Every detail names the thing and the cure; no traceback ever leaves the process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from monitor.api.answers import API, MEDIA_TYPE, answer
from monitor.api.cursor import BadPlace
from monitor.api.methods import methods_of
from monitor.api.security import add_headers
from monitor.errors import Rejected, Unavailable

NO_NUL = r"^[^\x00]*$"  # PostgreSQL cannot hold one
WORDED = "worded"
"""The type of an error whose message is a whole sentence already."""
_UNREADABLE = "There was an error parsing the body"
"""What the framework says where JSON is none for another reason than its syntax."""
ErrorPage = Callable[[Request, int, str, str], Response]


class Problem(BaseModel):
    """What went wrong, and what to do about it (RFC 9457)."""

    title: str = Field(description="The kind of problem.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="This case, and the cure.")


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of these error statuses."""
    reference = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": reference}},
        }
        for status in statuses
    }


def install(app: FastAPI, page: ErrorPage) -> None:
    """Answer every error; outside `/api/` with `page`."""

    def reply(
        request: Request, status: int, detail: str, headers: dict[str, str] | None = None
    ) -> Response:
        if request.url.path.startswith(API):
            return answer(status, detail, headers)
        response = page(request, status, HTTPStatus(status).phrase, detail)
        response.headers.update(headers or {})
        return response

    async def on_unavailable(request: Request, error: Exception) -> Response:
        wait = getattr(error, "retry_after", None) or 5
        return reply(request, 503, str(error), {"Retry-After": str(round(wait))})

    async def on_bad_input(request: Request, error: Exception) -> Response:
        return reply(request, 400, str(error))

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101  (registered for it alone)
        return reply(request, 422, "; ".join(_sentence(detail) for detail in error.errors()))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  (registered for it alone)
        headers = dict(error.headers or {})
        if error.status_code == 405:  # the framework tells the methods of one of its routes alone
            taken = methods_of(app.router.routes, request.scope)
            headers["Allow"] = ", ".join(taken) or headers.get("Allow", "GET, HEAD")
        detail = _in_words(error, request, headers)
        return reply(request, error.status_code, detail, headers)

    async def on_bug(request: Request, error: Exception) -> Response:
        # Starlette logs the traceback, and puts this answer outside of all middleware.
        response = reply(request, 500, "an error of the service itself; its log has the details")
        add_headers(response.headers, request.url.path)
        return response

    app.add_exception_handler(Unavailable, on_unavailable)
    app.add_exception_handler(Rejected, on_bad_input)
    app.add_exception_handler(BadPlace, on_bad_input)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_bug)


def _in_words(error: HTTPException, request: Request, headers: Mapping[str, str]) -> str:
    """Return what is wrong as we say it, where it is the framework that has noticed."""
    detail, path = str(error.detail), request.url.path
    if error.status_code == 404 and detail == HTTPStatus.NOT_FOUND.phrase:
        return f"there is nothing at {path}"
    if error.status_code == 405:
        return f"{path} takes {headers['Allow']}, not {request.method}"
    if error.status_code == 400 and detail == _UNREADABLE:
        return "the body cannot be read as JSON: it goes too deep, or a number in it is too long"
    return detail


def _sentence(detail: dict[str, Any]) -> str:
    """Say what is wrong with a parameter, a key or the body, how, and what was given instead."""
    kind, (_, *names) = detail["type"], detail["loc"]
    if kind == "json_invalid":
        return f"the body is no JSON: at character {names[-1] + 1}: {detail['ctx']['error']}"
    if not names:
        return _of_body(kind, detail.get("input"))
    name = ".".join(map(str, names))
    if kind == "missing":
        return f"{name}: it is missing: add it"
    if kind == "extra_forbidden":
        return f"{name}: there is no such parameter; /docs lists those that exist"
    if kind == "string_pattern_mismatch" and detail["ctx"]["pattern"] == NO_NUL:
        return f"{name}: the character NUL is not allowed: leave it out"
    text = str(detail["msg"])
    if kind == WORDED:
        return f"{name}: {text}"
    text = text.replace("Input should", "it should").replace("String", "it")
    return f"{name}: {text}; got {_shown(detail.get('input'))}"


def _of_body(kind: str, given: Any) -> str:
    """Say what is wrong with a body that has no keys at all."""
    if kind == "missing":
        return "the body is missing: send a JSON object"
    return f"the body should be a JSON object; got {_shown(given)}"


def _shown(given: Any) -> str:
    """Return what was given as people read it: of lists and objects only that they are such."""
    if isinstance(given, Mapping):
        return "an object"
    if isinstance(given, list | tuple):
        return "a list"
    return repr(given)[:80]
