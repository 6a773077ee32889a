"""The JSON API over a real server and a real store: pages, filters, errors, health, headers."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.api.probes import create_probes
from monitor.api.security import hosts_for
from monitor.api.server import bind
from monitor.clock import SystemClock
from monitor.errors import Unavailable
from monitor.model import Article
from monitor.telemetry import Health
from tests.support.articles import NOW, an_article
from tests.support.clock import FakeClock
from tests.support.news import DESK, PAGE, an_alert, fill
from tests.support.web import Site, a_site, served

CSP = "Content-Security-Policy"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


async def get(site: Site, path: str, status: int = 200) -> Any:
    async with site.client.get(path) as response:
        assert response.status == status, await response.text()
        return await response.json(content_type=None)


async def store(site: Site, *articles: Article) -> None:
    for article in articles:
        await site.store.save_articles([article], NOW)


def ids(page: Any) -> list[str]:
    return [item["id"] for item in page["items"]]


async def test_pages_hold_every_article_once(site: Site) -> None:
    await store(site, *(an_article(id=f"a{number}") for number in range(7)))
    seen, cursor = [], ""
    for _ in range(4):
        page = await get(site, f"/api/v1/articles?limit=2{cursor}")
        seen += ids(page)
        cursor = f"&cursor={page['next']}"
        if seen == ["a6", "a5"]:
            await store(site, an_article(id="new"))  # arrives while somebody turns the pages
    assert seen == [f"a{number}" for number in range(6, -1, -1)]
    assert page["next"] is None


async def test_the_last_full_page_says_so(site: Site) -> None:
    await store(site, an_article(id="a1"), an_article(id="a2"))
    assert (await get(site, "/api/v1/articles?limit=2"))["next"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("topic=naval", ["ship"]),
        ("source=baltic", ["tank"]),
        ("q=FRIGATE", ["ship"]),
        ("topic=naval&source=baltic", []),
        ("topic=&source=&q=", ["tank", "ship"]),
    ],
)
async def test_filters(site: Site, query: str, expected: list[str]) -> None:
    await store(
        site,
        an_article(id="ship", title="A frigate", topics=("naval",)),
        an_article(id="tank", title="A tank", source="baltic"),
    )
    assert ids(await get(site, f"/api/v1/articles?{query}")) == expected


async def test_one_article_with_times_in_utc(site: Site) -> None:
    published = datetime(2024, 4, 26, 9, 5, tzinfo=UTC)
    await store(site, an_article(id="a/1", published=published, body="First.\n\nSecond."))
    found = await get(site, "/api/v1/articles?limit=1")
    assert "body" not in found["items"][0]
    assert found["items"][0]["published"] == "2024-04-26T09:05:00Z"
    assert (await get(site, "/api/v1/articles/a/1"))["body"] == "First.\n\nSecond."


async def test_an_unknown_article(site: Site) -> None:
    problem = await get(site, "/api/v1/articles/nobody", 404)
    assert problem["title"] == "Not Found"
    assert problem["status"] == 404
    assert "no article 'nobody'" in str(problem["detail"])


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/api/v1/articles?limit=0", 422, "limit: it should be greater than or equal to 1; got"),
        ("/api/v1/articles?limit=many", 422, "limit: it should be a valid integer"),
        ("/api/v1/articles?topics=x", 422, "topics: there is no such parameter"),
        ("/api/v1/articles?q=a%00b", 422, "q: the character NUL is not allowed: leave it out"),
        ("/api/v1/articles?order=best", 400, "order: `best` needs a query: add q=…"),
        ("/api/v1/articles?order=best&q=+", 400, "order: `best` needs a query: add q=…"),
        ("/api/v1/articles?order=worst", 422, "order: it should be 'newest' or 'best'; got 'wor"),
        ("/api/v1/articles?cursor=abc", 400, "cursor: not one of this API"),
        ("/api/v1/articles?cursor=YmVmb3JlOjk5OTk5OTk5OTk5OTk5OTk5OTk", 400, "cursor: not one"),
        ("/api/v1/alerts?cursor=%F0%9F%99%82", 400, "cursor: not one of this API"),
        ("/api/v1/nothing", 404, "there is nothing at /api/v1/nothing"),
    ],
)
async def test_bad_requests_name_the_parameter_and_the_cure(
    site: Site, path: str, status: int, detail: str
) -> None:
    async with site.client.get(path) as response:
        assert response.status == status
        assert response.content_type == "application/problem+json"
        problem = await response.json()
    assert problem["detail"].startswith(detail)
    assert problem.keys() == {"title", "status", "detail"}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ('{"id": "A b", "query": "x"}', "id: a name is small letters, digits, dots, dashes and"),
        ('{"id": "-a", "query": "x"}', "id: a name is small letters, digits, dots, dashes and"),
        ('{"id": "t2"}', "query: it is missing: add it"),
        ('{"id": "t2", "query": "x", "stem": "tlh"}', "stem: there is no stemmer for 'tlh'; there"),
        (
            '{"id": "t2", "query": "x", "name": "a\\u0000"}',
            "name: the character NUL is not allowed",
        ),
        ('{"id": "t2", "query": 7}', "query: it should be a valid string; got 7"),
        ('{"id": "t2", "query": ["x"]}', "query: it should be a valid string; got a list"),
        ('{"id": "t2",\n "query" "x"}', "the body is no JSON: at character 23: Expecting ':'"),
        ("", "the body is missing: send a JSON object"),
        ("[1]", "the body should be a JSON object; got a list"),
        ('"x"', "the body should be a JSON object; got 'x'"),
    ],
)
async def test_bad_bodies_are_told_in_words(site: Site, body: str, detail: str) -> None:
    headers = {"Content-Type": "application/json"}
    async with site.client.post("/api/v1/topics", data=body, headers=headers) as response:
        problem = await response.json()
    assert response.status == 422
    assert problem["detail"].startswith(detail)
    assert "pattern" not in problem["detail"]


async def test_alerts_come_with_their_deliveries(site: Site) -> None:
    for number in range(3):
        alert = an_alert(an_article(id=f"a{number}"), "Desk", "naval", NOW)
        await site.store.raise_alerts([(alert, (DESK, PAGE))], NOW)
    first = await get(site, "/api/v1/alerts?limit=2")
    second = await get(site, f"/api/v1/alerts?limit=2&cursor={first['next']}")
    items = [*first["items"], *second["items"]]
    assert [item["article"]["id"] for item in items] == ["a2", "a1", "a0"]
    assert [(sent["channel"], sent["state"]) for sent in items[0]["deliveries"]] == [
        ("desk-hook", "pending"),
        ("page", "sent"),
    ]
    assert second["next"] is None


async def test_topics_and_sources(site: Site) -> None:
    await fill(site.store, NOW)
    topics = await get(site, "/api/v1/topics")
    assert ids(topics) == [
        "air-defence",
        "naval",
        "procurement",
        "sco-defence",
    ]
    listed = (await get(site, "/api/v1/sources"))["items"]
    sources = {source["name"]: source for source in listed}
    assert {name: source["state"] for name, source in sources.items()} == {
        "baltic": "working",
        "capital": "working",
        "fixtures": "working",
        "harbour": "failing",
        "pacific": "paused",
    }
    assert "HTTP 503" in sources["harbour"]["last_error"]
    assert sources["pacific"]["next_poll"] is None


async def test_without_a_database_it_says_so_and_recovers(tmp_path: Path) -> None:
    async with a_site(tmp_path, connected=False) as site:
        site.health.report("database", "down", "connection refused")
        for path in ("/api/v1/articles", "/api/v1/alerts", "/api/v1/sources", "/api/v1/stream"):
            problem = await get(site, path, 503)
            reason = "the database is not reachable yet: connection refused"
            assert problem["detail"] == reason
        async with site.client.get("/") as page:
            assert (page.status, page.content_type) == (503, "text/html")
            assert "connection refused" in await page.text()
        site.app.state.store = site.store
        assert (await get(site, "/api/v1/articles"))["items"] == []


async def test_an_outage_is_503_with_a_time_to_wait(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("the database is restarting", 7)

    monkeypatch.setattr(site.store, "articles", away)
    async with site.client.get("/api/v1/articles") as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "7"


async def test_a_bug_shows_no_traceback(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise ValueError("secret of the house")

    monkeypatch.setattr(site.store, "articles", broken)
    async with site.client.get("/api/v1/articles") as response:
        assert response.status == 500
        assert "secret" not in await response.text()
        assert CSP in response.headers
    assert "secret of the house" in caplog.text


async def test_liveness_is_the_age_of_the_last_beat(tmp_path: Path) -> None:
    clock = FakeClock()

    class Still(FakeClock):
        """Waits without moving the time of the test."""

        async def sleep(self, seconds: float) -> None:
            await FakeClock.sleep(FakeClock(), seconds)

        def monotonic(self) -> float:
            return clock.monotonic()

    async with a_site(tmp_path, clock=Still()) as site:
        for seconds, status in ((59, 200), (2, 503)):
            clock.advance(seconds)
            async with site.client.get("/livez") as response:
                assert response.status == status
        site.health.beat = clock.monotonic()
        async with site.client.get("/livez") as response:
            assert response.status == 200


async def test_readiness_shows_the_parts(site: Site) -> None:
    site.health.report("relay", "degraded", "the broker is away")
    assert (await get(site, "/readyz"))["status"] == "degraded"
    site.health.report("store", "down", "dead letters")
    found = await get(site, "/readyz", 503)
    assert found["parts"]["store"] == {"status": "down", "text": "dead letters"}


async def test_without_the_api_role_there_is_only_health() -> None:
    health = Health()
    health.report("relay", "ok")
    probes = create_probes(health, clock=SystemClock(), allowed_hosts=hosts_for("127.0.0.1"))
    async with served(probes) as (_, client):
        for path, status in (
            ("/livez", 200),
            ("/readyz", 200),
            ("/metrics", 200),
            ("/", 404),
            ("/api/v1/articles", 404),
            ("/docs", 404),
            ("/openapi.json", 404),
        ):
            async with client.get(path) as response:
                assert response.status == status, path
                assert CSP in response.headers
                if path == "/metrics":
                    assert "newsmonitor_source_polls_total" in await response.text()
                if path == "/readyz":
                    assert (await response.json())["parts"]["relay"]["status"] == "ok"
        async with client.get("/livez", headers={"Host": "evil.example"}) as response:
            assert response.status == 421
        health.report("relay", "down")
        async with client.get("/readyz") as response:
            assert response.status == 503


async def test_no_part_of_an_answer_waits_for_the_one_before() -> None:
    """Nagle's algorithm holds the second packet back until the first one is acknowledged, which
    clients put off: each answer on an open connection took 40 ms."""
    accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        accepted.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = bind("127.0.0.1", 0)
    async with await asyncio.start_server(serve, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await accepted
        writer.close()
        await writer.wait_closed()


async def test_every_page_has_a_policy(site: Site) -> None:
    await fill(site.store, NOW)
    for path in ("/", "/articles/wire-1", "/alerts", "/sources", "/docs", "/none", "/?before=x"):
        async with site.client.get(path) as response:
            assert response.content_type == "text/html", path
            policy = response.headers[CSP]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
            assert "frame-ancestors 'none'" in policy
            assert ("unsafe-inline" in policy) == (path == "/docs")
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Referrer-Policy"] == "no-referrer"


async def test_the_documentation_names_no_other_host(site: Site) -> None:
    async with site.client.get("/docs") as response:
        html = await response.text()
    assets = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert len(assets) >= 5
    for address in assets:
        assert address.startswith("/"), address
        async with site.client.get(address) as response:
            assert response.status == 200, address
            text = await response.text(errors="replace")
        if address.endswith(".css"):
            assert not re.search(r"(?:@import|url\()\s*['\"]?https?:", text), address
    assert not re.search(r"https?://", html)
    async with site.client.get("/docs/index.html") as response:
        assert response.status == 404


async def test_the_description_is_openapi_3_0(site: Site) -> None:
    schema = await get(site, "/openapi.json")
    text = str(schema)
    assert schema["openapi"] == "3.0.3"
    assert "'type': 'null'" not in text
    assert "HTTPValidationError" not in text
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert operation["description"], path
            assert operation["tags"], path


async def test_other_hosts_are_refused_on_loopback(tmp_path: Path) -> None:
    assert hosts_for("0.0.0.0") == ()  # noqa: S104
    assert "evil.example" not in hosts_for("0.0.0.0", ("desk.example",))  # noqa: S104
    assert "desk.example" in hosts_for("0.0.0.0", ("desk.example",))  # noqa: S104
    allowed = hosts_for("127.0.0.1", ("desk.example",))
    async with a_site(tmp_path, allowed_hosts=allowed) as site:
        for host, status in (
            ("localhost:8000", 200),
            ("127.0.0.1", 200),
            ("[::1]:8000", 200),
            ("DESK.example", 200),
            ("evil.example", 421),
            ("evil.example:8000", 421),
            ("127.0.0.1.evil.example", 421),
            ("10.1.2.3:8000", 200),
            ("[fd00::3]", 200),
            ("2130706433", 421),
            ("127.1", 421),
            ("", 421),
        ):
            async with site.client.get("/livez", headers={"Host": host}) as response:
                assert response.status == status, host
                assert CSP in response.headers
