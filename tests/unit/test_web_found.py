"""What a search found: how many, in which order, and what of each article."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.model import ArticleRow, SearchPage
from monitor.search import Order
from monitor.store import search as store_search
from monitor.topics.query import parse
from monitor.web.found import found_in, told_of
from tests.support.articles import NOW, an_article
from tests.support.web import Site, a_site

FAR = "and so it went on for a long while in the harbour town " * 8


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


async def store(site: Site, *names: str, **fields: str) -> None:
    for name in names:
        await site.store.save_articles([an_article(id=name, **{"title": name, **fields})], NOW)


def listed(page: str) -> list[str]:
    return re.findall(r'<li class="row[^>]* data-id="([^"]+)"', page)


def text_of(query: str, **fields: str) -> list[str]:
    article = an_article(**{"title": "Ships", "summary": "", "body": "", **fields})
    found = found_in(article, parse(query).root, NOW)
    marked = [
        "".join(f"[{text}]" if mark else text for text, mark in excerpt)
        for excerpt in (found.title, *found.excerpts)
    ]
    return marked


def test_title_and_text_are_marked() -> None:
    assert text_of("ships AND fleet", body="A fleet sails.") == ["[Ships]", "A [fleet] sails."]
    assert text_of("fleet", summary="A fleet.") == ["Ships", "A [fleet]."]
    assert text_of("fleet", summary="A fleet.", body="Ferries.") == ["Ships", "A [fleet]."]


def test_excerpts_are_cut_between_words_around_each_term() -> None:
    body = f"{FAR}A fleet left. {FAR}A tanker followed. {FAR}"
    title, first, second = text_of("tanker AND fleet", body=body)
    assert title == "Ships"
    for excerpt, middle in ((first, "A [fleet] left."), (second, "A [tanker] followed.")):
        assert re.fullmatch(rf"… \w.*{re.escape(middle)}.*\w …", excerpt)
        assert len(excerpt) < 250
        words = {"fleet", "left", "tanker", "followed", *FAR.split(), "A"}
        assert set(re.findall(r"\w+", excerpt)) <= words, "no word is cut"


def test_terms_that_stand_together_share_an_excerpt() -> None:
    assert text_of("fleet AND sails", body="A fleet sails.") == ["Ships", "A [fleet] [sails]."]


def test_without_a_passage_the_text_begins() -> None:
    _, start = text_of("ships", body=FAR)
    assert start.startswith("and so it went on")
    assert start.endswith(" …")
    assert text_of("ships") == ["[Ships]"]


def test_texts_without_spaces_are_cut_anywhere() -> None:
    _, excerpt = text_of("ships", body="x" * 900)
    assert excerpt == f"{'x' * 150} …"


@pytest.mark.parametrize(
    ("rows", "before", "total", "order", "told"),
    [
        (0, None, None, Order.NEWEST, ""),
        (1, None, None, Order.NEWEST, "1 article found"),
        (50, None, None, Order.NEWEST, "50 articles found"),
        (51, 9, None, Order.NEWEST, "More than 50 articles found"),
        (3, 9, None, Order.NEWEST, "3 articles found, older ones not looked at yet"),
        (2, None, 2, Order.BEST, "2 articles found"),
        (2, None, None, Order.BEST, "2 articles found, older ones not looked at yet"),
        (51, None, None, Order.BEST, "More than 50 articles found, older ones not looked at yet"),
        (51, None, 312, Order.BEST, "The best 50 of 312 articles found"),
        (51, None, 1_000, Order.BEST, "The best 50 of the newest 1,000 articles found"),
    ],
)
def test_how_many_were_found_is_told(
    rows: int, before: int | None, total: int | None, order: Order, told: str
) -> None:
    row = ArticleRow(seq=1, article=an_article(), stored=NOW)
    page = SearchPage(rows=(row,) * rows, before=before, total=total)
    assert told_of(page, order) == told


async def test_older_pages_count_what_is_older(site: Site) -> None:
    await store(site, *(f"a{number}" for number in range(52)), body="a fleet")
    first = await site.shown("/?q=fleet")
    assert "More than 50 articles found by “fleet”" in first
    assert len(listed(first)) == 50
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first)
    second = await site.shown(older.replace("&amp;", "&"))
    assert listed(second) == ["a1", "a0"]
    assert "2 older articles found by “fleet”" in second


async def test_the_page_of_a_search(site: Site) -> None:
    await store(site, "a", "b", body="A <b>fleet</b> sails.")
    await store(site, "other")
    page = await site.shown("/?q=fleet")
    assert listed(page) == ["b", "a"]
    assert "2 articles found by “fleet”" in page
    assert "A &lt;b&gt;<mark>fleet</mark>&lt;/b&gt; sails." in page
    assert '<a href="/?q=fleet&amp;order=best">Best first</a>' in page
    assert '<a href="/?q=fleet" aria-current="true">Newest first</a>' in page


async def test_the_best_come_first_where_that_is_asked_for(site: Site) -> None:
    await store(site, "most", body="fleet fleet fleet")
    await store(site, "least", body=f"fleet {FAR}")
    assert listed(await site.shown("/?q=fleet")) == ["least", "most"]
    best = await site.shown("/?q=fleet&order=best")
    assert listed(best) == ["most", "least"]
    assert '<input type="hidden" name="order" value="best">' in best
    assert 'data-position=""' in best, "what arrives has no place in it"


async def test_of_a_wrong_query_only_the_mistake_is_shown(site: Site) -> None:
    await store(site, "a")
    page = await site.shown("/?q=foo+and+(")
    assert 'role="alert"' in page
    assert 'value="foo and ("' in page, "it is there to be corrected"
    assert 'data-position=""' in page, "nothing is waited for"
    for text in ("Found by", "found by", "No articles", "New matches", "Newest first"):
        assert text not in page


async def test_a_search_that_finds_little_goes_on_where_it_stopped(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many articles are looked at for few: the next page begins after them, not after the last
    that was found, and there is one even where nothing was found yet."""
    monkeypatch.setattr(store_search, "AT_ONCE", 2)  # then as many as a page has room for
    monkeypatch.setattr(store_search, "MOST", 50)
    await store(site, "oldest", body="a fleet")
    await store(
        site, *(f"near{number}" for number in range(109)), body="fleets are a fleet no more"
    )
    path, pages = "/?q=%22a+fleet%22+NOT+more", []
    while path:
        page = await site.shown(path)
        pages.append(listed(page))
        older = re.search(r'id="older" rel="next" href="([^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    assert pages == [[], [], ["oldest"]]
