"""The text of an article's page."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.errors import Rejected
from monitor.model import Document, PageText
from monitor.sources.extract import MAX_ELEMENTS, extract

URL = "https://www.gazette.example/2026/01/05/storm"
NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
ARTICLE = (Path(__file__).parents[1] / "fixtures" / "pages" / "article.html").read_text()


def text_of(page: str, content_type: str = "text/html", charset: str = "utf-8") -> PageText:
    body = page.encode(charset)
    return extract(Document(url=URL, body=body, content_type=content_type, fetched=NOW))


def test_an_article() -> None:
    page = text_of(ARTICLE)
    assert page.title == "Storm closes the harbour for a week"
    paragraphs = page.body.split("\n\n")
    assert len(paragraphs) == 4
    assert paragraphs[0].startswith("The harbour will stay closed until Sunday")
    assert paragraphs[-1].endswith("examined by engineers.")
    assert page.authors == ("Ada Reed",)
    assert page.published == datetime(2026, 1, 4, 16, 30, tzinfo=UTC)
    assert page.image == "https://www.gazette.example/pictures/storm.jpg"
    assert (page.language, page.url) == ("en", URL)


def test_the_stated_time_wins_and_the_future_is_now() -> None:
    meta = '<meta property="article:published_time" content="{}">'
    earlier = ARTICLE.replace("<title>", meta.format("2026-01-03T23:00:00+02:00") + "<title>")
    assert text_of(earlier).published == datetime(2026, 1, 3, 21, 0, tzinfo=UTC)
    assert text_of(ARTICLE.replace("2026-01-04T11", "2026-03-04T11")).published == NOW


def test_a_page_of_an_old_encoding() -> None:
    page = ARTICLE.replace("utf-8", "windows-1252").replace("cranes", "cafés")
    assert "two cafés" in text_of(page, charset="windows-1252").body
    assert "two cafés" in text_of(page, "text/html; charset=windows-1252", "windows-1252").body


def test_a_page_without_text_is_empty() -> None:
    page = text_of("<html><head><title>Nothing to see here</title></head><body></body></html>")
    assert (page.title, page.body, page.published) == ("Nothing to see here", "", None)


@pytest.mark.parametrize("body", ["", "no page", "\x00"])
def test_what_is_no_page_is_rejected(body: str) -> None:
    with pytest.raises(Rejected, match="no web page"):
        text_of(body)


def test_a_page_too_large_for_an_article_is_rejected() -> None:
    with pytest.raises(Rejected, match=f"more than {MAX_ELEMENTS} elements"):
        text_of("<html><body>" + "<p>x</p>" * (MAX_ELEMENTS + 1))
