"""The pages with more sources and topics than a page shows: nothing is without an end."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import update

from monitor.clock import SystemClock
from monitor.model import Topic
from monitor.store.sql import Database
from monitor.store.tables import TOPIC
from monitor.web.choices import OFFERED
from monitor.web.pages import TOPICS
from tests.support.articles import NOW, an_article
from tests.support.polls import a_source
from tests.support.web import Site, a_site

MANY = OFFERED + 1
SOURCES = [a_source(f"s{number:03}", title=f"Source {number}") for number in range(MANY)]
# By name the other way round than by id.
NAMED = [
    Topic(id=f"t{number:03}", name=f"Named {999 - number}", query="x") for number in range(MANY)
]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, topics=NAMED) as site:
        await site.store.declare(SOURCES, NOW)
        for number, (source, topic) in enumerate((("s007", "t003"), ("s009", "t005"))):
            article = an_article(id=f"a{number}", source=source, topics=(topic,))
            await site.store.save_articles([article], NOW)
        yield site


def offered(page: str, name: str) -> list[tuple[str, str]]:
    _, _, rest = page.partition(f'<datalist id="{name}-offered">')
    found = re.finditer(r'<option value="([^"]*)">([^<]*)', rest.partition("</datalist>")[0])
    return [(option[1], option[2]) for option in found]


async def test_filters_offer_what_is_in_the_news(site: Site) -> None:
    page = await site.shown("/")
    assert offered(page, "source") == [("s007", "Source 7"), ("s009", "Source 9")]
    assert offered(page, "topic") == [("t005", "Named 994"), ("t003", "Named 996")]
    assert "<select" not in page


async def test_anything_can_be_written_into_a_filter(site: Site) -> None:
    await site.store.save_articles([an_article(id="b", source="s100", topics=("t100",))], NOW)
    page = await site.shown("/?source=+s100&topic=t100")
    assert re.search(r'<input [^>]*name="source"[^>]* value="s100"', page)
    assert "From Source 100." in page
    assert "<h1>Named 899</h1>" in page
    assert page.count('data-id="b"') == 1
    page = await site.shown("/?source=%22%3E%3Cb%3E")
    assert "No articles match" in page
    assert "<b>" not in page


async def test_rows_have_names_that_no_filter_offers(site: Site) -> None:
    for number in range(MANY):
        article = an_article(id=f"n{number}", source=f"s{number:03}", topics=(f"t{number:03}",))
        await site.store.save_articles([article], NOW)
    page = await site.shown(f"/?before={3 + 20}")
    assert len(offered(page, "source")) == OFFERED
    shown = set(re.findall(r'data-slot="source">([^<]+)', page))
    assert {"Source 0", "Source 19"} <= shown
    assert '<a class="chip" href="/?topic=t019">Named 980</a>' in page


async def test_few_are_chosen_from_a_list(site: Site) -> None:
    await site.store.declare(SOURCES[:OFFERED], NOW)
    await site.store.declare_topics(NAMED[:OFFERED], ())
    page = await site.shown("/?source=s001")
    assert "<datalist" not in page
    assert page.count("<option value=") == 2 * (OFFERED + 1)
    assert '<option value="s001" selected>Source 1</option>' in page


async def test_a_long_list_of_topics_goes_on_on_the_next_page(site: Site) -> None:
    order = [topic.id for topic in reversed(NAMED)]
    seen, path = [], "/topics"
    while path:
        page = await site.shown(path)
        found = re.findall(r'<th scope="row"><a href="/topics/([^"]+)', page)
        assert 0 < len(found) <= TOPICS
        seen += found
        path = "".join(re.findall(r'rel="next" href="([^"]+)"', page))
    assert seen == order
    assert "Back to the first" in page


async def test_one_goes_to_a_name_without_turning_pages(site: Site) -> None:
    page = await site.shown("/topics?from=named+998")
    assert re.findall(r'<th scope="row"><a href="/topics/([^"]+)', page) == ["t001", "t000"]
    assert '<input type="search" name="from" id="from" value="named 998"' in page
    page = await site.shown("/sources?from=+S199")
    assert re.findall(r'<th scope="row"><a href="/sources/([^"]+)', page) == ["s199", "s200"]
    for path in ("/topics", "/sources"):
        page = await site.shown(f"{path}?from=zz%22%3E%3Cb%3E")
        assert "There is none after that" in page
        assert "<b>" not in page


async def test_a_short_list_is_as_it_was(site: Site) -> None:
    await site.store.declare(SOURCES[:9], NOW)
    await site.store.declare_topics(NAMED[:9], ())
    for path in ("/topics", "/sources"):
        page = await site.shown(path)
        assert 'name="from"' not in page
        assert 'rel="next"' not in page


async def test_a_mistake_in_a_topic_is_told_where_it_is_listed(site: Site) -> None:
    await site.store.declare_topics([*NAMED, Topic(id="bad", name="Zebra", query="@none")], ())
    assert "no topic or word list is called" in await site.shown("/topics?from=z")
    assert "no topic or word list" not in await site.shown("/topics")


async def test_no_request_reads_all_topics(site: Site, tmp_path: Path) -> None:
    await site.store.add_topic(Topic(id="mine", name="Mine", query="y @t100"))
    await site.store.add_topic(Topic(id="zz", name="Zz", query="z"))
    database = Database(f"sqlite:///{tmp_path / 'monitor.db'}", SystemClock())
    await database.start()
    # Whoever reads this one fails: it is neither asked for nor used by what is asked for.
    broken = update(TOPIC).where(TOPIC.c.id == "zz").values(definition=b"\xc1")
    await database.write(lambda connection: connection.execute(broken))
    await database.stop()
    api, headers = "/api/v1/topics", {"Content-Type": "application/json"}
    for path in ("/", "/articles/a0", "/alerts", "/topics", "/topics/mine", api, "/?q=@mine"):
        await site.shown(path)
    for method, path, body, status in (
        ("POST", "/check", {"query": "z @mine"}, 200),
        ("POST", "", {"id": "other", "query": "z @mine"}, 201),
        ("PATCH", "/mine", {"query": "y @t101"}, 200),
        ("DELETE", "/mine", None, 409),
        ("DELETE", "/other", None, 204),
    ):
        request = site.client.request(method, f"{api}{path}", json=body, headers=headers)
        async with request as answer:
            assert answer.status == status, await answer.text()
    await site.shown("/topics?from=zz", 500)


async def test_of_many_that_use_a_topic_some_are_named(site: Site) -> None:
    await site.store.add_topic(Topic(id="mine", name="Mine", query="x"))
    users = [Topic(id=f"u{number:02}", name="User", query="@mine") for number in range(25)]
    await site.store.declare_topics([*NAMED, *users], ())
    headers = {"Content-Type": "application/json"}
    async with site.client.delete("/api/v1/topics/mine", headers=headers) as answer:
        detail = (await answer.json())["detail"]
    assert answer.status == 409
    assert detail.startswith("topic 'mine' is used as @mine by u00, u01, ")
    assert detail.endswith("u19 and 5 more: change it first")
    changed = {"query": "broken("}
    async with site.client.patch("/api/v1/topics/mine", json=changed, headers=headers) as answer:
        assert answer.status == 422, "its own mistake is told, not that of those that use it"
    circle = {"query": "x OR @u00"}
    async with site.client.patch("/api/v1/topics/mine", json=circle, headers=headers) as answer:
        assert answer.status == 422
        assert "a topic cannot use itself" in (await answer.json())["detail"]


async def test_a_search_by_a_name_that_is_not_there_tells_the_nearest(site: Site) -> None:
    await site.store.declare_topics([*NAMED, Topic(id="baltic", name="Sea", query="x")], ())
    for path in ("/?q=@baltik", "/api/v1/articles?q=@baltik"):
        page = await site.shown(path, 422 if "api" in path else 200)
        assert "did you mean @baltic?" in page
