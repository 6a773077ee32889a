"""The page of an article: what its topics matched, marked, whatever a text holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.model import Topic
from tests.support.articles import NOW, an_article
from tests.support.web import Site, a_site

TOPICS = (
    Topic(
        id="storms", name="Storms & <floods>", query='"heavy storm" OR title:flood OR source:wire'
    ),
    Topic(id="ships", name="Ships", query="ferry"),
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path, topics=TOPICS) as site:
        yield site


async def shown(site: Site, **fields: Any) -> str:
    await site.store.save_articles([an_article(**fields)], NOW)
    async with site.client.get("/articles/a1") as response:
        assert response.status == 200
        return await response.text()


async def test_matched_words_are_marked_and_listed(site: Site) -> None:
    page = await shown(site, title="Flood", body="A heavy\nstorm.", topics=("storms",))
    assert "<mark>Flood</mark></h1>" in page
    assert "<p>A <mark>heavy\nstorm</mark>.</p>" in page
    assert "Why these topics" in page
    for term in ("&#34;heavy storm&#34;", "title:flood", "source:wire"):
        assert f'<span class="term">{term}</span>' in page


async def test_text_around_and_within_marks_is_escaped(site: Site) -> None:
    body = "<script>alert(1)</script> heavy <b> storm & more"
    page = await shown(site, title="<i>Flood</i>", body=body, topics=("storms",))
    assert "&lt;i&gt;<mark>Flood</mark>&lt;/i&gt;" in page
    assert "<mark>heavy &lt;b&gt; storm</mark>" not in page  # three words, no phrase
    assert "&lt;script&gt;alert(1)&lt;/script&gt; heavy &lt;b&gt; storm &amp; more" in page
    page = await shown(site, body="<u>heavy <> storm</u>", topics=("storms",), revision=2)
    assert "&lt;u&gt;<mark>heavy &lt;&gt; storm</mark>&lt;/u&gt;" in page
    assert "Storms &amp; &lt;floods&gt;" in page


async def test_a_topic_that_matches_no_more_says_so(site: Site) -> None:
    page = await shown(site, topics=("ships", "unknown"))
    assert "does not match any more" in page
    assert "<mark>" not in page


async def test_an_article_without_topics_has_no_reasons(site: Site) -> None:
    page = await shown(site)
    assert "Why these topics" not in page
    assert "<mark>" not in page


async def test_an_article_without_alerts_says_no_more_than_is_known(site: Site) -> None:
    old = {"topics": ("ships",), "backlog": True}
    page = await shown(site, published=NOW, **old)
    assert "it was older than the <code>backlog</code> of its source" in page
    assert "met no alert rule" not in page
    assert "it had no date and so counted as older" in await shown(site, revision=2, **old)
    page = await shown(site, topics=("ships",), revision=3)
    assert "None was raised.</p>" in page
    assert "alert rules wait for topics" in await shown(site, revision=4)


async def test_a_time_says_its_zone(site: Site) -> None:
    assert ">26 Apr 2024, 10:05 UTC</time>" in await shown(
        site, published=datetime(2024, 4, 26, 10, 5, tzinfo=UTC)
    )
