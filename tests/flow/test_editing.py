"""What is followed, changed in a running service: by the API and by commands, without a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp

from tests.support.checker import ask
from tests.support.running import WITHIN, a_service, monitor, write_config
from tests.support.service import ServiceProcess
from tests.support.site import TITLES, Site, home, rss
from tests.support.world import until

RSS = "application/rss+xml"
EFFECT = 2.0
"""Seconds within which a change takes effect."""
DAY = 86_400.0
PLAIN = {"full_text": "never", "backlog": "none"}


def feed(site: Site, name: str = "feed", number: int = 0) -> dict[str, Any]:
    """Serve a feed with one article; return its source."""
    site.put(f"/{name}", rss(site.url(""), 1, "The council met.", number), RSS)
    return {"type": "feed", "url": site.url(f"/{name}"), **PLAIN}


async def test_a_source_is_added_changed_paused_and_removed_while_the_service_runs(
    tmp_path: Path,
) -> None:
    async with Site("127.6.0.1") as site, Site("127.6.0.2") as other, Site("127.6.0.3") as watch:
        feed(other, "elsewhere", 1)
        async with a_service(tmp_path, {"watch": feed(watch, number=2)}) as running:

            async def in_time(path: str, of: Site = site) -> None:
                async def holds() -> bool:
                    return path in of.asked

                await until(holds, EFFECT, f"{path} asked for")

            await running.polled("watch", 1)
            await running.api("POST", "", {"name": "wire", **feed(site)})
            await in_time("/feed")
            await running.stored(2)
            await running.api("PATCH", "/wire", {"url": other.url("/elsewhere")})
            await in_time("/elsewhere", other)
            await running.stored(3)

            paused = await running.api("PATCH", "/wire", {"enabled": False})
            assert (paused["state"], paused["next_poll"]) == ("paused", None)
            other.asked.clear()
            running.clock.advance(DAY)
            await running.poll_again("watch")
            await running.poll_again("watch")
            assert other.asked == [], "others are polled, it is not"
            await running.api("PATCH", "/wire", {"enabled": True})
            await in_time("/elsewhere", other)

            await running.api("DELETE", "/wire")
            other.asked.clear()
            running.clock.advance(DAY)
            await running.poll_again("watch")
            await running.poll_again("watch")
            assert other.asked == []
            assert [item["name"] for item in (await running.api("GET"))["items"]] == ["watch"]
            assert set(await running.articles("wire")) == set(TITLES[:2]), "its articles stay"


async def test_a_source_is_followed_by_a_command_while_the_service_runs(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/data/monitor.db"
    async with Site("127.6.0.4") as site:
        site.put("/", home((RSS, "News", "/feed")))
        feed(site)
        service = ServiceProcess(write_config(tmp_path, {}), tmp_path / "data")

        async def stored() -> bool:
            (found,) = await ask(url, "SELECT title, source FROM article")
            return [title for title, _ in found] == [TITLES[0]]

        try:
            await service.start()
            await monitor(tmp_path, "sources", "add", "--json", site.url())
            looks = site.asked.count("/feed")
            said = await monitor(
                tmp_path, "sources", "add", "--yes", "--name", "gazette", site.url()
            )

            async def polled() -> bool:
                return site.asked.count("/feed") > 2 * looks

            await until(polled, EFFECT, "the new source polled")
            await until(stored, WITHIN, "its article stored")
            assert site.asked.count("/feed") == 2 * looks + 1, "polled once"
            found = await shown(service)
            await monitor(tmp_path, "sources", "pause", "gazette")
            paused = await shown(service)
            await monitor(tmp_path, "sources", "remove", "gazette")
            gone = await service.status("/api/v1/sources/gazette")
            assert await service.stop() == 0
        finally:
            await service.kill()
    assert f"Following {site.url('/feed')} as gazette." in said
    assert (found["type"], found["owner"], found["location"]) == ("feed", "user", site.url("/feed"))
    assert paused["state"] == "paused"
    assert gone == 404


async def shown(service: ServiceProcess) -> dict[str, Any]:
    """Return what the API says of the source that was added."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{service.url}/api/v1/sources/gazette") as answer,
    ):
        found: dict[str, Any] = await answer.json()
        return found
