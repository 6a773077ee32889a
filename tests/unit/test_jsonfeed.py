"""JSON Feeds: what becomes of their items, and that nothing in them stops the others."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import Rejected
from monitor.model import Article, Document, Hints, Memory, Parsed, Source
from monitor.sources.jsonfeed import parse

URL = "https://www.gazette.example/feed.json"
SOURCE = Source(name="wire", type="jsonfeed", location=URL)
NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
VERSION = "https://jsonfeed.org/version/1.1"


def parsed(body: bytes) -> Parsed:
    return parse(Document(url=URL, body=body, fetched=NOW), SOURCE, Memory())


def feed(*items: Any, **fields: Any) -> Parsed:
    return parsed(json.dumps({"version": VERSION, "title": "t", "items": items, **fields}).encode())


def article_of(**fields: Any) -> Article:
    (article,) = feed(fields).articles
    return article


def test_version_1_1() -> None:
    result = feed(
        {
            "id": 1001,
            "url": "/news/harbour?utm_source=json",
            "external_url": "https://else.example/",
            "title": "Harbour reopens after storm - Harbour Gazette",
            "summary": "The harbour reopened on Sunday, a <b> in it & all.",
            "content_html": "<p>The harbour reopened.</p><script>x()</script><p>Ships waited.</p>",
            "image": "https://img.gazette.example/harbour.jpg",
            "date_published": "2026-01-04T11:30:00-05:00",
            "date_modified": "2026-01-04T12:00:00-05:00",
            "authors": [{"name": "Ada Reed"}, {"url": "https://kim.example"}, 3],
            "tags": ["Local", "Local", 7, "Ports"],
            "language": "en-GB",
        },
        title="Harbour Gazette",
        hubs=[{"type": "rssCloud", "url": "https://no.example/"},
              {"type": "WebSub", "url": "https://hub.example/"}],
        feed_url="https://www.gazette.example/feed.json?all=1",
    )  # fmt: skip
    (article,) = result.articles
    assert article.title == "Harbour reopens after storm"
    assert article.item_id == "1001"
    assert article.url == "https://www.gazette.example/news/harbour"
    assert article.summary == "The harbour reopened on Sunday, a <b> in it & all."
    assert article.body == "The harbour reopened.\n\nShips waited."
    assert article.published == datetime(2026, 1, 4, 16, 30, tzinfo=UTC)
    assert article.updated == datetime(2026, 1, 4, 17, 0, tzinfo=UTC)
    assert article.authors == ("Ada Reed", "https://kim.example")
    assert article.categories == ("Local", "Ports")
    assert article.image == "https://img.gazette.example/harbour.jpg"
    assert (article.language, article.source, article.fetched) == ("en", "wire", NOW)
    assert result.title == "Harbour Gazette"
    topic = "https://www.gazette.example/feed.json?all=1"
    assert result.hints == Hints(hub="https://hub.example/", topic=topic)


def test_version_1_0() -> None:
    (article,) = feed(
        {
            "id": "a",
            "content_text": "One <b> &amp; two",
            "author": {"name": "Jo Brandt"},
            "external_url": "https://else.example/a",
            "attachments": [{"mime_type": "image/png", "url": "/a.png"}],
        },
        version="https://jsonfeed.org/version/1",
    ).articles
    assert (article.title, article.body) == ("One <b> &amp; two", "One <b> &amp; two")
    assert article.authors == ("Jo Brandt",)
    assert article.url == "https://else.example/a"
    assert article.image == "https://www.gazette.example/a.png"


def test_dates_in_the_future_are_those_of_the_poll_and_said() -> None:
    result = feed(
        {"id": "a", "title": "One", "date_published": "2026-02-01T00:00:00Z"},
        {"id": "b", "title": "Two", "date_published": "9999-12-31T00:00:00Z"},
        {"id": "c", "title": "Three", "date_published": "2026-01-05T12:30:00Z"},
    )
    times = [article.published for article in result.articles]
    assert times == [NOW, None, NOW.replace(minute=30)]
    assert result.notes == ("1 item is dated in the future: taken as published at the poll",)


def test_an_item_dated_in_the_future_stays_the_same_item() -> None:
    item = {"title": "Harbour reopens", "date_published": "2026-02-01T00:00:00Z"}
    body = json.dumps({"version": VERSION, "items": [item]}).encode()
    one, other = (
        parse(Document(url=URL, body=body, fetched=now), SOURCE, Memory()).articles[0]
        for now in (NOW, NOW.replace(day=7))
    )
    assert (one.id, one.content_hash) == (other.id, other.content_hash)


@pytest.mark.parametrize("bad", [None, 3, "text", [], {}, {"id": None}, True, [[{"title": "no"}]]])
def test_a_bad_item_costs_nothing_else(bad: Any) -> None:
    result = feed({"title": "One", "id": 1}, bad, {"title": "Two", "id": 2})
    assert [article.title for article in result.articles] == ["One", "Two"]
    assert result.rejected == 1


@pytest.mark.parametrize("key", [
    "id", "url", "external_url", "title", "summary", "content_html", "content_text", "image",
    "banner_image", "date_published", "date_modified", "author", "authors", "tags", "language",
    "attachments",
])  # fmt: skip
@pytest.mark.parametrize("value", [
    None, True, -1, 1e400, float("nan"), [], {}, [None], [{}], {"name": []}, "\x00", "\ud800",
    "http://[", "9" * 5_000, "<p>" * 500,
])  # fmt: skip
def test_a_field_of_any_kind_costs_nothing_else(key: str, value: Any) -> None:
    first, second = feed({"title": "One", "x": "y", key: value}, {"title": "Two"}).articles
    assert first.title
    assert second.title == "Two"
    assert "\x00" not in repr(first)
    first.title.encode()


def test_a_number_of_any_length_is_an_id() -> None:
    body = b'{"version": "%s", "items": [{"id": %s, "title": "One"}]}'
    (article,) = parsed(body % (VERSION.encode(), b"9" * 100_000)).articles
    assert len(article.item_id) == 64


def test_a_feed_that_is_cut_off_or_broken_gives_what_is_whole() -> None:
    items = [{"id": n, "title": f"Item {n}"} for n in range(5)]
    body = json.dumps({"version": VERSION, "title": "Gazette", "items": items}).encode()
    cut_off = parsed(body[:-20])
    assert [article.title for article in cut_off.articles] == [
        "Item 0",
        "Item 1",
        "Item 2",
        "Item 3",
    ]
    assert (cut_off.title, cut_off.rejected) == ("Gazette", 1)
    assert cut_off.notes == ("the document is cut off: 4 items of it could be read",)
    broken = parsed(body.replace(b'"Item 2"', b'"Item" 2'))
    assert [article.title[-1] for article in broken.articles] == ["0", "1", "3", "4"]
    assert broken.rejected == 1


def test_the_newest_two_thousand_are_kept() -> None:
    items = [
        {"id": n, "title": f"n{n}", "date_published": f"{1990 + n // 300}-01-01"}
        for n in range(4_500)
    ]
    titles = {article.title for article in feed(*items).articles}
    assert len(titles) == 2_000
    assert "n4499" in titles


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "no JSON"),
        (b"<rss/>", "no JSON"),
        (b"/etc/passwd", "no JSON"),
        (b'{"version": "2"}', "no JSON Feed"),
        (b'{"title": "x", "items": {}}', "no JSON Feed"),
        (b"[1, 2]", "no JSON Feed"),
        (b"[" * 100_000, "nested more deeply"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": [', "is broken"),
    ],
)
def test_what_is_no_feed_is_rejected_with_what_it_is(body: bytes, sentence: str) -> None:
    with pytest.raises(Rejected, match=sentence):
        parsed(body)


def test_a_feed_without_items_is_a_feed() -> None:
    assert feed().articles == ()


@settings(deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=9), lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["id", "title", "url", "authors", "name", "tags", "date_published", "content_html"]),
        inner, max_size=4))))  # fmt: skip
def test_nothing_but_articles_comes_out(item: Any) -> None:
    assert all(article.title for article in feed(item, {"title": "Two"}).articles)
