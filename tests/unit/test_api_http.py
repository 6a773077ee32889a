"""What the API owes HTTP itself: methods, HEAD, refusals in one form, and what it says of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from monitor.api.security import hosts_for
from tests.support.articles import NOW
from tests.support.news import fill
from tests.support.web import Site, a_site

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, allowed_hosts=hosts_for("127.0.0.1")) as site:
        await fill(site.store, NOW)
        yield site


async def refused(site: Site, method: str, path: str, status: int, **given: Any) -> Any:
    async with site.client.request(method, path, **given) as answer:
        assert answer.status == status, await answer.text()
        assert answer.content_type == "application/problem+json"
        problem = await answer.json(content_type=None)
        assert problem.keys() == {"title", "status", "detail"}
        return problem["detail"], answer.headers


@pytest.mark.parametrize(
    "path",
    ["/", "/livez", "/readyz", "/metrics", "/docs", "/docs/start.js", "/static/page.js",
     "/openapi.json", "/api/v1/articles", "/api/v1/sources/baltic", "/topics/none"],
)  # fmt: skip
async def test_head_is_get_without_a_body(site: Site, path: str) -> None:
    async with site.client.get(path) as got:
        await got.read()
    async with site.client.head(path) as answer:
        assert answer.status == got.status
        assert await answer.read() == b""
        for name in ("Content-Type", "Content-Security-Policy", "Cache-Control"):
            assert answer.headers[name] == got.headers[name]
        if path != "/metrics":  # whose numbers have moved on
            assert answer.headers["Content-Length"] == got.headers["Content-Length"]


async def test_a_stream_that_never_ends_and_callbacks_have_no_head(site: Site) -> None:
    for path in ("/api/v1/stream", f"/websub/{'0' * 40}"):
        async with site.client.head(path) as answer:
            assert answer.status == 405, path


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/api/v1/sources", "PUT", "HEAD, GET, POST"),
        ("/api/v1/sources/baltic", "PUT", "HEAD, GET, PATCH, DELETE"),
        ("/api/v1/sources/baltic", "OPTIONS", "HEAD, GET, PATCH, DELETE"),
        ("/api/v1/topics/naval/wrong/a/1", "GET", "PUT, DELETE"),
        ("/api/v1/stream", "POST", "GET"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    site: Site, path: str, method: str, allowed: str
) -> None:
    detail, headers = await refused(site, method, path, 405, headers=JSON)
    assert headers["Allow"] == allowed
    assert detail == f"{path} takes {allowed}, not {method}"


async def test_wrong_methods_of_pages_are_told_so_too(site: Site) -> None:
    for path in ("/topics", "/static/page.js"):
        async with site.client.post(path) as answer:
            assert (answer.status, answer.headers["Allow"].count("GET")) == (405, 1)
            assert answer.content_type == "text/html"


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b'{"url": "https://a.example/\\ud800"}', 422, "url must be a valid string"),
        (b'{"url": "https://a.example/", "title": "\\ud800"}', 422, "title must be a valid string"),
        (b'{"url": "https://a.example/", "interval": "\\ud800"}', 422, "interval"),
        (b"\xff\xfe", 422, "the body is no JSON: at character 1"),
        (b"[" * 90_000, 400, "the body cannot be read as JSON: it goes too deep"),
        (b'{"interval": ' + b"9" * 5_000 + b"}", 400, "the body cannot be read as JSON"),
    ],
)
async def test_whatever_is_sent_the_service_has_no_error_of_its_own(
    site: Site, body: bytes, status: int, detail: str
) -> None:
    said, _ = await refused(site, "POST", "/api/v1/sources", status, data=body, headers=JSON)
    assert detail in said


async def test_every_refusal_of_the_api_is_a_problem(site: Site) -> None:
    elsewhere = {"Host": "evil.example"}
    for method, path, status, given in (
        ("GET", "/api/v1/articles", 421, {"headers": elsewhere}),
        ("GET", "/api/", 404, {}),
        ("GET", "/api/v1/topics/none", 404, {}),
        ("POST", "/api/v1/topics", 403, {"headers": JSON | {"Origin": "https://evil.example"}}),
        ("POST", "/api/v1/topics", 415, {"data": b"{}"}),
        ("POST", "/api/v1/topics", 413, {"data": b" " * 100_001, "headers": JSON}),
        ("DELETE", "/api/v1/topics/naval", 409, {}),
    ):
        await refused(site, method, path, status, **given)
    async with site.client.get("/livez", headers=elsewhere) as answer:
        assert (answer.status, answer.content_type) == (421, "text/plain")


async def test_the_description_names_every_refusal_of_a_change(site: Site) -> None:
    async with site.client.get("/openapi.json") as answer:
        paths = (await answer.json())["paths"]
    changes = 0
    for path, operations in paths.items():
        for method, operation in operations.items():
            told = set(operation["responses"])
            if path.startswith("/api/"):
                assert "503" in told, path
            if method == "get":
                continue
            changes += 1
            expected = {"403", "411", "413", "422"} | ({"415"} if method != "delete" else set())
            assert expected <= told, (method, path)
    assert changes > 5


async def test_every_list_is_a_page(site: Site) -> None:
    async with site.client.get("/openapi.json") as answer:
        description = await answer.json()
    lists = {
        path
        for path, operations in description["paths"].items()
        if "get" in operations
        and {"limit", "cursor"}
        <= {each["name"] for each in operations["get"].get("parameters", [])}
    }
    assert lists == {
        "/api/v1/articles",
        "/api/v1/alerts",
        "/api/v1/sources",
        "/api/v1/topics",
        "/api/v1/topics/{topic}/wrong",
    }
    for path, operations in description["paths"].items():
        ok = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        schema = ok.get("application/json", {}).get("schema", {})
        assert schema.get("type") != "array", path
