"""`/api/v1/topics/{topic}/wrong` over a real server and a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.articles import NOW, an_article
from tests.support.clock import FakeClock
from tests.support.web import Site, a_site

WRONG = "/api/v1/topics/naval/wrong"
JSON = {"Content-Type": "application/json"}
NONE: Any = {"items": [], "next": None}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, clock=FakeClock()) as site:
        await site.store.save_articles([an_article(id="a/1"), an_article(id="b")], NOW)
        yield site


async def ask(site: Site, method: str, path: str = "", status: int = 200) -> Any:
    async with site.client.request(method, f"{WRONG}{path}", headers=JSON) as response:
        assert response.status == status, await response.text()
        return None if status == 204 else await response.json()


async def test_marks_are_made_listed_and_taken_back(site: Site) -> None:
    assert await ask(site, "GET") == NONE
    for article in ("/a/1", "/b", "/b"):
        await ask(site, "PUT", article, 204)
    listed = (await ask(site, "GET"))["items"]
    assert [item["article_id"] for item in listed] == ["b", "a/1"]
    assert all(item["marked"] for item in listed)
    await ask(site, "DELETE", "/a/1", 204)
    await ask(site, "DELETE", "/a/1", 204)
    assert [item["article_id"] for item in (await ask(site, "GET"))["items"]] == ["b"]


async def test_marks_are_listed_in_pages(site: Site) -> None:
    days = (3, 1, 3, 2)
    articles = [f"a{number}" for number in range(len(days))]
    await site.store.save_articles([an_article(id=each) for each in articles], NOW)
    for article, day in zip(articles, days, strict=True):
        await site.store.mark_wrong("naval", [article], NOW + timedelta(days=day))
    seen, query = [], "?limit=1"
    for _ in articles:
        page = await ask(site, "GET", query)
        seen += [item["article_id"] for item in page["items"]]
        query = f"?limit=1&cursor={page['next']}"
    assert seen == ["a0", "a2", "a3", "a1"], "the latest first, those of one time by article"
    assert page["next"] is None
    problem = await ask(site, "GET", "?cursor=YWZ0ZXI6YQ", 400)
    assert problem["detail"].startswith("cursor: not one of this API")


async def test_an_article_that_is_not_stored_cannot_be_marked(site: Site) -> None:
    problem = await ask(site, "PUT", "/nobody", 404)
    assert "'nobody'" in problem["detail"]
    assert await ask(site, "GET") == NONE


async def test_there_are_no_marks_of_a_topic_that_does_not_exist(site: Site) -> None:
    nowhere = "/api/v1/topics/nosuch/wrong"
    for method, path in (("GET", nowhere), ("PUT", f"{nowhere}/b")):
        async with site.client.request(method, path, headers=JSON) as response:
            assert response.status == 404
            assert "there is no topic 'nosuch'" in (await response.json())["detail"]
    assert await site.store.wrong_for("nosuch") == []


async def test_a_mark_is_refused_to_another_site(site: Site) -> None:
    headers = {**JSON, "Origin": "https://elsewhere.example"}
    async with site.client.put(f"{WRONG}/b", headers=headers) as response:
        assert response.status == 403
    assert await ask(site, "GET") == NONE
