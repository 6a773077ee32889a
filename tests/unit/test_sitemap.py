"""Sitemaps: which of their addresses are news, and which sitemaps of an index are asked for."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime

import pytest

from monitor.errors import Rejected
from monitor.model import Document, Memory, Parsed, Source
from monitor.sources import sitemap
from monitor.sources.sitemap import parse
from monitor.sources.worker import WAIT

URL = "https://www.gazette.example/sitemap.xml"
SOURCE = Source(name="gazette", type="sitemap", location=URL)
NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
SPACES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" '
    'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
)


def parsed(body: bytes | str, memory: Memory | None = None) -> Parsed:
    body = body.encode() if isinstance(body, str) else body
    return parse(Document(url=URL, body=body, fetched=NOW), SOURCE, memory or Memory())


def urlset(entries: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><urlset {SPACES}>{entries}</urlset>'


def page(path: str, lastmod: str = "2026-01-05") -> str:
    stamp = f"<lastmod>{lastmod}</lastmod>" if lastmod else ""
    return f"<url><loc>https://www.gazette.example{path}</loc>{stamp}</url>"


def index(*stamps: str) -> str:
    children = "".join(
        f"<sitemap><loc>https://www.gazette.example/s{n}.xml</loc>"
        f"{f'<lastmod>{stamp}</lastmod>' if stamp else ''}</sitemap>"
        for n, stamp in enumerate(stamps)
    )
    return f"<sitemapindex {SPACES}>{children}</sitemapindex>"


def child(number: int) -> str:
    return f"https://www.gazette.example/s{number}.xml"


NEWS = urlset("""
<url><loc>https://www.gazette.example/1</loc><news:news><news:publication>
  <news:name>Harbour Gazette</news:name><news:language>en</news:language></news:publication>
  <news:publication_date>2026-01-04T11:30:00-05:00</news:publication_date>
  <news:title>Harbour reopens after the storm - Harbour Gazette</news:title>
  <news:keywords>Local, Ports</news:keywords></news:news>
  <image:image><image:loc>https://img.gazette.example/h.jpg</image:loc></image:image></url>
""")


def test_a_news_sitemap() -> None:
    result = parsed(NEWS)
    (article,) = result.articles
    assert article.title == "Harbour reopens after the storm"
    assert article.url == "https://www.gazette.example/1"
    assert article.published == datetime(2026, 1, 4, 16, 30, tzinfo=UTC)
    assert article.categories == ("Local", "Ports")
    assert article.image == "https://img.gazette.example/h.jpg"
    assert (article.language, result.title) == ("en", "Harbour Gazette")


def test_of_a_plain_sitemap_recent_articles_are_taken() -> None:
    entries = page("/news/harbour-reopens-after-storm-10482.html", "2026-01-05T10:00:00Z")
    entries += page("/news/a-story-of-three-days-ago", "2026-01-02") + page("/sport")
    entries += page("/news/a-story-without-any-time", "")
    (article,) = parsed(urlset(entries)).articles
    assert article.title == "Harbour reopens after storm"
    assert article.updated == datetime(2026, 1, 5, 10, 0, tzinfo=UTC)


def test_a_sitemap_without_news_is_empty_and_one_without_times_refused() -> None:
    assert parsed(urlset("")).articles == ()
    assert parsed(urlset(page("/news/a-story-of-long-ago", "2020-01-02"))).articles == ()
    with pytest.raises(Rejected, match="set type: page"):
        parsed(urlset(page("/news/a-story-without-any-time", "")))


@pytest.mark.parametrize("stamp", ["2026-01-05", "2026-01-05T10:00:00+00:00", "2019-03-04"])
def test_the_longest_sitemap_is_read_well_within_a_parsers_time(stamp: str) -> None:
    entries = "".join(page(f"/2026/01/a-story-of-the-number-{n}", stamp) for n in range(50_000))
    started = time.process_time()
    result = parsed(urlset(entries))
    assert time.process_time() - started < WAIT
    assert len(result.articles) == (0 if stamp.startswith("2019") else 2_000)


def test_bad_entries_and_broken_xml_cost_nothing_else() -> None:
    entries = "<url><loc>javascript:alert(1)</loc></url><url/>" + page("/news/one-of-the-stories")
    entries += "<url><loc>https://www.gazette.example/<b></loc>&nbsp;&#0;</url>"
    entries += page("/news/two-of-the-stories?a=1&b=2")
    result = parsed(urlset(entries))
    assert [article.title for article in result.articles] == [
        "One of the stories",
        "Two of the stories",
    ]
    assert result.rejected >= 2
    cut_off = urlset(page("/news/one-of-the-stories") + page("/news/two-of-the-stories"))[:-60]
    assert parsed(cut_off).articles[0].title == "One of the stories"
    (told,) = parsed(cut_off).notes
    assert told == "the document is cut off: 1 item of it could be read"
    assert len(parsed(cut_off).articles) == 1, "half an address leads nowhere"
    assert parsed(urlset(page("/news/one-of-the-stories"))).notes == ()


def test_gz(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(NEWS.encode())
    assert parsed(packed) == parsed(NEWS)
    half = len(NEWS) // 2
    members = gzip.compress(NEWS[:half].encode()) + gzip.compress(NEWS[half:].encode())
    assert parsed(members) == parsed(NEWS)
    assert parsed(packed[:-8]).articles == parsed(NEWS).articles
    with pytest.raises(Rejected, match="is broken"):
        parsed(packed[:20] + b"\xff" * 50)
    monkeypatch.setattr(sitemap, "MAX_BYTES", 1_000_000)
    with pytest.raises(Rejected, match="larger than 1000000 bytes"):
        parsed(gzip.compress(bytes(1_000_001)))


def test_the_sitemaps_of_an_index_that_changed_are_asked_for() -> None:
    stamps = [f"2026-01-05T0{n}:00:00Z" for n in range(7)]
    first = parsed(index(*stamps, "2020-01-01"))
    assert first.further == tuple(child(n) for n in (6, 5, 4, 3, 2))
    assert first.children == {child(n): stamps[n] for n in (6, 5, 4, 3, 2)}
    second = parsed(index(*stamps, "2020-01-01"), Memory(children=first.children))
    assert second.further == (child(1), child(0))
    third = parsed(index(*stamps, "2020-01-01"), Memory(children=second.children))
    assert third.further == ()
    assert third.children == {child(n): stamps[n] for n in range(7)}
    stamps[3] = "2026-01-05T11:00:00Z"
    assert parsed(index(*stamps), Memory(children=third.children)).further == (child(3),)


def test_sitemaps_without_times_are_asked_for_by_number_and_an_index_not_for_itself() -> None:
    assert parsed(index(*[""] * 12)).further == tuple(child(n) for n in (11, 10, 9, 8, 7))
    own = f"<sitemapindex><sitemap><loc>{URL}</loc></sitemap></sitemapindex>"
    with pytest.raises(Rejected, match="names no sitemap"):
        parsed(own)


def test_a_list_of_addresses() -> None:
    result = parsed("https://www.gazette.example/news/one-of-the-stories\r\nnot one\n\n"
                    "https://www.gazette.example/sport\n")  # fmt: skip
    assert [article.title for article in result.articles] == ["One of the stories"]
    assert result.rejected == 1


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", "no sitemap"),
        ("/etc/passwd", "no sitemap"),
        ("<rss/>", "<rss>: set type: feed"),
        ("<html><body/></html>", "<html>: set type: page"),
        ("<svg/>", "<svg>: check the address"),
        ("<", "cannot be parsed|no sitemap"),
        (urlset("<url><loc>/a b</loc></url>").replace("/a b", "mailto:a@b.example"), "no entry"),
    ],
)
def test_what_is_no_sitemap_is_rejected_with_what_it_is(body: str, sentence: str) -> None:
    with pytest.raises(Rejected, match=sentence):
        parsed(body)
