"""Listing pages: which of their links are articles."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import Rejected
from monitor.model import Document, Memory, Source
from monitor.sources.page import Link, links_of, parse
from monitor.sources.selectors import xpath_of
from monitor.sources.slugs import is_article, title_of

URL = "https://www.gazette.example/"
SOURCE = Source(name="gazette", type="page", location=URL)
NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
LISTING = (Path(__file__).parents[1] / "fixtures" / "pages" / "listing.html").read_bytes()
TITLES = [
    "Storm closes the harbour for a week",
    "Bridge is to be rebuilt by May",
    "Council votes on ferry fares",
    "School meals become free",
    "Lighthouse keeper retires at ninety",
]


def page(body: bytes | str) -> Document:
    return Document(url=URL, body=body.encode() if isinstance(body, str) else body, fetched=NOW)


def titles_of(body: bytes | str, selector: str = "") -> list[str]:
    return [link.title for link in links_of(page(body), selector)]


def test_articles_are_found_by_repetition() -> None:
    parsed = parse(page(LISTING), SOURCE, Memory())
    assert [article.title for article in parsed.articles] == TITLES
    assert parsed.title == "Harbour Gazette"
    bridge = parsed.articles[1]
    assert bridge.url == "https://www.gazette.example/2026/01/05/bridge-is-to-be-rebuilt-by-may"
    assert (bridge.language, bridge.published, bridge.fetched) == ("en", None, NOW)
    assert len({article.id for article in parsed.articles}) == len(TITLES)


@pytest.mark.parametrize(
    ("selector", "titles"),
    [
        (".river h2 a", TITLES[1:]),
        ("div.river > article", TITLES[1:]),
        ("h1 a, h2 > a[href]", TITLES),
        ("article.card-2 a", TITLES[2:3]),
        ("article.card:not(.first) h2 a", TITLES[2:]),
        ("article:first-child em", TITLES[:0]),
        ("em", TITLES[2:3]),
        ("article + article a[href^='https:']", TITLES[3:4]),
        ("article.first ~ article.last a", TITLES[4:]),
        ("a[href$=ninety]", TITLES[4:]),
        ('[class~="card-3"] a[href*="school"]', TITLES[3:4]),
        ("html[lang|=en] section.lead a", TITLES[:1]),
    ],
)
def test_articles_are_found_by_a_selector(selector: str, titles: list[str]) -> None:
    assert titles_of(LISTING, selector) == titles


@pytest.mark.parametrize(
    "selector", ["", "a,", "a >", "a:hover", "a[", "a..b", "//a", "a:not(b c)", "a{}", "x" * 501]
)
def test_what_is_no_selector_is_refused(selector: str) -> None:
    with pytest.raises(Rejected, match="links: "):
        xpath_of(selector)


@given(st.text(alphabet="abA.#[]()='\"~^$*|>+:, \\-1é", max_size=30))
@settings(deadline=None)
def test_any_selector_is_refused_or_works(selector: str) -> None:
    with contextlib.suppress(Rejected):
        assert len(links_of(page(LISTING), selector or "a")) <= 20


def test_where_nothing_is_found_the_cure_is_named() -> None:
    body = "<html><body><p>Hello</p><a href='/a'>A</a></body></html>"
    with pytest.raises(Rejected, match="set links to the CSS selector"):
        parse(page(body), SOURCE, Memory())
    with pytest.raises(Rejected, match=r"nothing on the page matches '\.x'"):
        parse(page(body), replace(SOURCE, links=".x"), Memory())
    assert links_of(page(body)) == []


@pytest.mark.parametrize("body", ["", "plain", "\x00\x01", "{}"])
def test_what_is_no_page_is_rejected(body: str) -> None:
    with pytest.raises(Rejected, match="no web page"):
        parse(page(body), SOURCE, Memory())


def test_cards_that_are_links_are_named_by_their_heading() -> None:
    cards = "".join(
        f'<a class="c" href="/story-{n}0000{n}"><time>5 Jan</time><h3>What item {n} is about</h3>'
        "<p>A summary that is much longer than its heading, and of no use here.</p></a>"
        for n in range(4)
    )
    assert titles_of(f"<html><body>{cards}</body></html>") == [
        f"What item {n} is about" for n in range(4)
    ]


def test_the_base_of_a_page_counts() -> None:
    links = "".join(
        f"<h2><a href='a-slug-of-many-words-{n}'>A headline number {n}</a></h2>" for n in range(3)
    )
    body = f"<html><head><base href='/news/'></head><body>{links}</body></html>"
    assert links_of(page(body))[0] == Link(
        "https://www.gazette.example/news/a-slug-of-many-words-0", "A headline number 0"
    )


@pytest.mark.parametrize(
    ("path", "article"),
    [
        ("/2026/01/05/storm", True),
        ("/news/storm-closes-harbour-for-a-week", True),
        ("/news/uk-politics-68412345", True),
        ("/a/storm_closes_the_harbour.html", True),
        ("/", False),
        ("/sport", False),
        ("/tags/2026/01/05/x", False),
        ("/author/a-b", False),
        ("/pictures/storm-closes-harbour-for-a-week.jpg", False),
    ],
)
def test_what_an_address_looks_like(path: str, article: bool) -> None:
    assert is_article(f"https://www.gazette.example{path}") is article


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/2026/01/harbour-reopens-after-storm-10482.html", "Harbour reopens after storm"),
        ("/n/104829-harbour_reopens_after_storm/", "Harbour reopens after storm"),
        ("/news/caf%C3%A9-am-hafen-offen-2026", "Café am hafen offen 2026"),
        ("/news/storm", ""),
        ("/", ""),
    ],
)
def test_a_slug_stands_for_a_title(path: str, title: str) -> None:
    assert title_of(f"https://www.gazette.example{path}") == title
