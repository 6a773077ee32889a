"""The stream over a real server: nothing lost, nothing twice, whatever breaks off in between."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from monitor.api import live
from monitor.errors import Unavailable
from tests.support.articles import NOW, an_article
from tests.support.news import LOG, PAGE, an_alert
from tests.support.web import Site, a_site

STREAM = "/api/v1/stream"


@dataclass
class Sent:
    """One event as a browser would understand it."""

    kind: str
    place: str
    data: dict[str, Any]

    @property
    def what(self) -> str:
        article = self.data.get("article", self.data)
        found: str = article if isinstance(article, str) else article.get("id", "")
        return f"{self.kind} {found}"


class Listener:
    """Reads a stream by the rules of the specification."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def next(self) -> Sent:
        """Return the next event, or fail after a while."""
        async with asyncio.timeout(10):
            while True:
                fields = await self._block()
                if "data" in fields or "event" in fields:
                    data = json.loads(fields.get("data", "null"))
                    return Sent(fields.get("event", "message"), fields.get("id", ""), data)

    async def opened(self) -> str:
        """Return the position at which the stream begins."""
        return (await self._block())["id"]

    async def ended(self) -> None:
        """Wait for the end."""
        async with asyncio.timeout(5):
            while await self._response.content.readline():
                pass

    async def _block(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        while line := (await self._response.content.readline()).decode().rstrip("\r\n"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name in fields else value
        return fields


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


@asynccontextmanager
async def listening(site: Site, last: str = "", query: str = "") -> AsyncIterator[Listener]:
    headers = {"Last-Event-ID": last} if last else {}
    async with site.client.get(STREAM + query, headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        yield Listener(response)


async def store(site: Site, *names: str, **fields: Any) -> None:
    await site.store.save_articles([an_article(id=name, **fields) for name in names], NOW)


async def alert(site: Site, name: str, channel: Any = PAGE) -> None:
    await site.store.raise_alerts(
        [(an_alert(an_article(id=name), "Desk", "naval", NOW), (channel,))], NOW
    )


async def test_it_begins_now(site: Site) -> None:
    await store(site, "old")
    async with listening(site) as stream:
        assert await stream.opened() == "1.0"
        await store(site, "new")
        event = await stream.next()
    assert event.what == "article new"
    assert event.place == "2.0"
    assert event.data["title"].startswith("Harbour reopens")
    assert "body" not in event.data


async def test_alerts_come_whole_where_a_rule_streams_them(site: Site) -> None:
    async with listening(site) as stream:
        await stream.opened()
        await alert(site, "quiet", LOG)
        await alert(site, "loud")
        quiet, loud = await stream.next(), await stream.next()
    assert (quiet.what, loud.what) == ("alerted quiet", "alert loud")
    assert loud.data["deliveries"][0]["channel"] == "page"


async def test_an_article_that_came_before_its_alert_is_told_of_it(site: Site) -> None:
    async with listening(site) as stream:
        await stream.opened()
        await store(site, "a1")
        first = await stream.next()
        await alert(site, "a1", LOG)
        later = await stream.next()
    assert (first.what, first.data["alerted"]) == ("article a1", [])
    assert (later.what, later.data["rule"]) == ("alerted a1", "desk")
    async with listening(site, first.place) as stream:
        assert (await stream.next()).what == "alerted a1"


async def test_it_resumes_without_loss_and_without_repeats(site: Site) -> None:
    """A client that comes and goes meets articles and alerts from a writer that never stops."""
    total, last = 120, "0.0"
    seen: list[str] = []

    async def write() -> None:
        for number in range(total):
            await store(site, f"a{number}")
            if number % 10 == 0:
                await alert(site, f"a{number}")

    writer = asyncio.create_task(write())
    wanted = total + total // 10
    while len(seen) < wanted:
        async with listening(site, last) as stream:
            for _ in range(min(7, wanted - len(seen))):
                event = await stream.next()
                seen.append(event.what)
                last = event.place
    await writer
    articles = [what for what in seen if what.startswith("article")]
    alerts = [what for what in seen if what.startswith("alert")]
    assert articles == [f"article a{number}" for number in range(total)]
    assert alerts == [f"alert a{number}" for number in range(0, total, 10)]


async def test_many_listeners_get_the_same(site: Site) -> None:
    async with listening(site) as one, listening(site) as two:
        await one.opened()
        await two.opened()
        await store(site, "a1", "a2")
        first = [(await one.next()).what for _ in range(2)]
        assert first == [(await two.next()).what for _ in range(2)]
        assert site.app.state.context.live.listeners == 2


async def test_a_revision_comes_again(site: Site) -> None:
    async with listening(site) as stream:
        await stream.opened()
        await store(site, "a1")
        await store(site, "a1", revision=2)
        revisions: list[int] = []
        while not revisions or revisions[-1] < 2:
            revisions.append((await stream.next()).data["revision"])
    assert revisions in ([1, 2], [2])


async def test_the_first_request_of_a_browser_may_say_where_to_begin(site: Site) -> None:
    await store(site, "a1")
    await store(site, "a2")
    async with listening(site, query="?after=1.0") as stream:
        assert (await stream.next()).what == "article a2"
    async with listening(site, last="0.0", query="?after=2.0") as stream:
        assert (await stream.next()).what == "article a1"


async def test_only_the_last_thousand_come_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "REPLAY", 10)
    await store(site, *(f"a{number}" for number in range(25)))
    async with listening(site, "3.0") as stream:
        gap = await stream.next()
        events = [await stream.next() for _ in range(10)]
    assert (gap.kind, gap.place) == ("gap", "15.0")
    assert [event.place for event in events] == [f"{number}.0" for number in range(16, 26)]


async def test_a_position_of_another_database_begins_now(site: Site) -> None:
    async with listening(site, "999999.999999") as stream:
        assert await stream.opened() == "0.0"


@pytest.mark.parametrize("last", ["7", "a.b", "1.2.3", "-1.0", "9999999999999999999.0", "٣.٤"])
async def test_a_bad_position_is_refused(site: Site, last: str) -> None:
    async with site.client.get(STREAM, params={"after": last}) as response:
        assert response.status == 400
        problem = await response.json()
    assert problem["detail"].startswith("Last-Event-ID: not an id of this stream; send the last")


async def test_a_title_cannot_forge_an_event(site: Site) -> None:
    title = "Calm\n\nevent: alert\r\ndata: {}\rid: 9.9\x00\u2028end"
    async with listening(site) as stream:
        await stream.opened()
        await store(site, "a1", title=title.replace("\x00", ""))
        await store(site, "a2")
        events = [await stream.next(), await stream.next()]
    assert [event.what for event in events] == ["article a1", "article a2"]
    assert events[0].data["title"] == title.replace("\x00", "")
    assert [event.place for event in events] == ["1.0", "2.0"]


async def test_an_outage_ends_no_stream(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = asyncio.Event()

    async def away(*_: object) -> None:
        asked.set()
        raise Unavailable("the database is restarting")

    async with listening(site) as stream:
        await stream.opened()
        with monkeypatch.context() as patch:
            patch.setattr(site.store, "articles_after", away)
            async with asyncio.timeout(5):
                await asked.wait()
            await store(site, "a1")
        assert (await stream.next()).what == "article a1"
    assert "the stream waits for the database" in caplog.text


async def test_a_bug_sends_everybody_home_and_the_next_one_is_served(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise ValueError("a bug")

    async with listening(site) as stream:
        await stream.opened()
        with monkeypatch.context() as patch:
            patch.setattr(site.store, "articles_after", broken)
            await stream.ended()
    assert "the live stream failed" in caplog.text
    async with listening(site) as stream:
        await stream.opened()
        await store(site, "a1")
        assert (await stream.next()).what == "article a1"


async def test_nobody_asks_the_database_while_nobody_listens(site: Site) -> None:
    async with listening(site) as stream:
        await stream.opened()
    task = site.app.state.context.live._task
    async with asyncio.timeout(5):
        await asyncio.wait([task])
    assert task.exception() is None
    assert site.app.state.context.live.listeners == 0


async def test_a_process_that_ends_lets_go_at_once(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with a_site(tmp_path) as site, listening(site) as stream:
        await stream.opened()
        begun = loop.time()
        site.health.draining = True
        await stream.ended()
        assert loop.time() - begun < 2
        async with site.client.get(STREAM) as response:
            assert response.status == 503


async def test_a_client_that_takes_nothing_is_dropped(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It fills its queue, is let go, and finds everything again by its position."""
    caplog.set_level(logging.INFO, live.__name__)
    monkeypatch.setattr(live, "QUEUE", 20)
    host, _, port = site.url.removeprefix("http://").partition(":")
    with socket.socket() as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        idle.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(idle, (host, int(port)))
        await loop.sock_sendall(idle, f"GET {STREAM} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        async with listening(site) as stream:  # keeps up, and is not held up by the other
            await stream.opened()
            count, dropped = 0, "too slow"
            async with asyncio.timeout(20):
                while dropped not in caplog.text:
                    count += 1
                    await store(site, f"a{count}", summary="x" * 500_000)
                    await stream.next()
            assert site.app.state.context.live.listeners >= 1
    async with listening(site, "0.0") as stream:
        assert [(await stream.next()).what for _ in range(count)] == [
            f"article a{number}" for number in range(1, count + 1)
        ]
