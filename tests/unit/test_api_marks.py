"""`/api/v1/topics/{topic}/wrong` over a real server and a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.articles import NOW, an_article
from tests.support.clock import FakeClock
from tests.support.web import Site, a_site

WRONG = "/api/v1/topics/naval/wrong"
JSON = {"Content-Type": "application/json"}


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
    assert await ask(site, "GET") == []
    for article in ("/a/1", "/b", "/b"):
        await ask(site, "PUT", article, 204)
    listed = await ask(site, "GET")
    assert [item["article_id"] for item in listed] == ["b", "a/1"]
    assert all(item["marked"] for item in listed)
    await ask(site, "DELETE", "/a/1", 204)
    await ask(site, "DELETE", "/a/1", 204)
    assert [item["article_id"] for item in await ask(site, "GET")] == ["b"]


async def test_an_article_that_is_not_stored_cannot_be_marked(site: Site) -> None:
    problem = await ask(site, "PUT", "/nobody", 404)
    assert "'nobody'" in problem["detail"]
    assert await ask(site, "GET") == []


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
    assert await ask(site, "GET") == []
