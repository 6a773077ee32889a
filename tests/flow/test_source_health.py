"""Sources that break, fall silent, send what cannot be read, or lead where nobody may go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.clock import FastClock
from tests.support.hostile_server import HostileServer, sends
from tests.support.running import WITHIN, Running, a_service, monitor
from tests.support.site import NAME, TITLES, Part, Site, rss
from tests.support.world import until

RSS = "application/rss+xml"
DAY = 86_400.0
PLAIN = {"full_text": "never", "backlog": "none"}


def feed(site: Site, count: int, first: int = 0) -> dict[str, Any]:
    """Serve a feed; return its source."""
    site.put("/feed", rss(site.url(""), count, "The council met.", first), RSS)
    return {"type": "feed", "url": site.url("/feed"), **PLAIN}


async def told(running: Running, count: int) -> list[tuple[str, str]]:
    """Wait for so many changes in the channel; return what became what."""

    async def holds() -> bool:
        return len(await running.changes()) >= count

    await until(holds, WITHIN, f"{count} changes of sources")
    return [(change["before"], change["condition"]) for change in await running.changes()]


async def test_a_source_that_breaks_and_recovers_is_told_of(tmp_path: Path) -> None:
    async with Site("127.4.0.1") as site:
        source = feed(site, 1)
        async with a_service(tmp_path, {"wire": source}) as running:
            await running.polled("wire", 1)
            site.parts["/feed"] = Part(status=403)
            for _ in range(3):
                failing = await running.poll_again("wire")
            assert await told(running, 1) == [("working", "failing")]
            feed(site, 2)
            working = await running.poll_again("wire")
            assert await told(running, 2) == [("working", "failing"), ("failing", "working")]
            reasons = [change["reason"] for change in await running.changes()]
            await running.stored(2)
    assert failing["state"] == "failing"
    assert "answers 403" in failing["words"]
    assert "user_agent" in failing["words"], "the cure"
    assert reasons[0] == failing["words"]
    assert reasons[1].startswith("answers again")
    assert working["state"] == "working"


async def test_a_source_that_falls_silent_is_told_of(tmp_path: Path) -> None:
    clock = FastClock(rate=1)
    async with Site("127.4.0.2") as site:
        source = feed(site, 1)
        async with a_service(tmp_path, {"wire": source}, clock) as running:
            await running.polled("wire", 1)
            for day in range(2, 11):
                clock.advance(DAY)
                feed(site, day)
                await running.poll_again("wire")
            assert await running.changes() == []
            clock.advance(9 * DAY)
            silent = await running.poll_again("wire")
            assert await told(running, 1) == [("working", "silent")]
            feed(site, 11)
            await running.poll_again("wire")
            assert (await told(running, 2))[1] == ("silent", "working")
            await running.stored(11)
    assert silent["state"] == "silent"
    assert "nothing for 9 days" in silent["words"]


async def test_what_cannot_be_read_is_kept_printed_and_replayed(tmp_path: Path) -> None:
    item = {
        "id": "1",
        "title": TITLES[0],
        "content_text": "The council met.",
        "url": "https://x.example/1",
    }
    body = json.dumps(
        {"version": "https://jsonfeed.org/version/1.1", "title": NAME, "items": [item]}
    )
    async with Site("127.4.0.3") as site:
        site.put("/sitemap.xml", body, "application/feed+json")
        source = {"type": "sitemap", "url": site.url("/sitemap.xml"), **PLAIN}
        async with a_service(tmp_path, {"map": source}) as running:
            polled = await running.polled("map", 1)
            assert polled["polls"][0]["outcome"] == "refused"
            assert polled["words"].startswith("the first poll failed: ")
            failure = await running.api("GET", "/map/last-failure")
            printed = await monitor(tmp_path, "sources", "show", "map", "--last-failure")
            assert await running.articles() == {}
    assert printed == body
    assert failure["url"] == site.url("/sitemap.xml")
    saved = tmp_path / "saved.json"
    saved.write_text(printed)
    result = json.loads(await monitor(tmp_path, "replay", "--json", saved))
    assert [article["title"] for article in result["new"]] == [TITLES[0]]
    again = json.loads(await monitor(tmp_path, "replay", "--json", saved))
    assert (again["read"], again["new"]) == (1, [])


async def test_addresses_of_our_own_are_refused_and_not_asked(tmp_path: Path) -> None:
    async with HostileServer(sends(b"secret")) as canary, Site("127.4.0.4") as site:
        site.parts["/feed"] = Part(status=302, headers={"Location": canary.url})
        addresses = {
            "metadata": ("http://169.254.169.254/latest/meta-data", "of a cloud's metadata"),
            "own": (canary.url, "127.0.0.1 leads to a loopback address"),
            "own-name": (f"http://localhost:{canary.port}/", "localhost leads to a loopback"),
            "own-number": (f"http://2130706433:{canary.port}/", "in a way that no address is"),
            "led-there": (site.url("/feed"), "127.0.0.1 leads to a loopback address"),
        }
        sources = {name: {"type": "feed", "url": url} for name, (url, _) in addresses.items()}
        async with a_service(tmp_path, sources, private=["127.4.0.0/16"]) as running:
            for name, (_, words) in addresses.items():
                refused = await running.polled(name, 1)
                assert words in refused["words"]
                assert refused["polls"][0]["status"] == 0
    assert site.asked == ["/feed"]
    assert (canary.hits, canary.requests) == (0, [])
