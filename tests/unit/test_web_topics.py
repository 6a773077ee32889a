"""The pages of topics: in the order that people read, with a way to add one and to the language."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.model import Topic
from monitor.topics.stems import LANGUAGES
from tests.support.web import Site, a_site

TOPICS = (
    Topic(id="a-pact", name="Pact", query="pact"),
    Topic(id="b-ships", name="arms at sea", query="ship"),
    Topic(id="c-cables", name="Cables", query="cable"),
    Topic(id="d-ships", name="Élan vital", query="elan"),
)
LANGUAGE = "/docs/query-language.md"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, topics=TOPICS) as site:
        yield site


async def test_topics_are_sorted_by_the_name_that_is_shown(site: Site) -> None:
    order = ["b-ships", "c-cables", "d-ships", "a-pact"]
    assert re.findall(r'<th scope="row"><a href="/topics/([^"]+)', await site.shown("/topics")) == (
        order
    )
    assert re.findall(r'<option value="(\w-\w+)"', await site.shown("/")) == order


async def test_a_new_topic_is_one_click_away(site: Site) -> None:
    page = await site.shown("/topics")
    assert 0 < page.index('href="#add"') < page.index("<table>") < page.index('id="add"')


async def test_where_a_query_is_written_its_language_is_linked(site: Site) -> None:
    mine = replace(TOPICS[0], id="mine", stem="en")
    await site.store.add_topic(mine)
    for path in ("/", "/topics", "/topics/mine"):
        assert LANGUAGE in await site.shown(path), path
    assert LANGUAGE not in await site.shown("/topics/a-pact"), "a declared one is not changed here"


async def test_the_stemmer_is_chosen_among_those_there_are(site: Site) -> None:
    page = await site.shown("/topics")
    assert set(re.findall(r'<option value="(\w\w)"', page)) == set(LANGUAGES)
    assert '<option value="" selected>' in page
    await site.store.add_topic(replace(TOPICS[0], id="mine", stem="de"))
    assert '<option value="de" selected>German</option>' in await site.shown("/topics/mine")


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("/topics/none", '<a class="button" href="/topics">Show all topics</a>'),
        ("/sources/none", '<a class="button" href="/sources">Show all sources</a>'),
        ("/articles/none", '<a class="button" href="/">Show all articles</a>'),
        ("/none", '<a class="button" href="/">Show all articles</a>'),
    ],
)
async def test_what_is_missing_leads_to_what_there_is(site: Site, path: str, link: str) -> None:
    assert link in await site.shown(path, 404)


async def test_what_an_id_may_be_is_said_before_it_is_refused(site: Site) -> None:
    page = await site.shown("/topics")
    (field,) = re.findall(r'<input name="id"[^>]*>', page)
    assert 'title="Small letters, digits' in field
    assert '<span class="hint" id="id-rule">Small letters, digits' in page
    assert 'aria-describedby="id-rule"' in field
