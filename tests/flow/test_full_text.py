"""Articles whose feed gives a stub: they go out with the text of their pages, or without, once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.support.checker import ask
from tests.support.running import WITHIN, Running, a_service, write_config
from tests.support.service import ServiceProcess
from tests.support.site import PARAGRAPH, TITLES, Part, Site, article, article_path, rss
from tests.support.world import until

RSS = "application/rss+xml"
STUB = "Read more"
PATIENCE = 600.0


def stubs(site: Site, count: int) -> dict[str, Any]:
    """Serve a feed of stubs; return its source."""
    site.put("/feed", rss(site.url(""), count, STUB), RSS)
    return {"type": "feed", "url": site.url("/feed"), "backlog": "none"}


async def history(running: Running) -> list[tuple[Any, ...]]:
    """Return every article and revision that was ever sent."""
    return sorted(await running.ask("SELECT article_id, revision FROM outbox"))


async def test_stubs_go_out_once_with_the_text_of_their_pages(tmp_path: Path) -> None:
    async with Site("127.3.0.1") as site:
        source = stubs(site, 4)
        site.put_articles()
        async with a_service(tmp_path, {"wire": source}) as running:
            articles = await running.stored(4)
            site.put("/feed", rss(site.url(""), 5, STUB), RSS)
            assert (await running.poll_again("wire"))["polls"][0]["new"] == 1
            after = await running.stored(5)
            sent = await history(running)
            assert await running.alerted() == sorted(TITLES[:5])
    assert all(PARAGRAPH in body for _, body, *_ in after.values())
    assert articles.items() <= after.items(), "the pages' text stays"
    assert len(sent) == 5
    assert {revision for _, revision in sent} == {1}
    assert site.asked.count(article_path(0)) == 1


async def test_a_page_that_is_down_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    async with Site("127.3.0.2") as site:
        source = stubs(site, 1)
        down = Part(status=500)
        site.parts[article_path(0)] = down
        async with a_service(tmp_path, {"wire": source}) as running:
            await running.polled("wire", 1)
            assert await running.articles() == {}
            running.clock.advance(PATIENCE)
            articles = await running.stored(1)
            assert articles[TITLES[0]][:3] == (1, "", STUB)
            site.put(article_path(0), article(0))

            async def revised() -> bool:
                running.clock.advance(PATIENCE)
                revision: int = (await running.articles())[TITLES[0]][0]
                return revision == 2

            await until(revised, WITHIN, "the page's text")
            _, body, summary, *_ = (await running.articles())[TITLES[0]]
            assert PARAGRAPH in body
            assert summary == STUB, "what the feed said stays beside it"
            site.put("/feed", rss(site.url(""), 1, STUB) + "\n", RSS)
            polled = await running.poll_again("wire")
            assert (polled["polls"][0]["revised"], polled["polls"][0]["known"]) == (0, 1)
            assert len(await history(running)) == 2
            assert await running.alerted() == [TITLES[0]]


async def test_a_page_that_robots_may_not_have_is_not_asked_and_not_waited_for(
    tmp_path: Path,
) -> None:
    async with Site("127.3.0.3") as site:
        source = stubs(site, 2)
        site.put_articles()
        site.put("/robots.txt", "User-agent: *\nDisallow: /2026/", "text/plain")
        async with a_service(tmp_path, {"wire": source}) as running:
            articles = await running.stored(2)
            assert await running.alerted() == sorted(TITLES[:2])
    assert {values[:3] for values in articles.values()} == {(1, "", STUB)}
    assert set(site.asked) == {"/feed", "/robots.txt"}


async def test_a_kill_between_poll_and_page_loses_and_doubles_nothing(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/data/monitor.db"
    async with Site("127.3.0.4") as site:
        source = stubs(site, 2)
        site.put_articles()
        hanging = Part(body=article(0), after=asyncio.Event())
        site.parts[article_path(0)] = hanging
        config = write_config(tmp_path, {"wire": source})
        first = ServiceProcess(config, tmp_path / "data")
        second = ServiceProcess(config, tmp_path / "data")

        async def asked() -> bool:
            return article_path(0) in site.asked

        async def stored() -> bool:
            (found,) = await ask(url, "SELECT title FROM article")
            return len(found) == 2

        try:
            await first.start()
            await until(asked, WITHIN, "the page asked for")
            await first.kill()
            site.put_articles()
            await second.start()
            await until(stored, WITHIN, "both articles stored")
            assert await second.stop() == 0
        finally:
            for service in (first, second):
                if service.process is not None:
                    await service.kill()
            assert hanging.after is not None
            hanging.after.set()
        articles, sent = await ask(
            url, "SELECT title, body FROM article", "SELECT revision FROM outbox"
        )
    assert sorted(title for title, _ in articles) == sorted(TITLES[:2])
    assert all(PARAGRAPH in body for _, body in articles)
    assert sent == [(1,), (1,)]
