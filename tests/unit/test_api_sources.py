"""`/api/v1/sources` over a real server and a real store, and the pages of sources."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.model import Document, Memory, Poll, PollNote, Source
from tests.support.articles import NOW
from tests.support.clock import FakeClock
from tests.support.web import Site, a_site

SOURCES = "/api/v1/sources"
FEED = "https://feeds.example.org/world.xml"
DECLARED = Source(name="desk", type="feed", location="https://desk.example/rss", title="Desk")
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, clock=FakeClock()) as site:
        await site.store.declare([DECLARED], NOW)
        yield site


async def ask(
    site: Site,
    method: str,
    path: str = "",
    body: Any = None,
    status: int = 200,
    headers: Mapping[str, str] = JSON,
) -> Any:
    async with site.client.request(
        method, f"{SOURCES}{path}", json=body, headers=headers
    ) as response:
        assert response.status == status, await response.text()
        if status >= 400:
            assert response.content_type == "application/problem+json"
            return (await response.json())["detail"]
        return None if status == 204 else await response.json()


async def polled(site: Site, name: str, **memory: Any) -> None:
    """Record one poll that left this memory behind."""
    (turn,) = await site.store.lease_sources([name], NOW, "me", 60)
    refused = memory.pop("refused", None)
    poll = Poll(
        source=name,
        host=turn.host,
        next_poll_at=NOW + timedelta(hours=1),
        host_next_at=NOW + timedelta(seconds=2),
        memory=Memory(last_polled_at=NOW, **memory),
        refused=refused,
    )
    await site.store.record_polls([poll], "me")


async def test_a_source_from_the_first_request_to_the_last(site: Site) -> None:
    made = await ask(site, "POST", "", {"url": FEED, "title": "World news", "type": "feed"}, 201)
    assert (made["name"], made["owner"], made["state"]) == ("example-world-news", "user", "new")
    assert made["pace_words"].endswith("adapts to its news and to what it allows")
    path = f"/{made['name']}"
    changed = await ask(site, "PATCH", path, {"interval": "30m", "backlog": "none"})
    assert (changed["interval"], changed["backlog"], changed["location"]) == (1800, None, FEED)
    assert changed["pace_words"] == "every 30 min, as it is set"
    changed = await ask(site, "PATCH", path, {"interval": None, "enabled": False})
    assert (changed["interval"], changed["state"], changed["next_poll"]) == (None, "paused", None)
    assert [item["name"] for item in (await ask(site, "GET"))["items"]] == [
        "desk",
        made["name"],
    ]
    await ask(site, "DELETE", path, status=204)
    assert "there is no source" in await ask(site, "GET", path, status=404)


@pytest.mark.parametrize(
    ("body", "status", "part"),
    [
        ({"url": FEED, "name": "Desk News"}, 422, "a name is small letters"),
        ({"url": "ftp://x/"}, 422, "url must be http:// or https://"),
        ({"url": "https://me:hunter2@x/"}, 422, "without user or password"),
        ({"url": FEED, "interval": 5, "cron": "x"}, 422, "interval must be at least 60 s"),
        ({"url": FEED, "interval": 90, "cron": "x"}, 422, "drop one of them"),
        ({"url": FEED, "colour": "red"}, 422, "colour: there is no such parameter"),
        ({"type": "text", "url": FEED}, 422, "can only be declared in sources.yaml"),
        ({"type": "mail", "url": "imaps://me@x/"}, 422, "declare it in sources.yaml"),
        ({}, 422, "needs a url"),
        ([], 422, "the body should be a JSON object"),
        ({"url": FEED, "name": "desk"}, 409, "the name 'desk' is taken"),
        ({"url": DECLARED.location}, 409, "source 'desk' follows this url already"),
    ],
)
async def test_what_cannot_be_followed(site: Site, body: Any, status: int, part: str) -> None:
    detail = await ask(site, "POST", "", body, status)
    assert part in detail
    assert "hunter2" not in detail
    assert len(await site.store.sources()) == 1


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"enabled": False}), ("DELETE", None)])
async def test_a_declared_source_is_changed_in_its_file(site: Site, method: str, body: Any) -> None:
    assert "declared in sources.yaml" in await ask(site, method, "/desk", body, 409)
    assert (await site.store.sources())[0].source == DECLARED


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (JSON | {"Origin": "https://evil.example"}, 403),
        (JSON | {"Origin": "null"}, 403),
        (JSON | {"Origin": "http://127.0.0.1:1"}, 403),
        (JSON | {"Sec-Fetch-Site": "cross-site"}, 403),
        (JSON | {"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_other_sites_change_nothing(
    site: Site, headers: Mapping[str, str], status: int
) -> None:
    await ask(site, "POST", "", {"url": FEED}, status, headers)
    await ask(site, "POST", "/desk/poll-soon", None, status, headers)
    assert len(await site.store.sources()) == 1


async def test_its_own_pages_may(site: Site) -> None:
    headers = JSON | {"Origin": site.url, "Sec-Fetch-Site": "same-origin"}
    await ask(site, "POST", "", {"url": FEED}, 201, headers)
    elsewhere = {"Origin": "https://evil.example"}
    await ask(site, "DELETE", "/example", None, 403, elsewhere)
    await ask(site, "DELETE", "/example", None, 204, {"Origin": site.url})


async def test_a_body_that_is_too_large(site: Site) -> None:
    assert "100,000 bytes" in await ask(site, "POST", "", {"title": "x" * 100_001}, 413)


async def test_the_history_of_a_source(site: Site) -> None:
    notes = tuple(
        PollNote(at=NOW + timedelta(minutes=n), outcome="polled", status=200, size=9, new=n).pack()
        for n in range(3)
    )
    await polled(site, "desk", polls=notes, failures=4.0, last_error="answers 403", etag='"e"')
    found = await ask(site, "GET", "/desk")
    assert [poll["new"] for poll in found["polls"]] == [2, 1, 0]
    assert (found["state"], found["etag"]) == ("failing", '"e"')
    assert "403" in found["words"]
    assert found["chosen_type"] == "feed"


async def test_what_a_parser_noticed_is_told_of_its_poll(site: Site) -> None:
    ahead, hostile = "2 items are dated in the future", "a part cannot be read: <script>"
    note = PollNote(at=NOW, outcome="changed", status=200, new=2, noticed=(ahead, hostile))
    await polled(site, "desk", polls=(note.pack(),))
    (poll,) = (await ask(site, "GET", "/desk"))["polls"]
    assert poll["noticed"] == [ahead, hostile]
    page = await site.shown("/sources/desk")
    assert ahead in page
    assert "a part cannot be read: &lt;script&gt;" in page


async def test_a_source_is_polled_soon(site: Site) -> None:
    await polled(site, "desk")
    assert not await site.store.lease_turns(NOW + timedelta(minutes=1), "me", 9, 60)
    assert (await ask(site, "POST", "/desk/poll-soon"))["owner"] == "config"
    turns = await site.store.lease_turns(NOW + timedelta(minutes=1), "me", 9, 60)
    assert [turn.state.source.name for turn in turns if turn.state] == ["desk"]
    assert "there is no source" in await ask(site, "POST", "/nobody/poll-soon", status=404)


async def test_what_could_not_be_read(site: Site) -> None:
    assert "no document" in await ask(site, "GET", "/desk/last-failure", status=404)
    body = b"<rss>\x00<script>alert(1)</script>"
    document = Document(url=DECLARED.location, body=body, content_type="text/html", fetched=NOW)
    await polled(site, "desk", last_error="no feed", failures=1.0, refused=document)
    found = await ask(site, "GET", "/desk/last-failure")
    assert b64decode(found["body"]) == body
    assert (found["size"], found["error"]) == (len(body), "no feed")


async def test_the_pages_show_what_sources_say_as_text(site: Site) -> None:
    note = PollNote(at=NOW, outcome="failed", error="<script>alert(1)</script>")
    await polled(site, "desk", polls=(note.pack(),), failures=4.0, last_error=note.error)
    for path in ("/sources", "/sources/desk"):
        async with site.client.get(path) as response:
            text = await response.text()
            assert response.status == 200
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert "<script>alert" not in text
        assert "Desk" in text
    assert "&lt;script&gt;alert" in text
    assert "declared in <code>sources.yaml</code>" in text
    async with site.client.get("/sources/nobody") as response:
        assert response.status == 404
