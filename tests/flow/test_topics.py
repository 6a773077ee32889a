"""Topics that come, change and go while the service runs, in every process at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monitor import app
from monitor.clock import SystemClock
from monitor.topics.advice import ENOUGH
from tests.support.articles import an_article
from tests.support.running import Running, a_service
from tests.support.site import TITLES, Site, rss
from tests.support.world import until

RSS = "application/rss+xml"

WITHIN = 2.0
"""Seconds until a change has taken effect."""
HEADERS = {"Content-Type": "application/json"}


async def ask(running: Running, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Ask the API about topics; return status and body."""
    url = f"/api/v1/topics{path}"
    async with running.client.request(method, url, json=body, headers=HEADERS) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text else None


async def tagged(running: Running) -> dict[str, tuple[list[str], list[int]]]:
    """Return the topics of the stored articles and their versions, by title."""
    rows = await running.ask("SELECT title, topics, topic_versions FROM article")
    return {title: (json.loads(topics), json.loads(versions)) for title, topics, versions in rows}


async def knows(running: Running, topic_id: str, version: int | None) -> None:
    """Wait until the service tags with a topic in this version, None for not at all."""

    async def holds() -> bool:
        found = running.service.catalog.versions.get(topic_id)
        return found == version

    await until(holds, WITHIN, f"topic {topic_id} in version {version}")


async def test_a_topic_takes_effect_changes_and_goes_without_a_restart(tmp_path: Path) -> None:
    async with Site("127.3.1.1") as site:
        site.put("/feed", rss(site.url(""), 1), RSS)
        source = {"type": "feed", "url": site.url("/feed"), "interval": "1h", "full_text": "never"}
        async with a_service(tmp_path, {"wire": source}) as running:
            await running.stored(1)
            status, topic = await ask(
                running, "POST", "", {"id": "ferry", "query": "in OR the OR at"}
            )
            assert (status, topic["version"], topic["owner"]) == (201, 1, "user")
            await knows(running, "ferry", 1)
            site.put("/feed", rss(site.url(""), 2), RSS)
            await running.poll_again("wire")
            await running.stored(2)
            changed = {"query": "in OR the OR at OR to"}
            status, topic = await ask(running, "PATCH", "/ferry", changed)
            assert (status, topic["version"]) == (200, 2)
            await knows(running, "ferry", 2)
            site.put("/feed", rss(site.url(""), 3), RSS)
            await running.poll_again("wire")
            await running.stored(3)
            assert (await ask(running, "DELETE", "/ferry"))[0] == 204
            await knows(running, "ferry", None)
            found = await tagged(running)
            versions = [dict(zip(*found[title], strict=True)).get("ferry") for title in TITLES[:3]]
            assert versions[0] is None
            assert versions[2] == 2


async def test_another_process_takes_over_what_one_has_changed(tmp_path: Path) -> None:
    async with a_service(tmp_path, {}) as running:
        other = app.compose(running.service.config, running.clock)
        await other.store.start()
        try:
            await other.catalog.refresh()
            article = an_article(title="A ferry sinks")
            assert await other.catalog.match([article]) == [((), ())]
            for method, path, body, found in (
                ("POST", "", {"id": "sea", "query": "ferry"}, (("sea",), (1,))),
                ("PATCH", "/sea", {"query": "ferry OR boat"}, (("sea",), (2,))),
                ("PATCH", "/sea", {"name": "At sea"}, (("sea",), (2,))),
                ("DELETE", "/sea", None, ((), ())),
                ("POST", "", {"id": "sea", "query": "ferry"}, (("sea",), (3,))),
            ):
                assert (await ask(running, method, path, body))[0] < 300
                await other.catalog.look()
                assert await other.catalog.match([article]) == [found]
        finally:
            await other.store.stop()
            await other.parser.close()


async def test_a_query_that_does_not_hold_is_refused_with_its_place(tmp_path: Path) -> None:
    async with a_service(tmp_path, {}) as running:
        bad = {"id": "bad", "query": "storm NEAR", "stem": "en"}
        status, problem = await ask(running, "POST", "", bad)
        assert status == 422
        assert "query: column 7: NEAR needs two terms" in problem["detail"]
        status, found = await ask(running, "POST", "/check", {"query": "a AND\n\nfoo:b b^9"})
        assert (status, found["valid"]) == (200, False)
        assert [(each["line"], each["column"]) for each in found["mistakes"]] == [(3, 1), (3, 7)]
        status, found = await ask(running, "POST", "/check", {"query": "a b", "stem": "en"})
        assert (found["canonical"], found["surprises"]) == ("a^en AND b^en", [])
        status, found = await ask(running, "POST", "/check", {"query": "sco NOT sco"})
        assert (status, found["valid"], found["mistakes"]) == (200, True, [])
        sentence = "sco must be there and must not be there: this never matches"
        assert found["surprises"] == [{"sentence": sentence, "part": "sco AND NOT sco"}]
        await running.service.store.save_articles(
            [an_article(id=f"s{number}", fetched=SystemClock().now()) for number in range(ENOUGH)],
            SystemClock().now(),
        )
        status, found = await ask(running, "POST", "/check", {"query": "harbour hurricane"})
        assert [each["part"] for each in found["surprises"]] == ["hurricane", "harbour"]
        status, problem = await ask(running, "PATCH", "/harbour", {"query": "x"})
        assert status == 409
        assert "declared in a file of the configuration" in problem["detail"]
        await ask(running, "POST", "", {"id": "base", "query": "storm"})
        await ask(running, "POST", "", {"id": "more", "query": "@base OR flood"})
        status, problem = await ask(running, "DELETE", "/base")
        assert status == 409
        assert "used as @base by more" in problem["detail"]
        status, problem = await ask(running, "PATCH", "/base", {"query": "@more"})
        assert status == 422
        assert "a topic cannot use itself" in problem["detail"]


async def test_what_two_people_change_at_once_is_not_lost(tmp_path: Path) -> None:
    async with a_service(tmp_path, {}) as running:
        await ask(running, "POST", "", {"id": "sea", "query": "ferry"})
        first = {"query": "ferry OR boat", "version": 1}
        status, topic = await ask(running, "PATCH", "/sea", first)
        assert (status, topic["version"]) == (200, 2)
        status, problem = await ask(running, "PATCH", "/sea", {"query": "ship", "version": 1})
        assert status == 409
        assert "was changed meanwhile, its version is 2 now" in problem["detail"]
        assert (await ask(running, "PATCH", "/sea", {"query": "ship"}))[1]["version"] == 3
