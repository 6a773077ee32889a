"""What unknown documents are, and the feeds that pages name."""

from __future__ import annotations

import contextlib
import gzip
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import Rejected
from monitor.model import Document, Survey
from monitor.sources.survey import MAX_FEEDS, survey
from tests.support.site import NAME, atom, home, news_sitemap, rss, sitemap_index

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
ROOT = "https://www.gazette.example"


def survey_of(body: str | bytes, content_type: str = "") -> Survey:
    content = body.encode() if isinstance(body, str) else body
    return survey(Document(url=f"{ROOT}/a/b", body=content, content_type=content_type, fetched=NOW))


RDF = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="{}"/>'


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (rss(ROOT), "feed"),
        (atom(ROOT), "feed"),
        ("\ufeff\n<?xml version='1.0'?><!-- hi --><?x y?><!DOCTYPE rss>\n<rss>", "feed"),
        ("<!DOCTYPE rss [<!ENTITY a 'b'>]><rss>", "feed"),
        ("<atom:feed xmlns:atom='http://www.w3.org/2005/Atom'/>", "feed"),
        (RDF.format("http://purl.org/rss/1.0/"), "feed"),
        (RDF.format("http://my.netscape.com/rdf/simple/0.9/"), "feed"),
        (RDF.format("http://xmlns.com/foaf/0.1/"), ""),
        ('{"title": "t", "version": "https://jsonfeed.org/version/1.1", "items": []}', "jsonfeed"),
        (r'{"version": "https:\/\/jsonfeed.org\/version\/1"}', "jsonfeed"),
        ('{"version": "2"}', ""),
        ("[1]", ""),
        (news_sitemap(ROOT), "sitemap"),
        (sitemap_index(f"{ROOT}/s.xml"), "sitemap"),
        (gzip.compress(news_sitemap(ROOT).encode()), "sitemap"),
        (rss(ROOT).encode("utf-16"), "feed"),
        (home(), "page"),
        ("<p>Hello <a href='/x'>x</a>", "page"),
        ("Hello <b>you</b>", ""),
        ("<svg/>", ""),
        ("plain text", ""),
        ("", ""),
        (b"\x89PNG\r\n", ""),
    ],
)  # fmt: skip
def test_what_a_document_is(body: str | bytes, kind: str) -> None:
    assert survey_of(body).type == kind


def test_a_broken_archive_is_rejected() -> None:
    with pytest.raises(Rejected, match="broken"):
        survey_of(b"\x1f\x8bnothing")


def test_a_bomb_is_read_in_part() -> None:
    assert survey_of(gzip.compress(b"<urlset>" + b" " * 100_000_000)).type == "sitemap"


def named(*links: str, base: str = "") -> list[tuple[str, str]]:
    body = f"<html><head>{base}</head><body>{''.join(links)}</body></html>"
    feeds = survey_of(body).feeds
    return [(feed.type, feed.location.removeprefix(ROOT)) for feed in feeds]


@pytest.mark.parametrize(
    ("link", "feed"),
    [
        ('<link rel="alternate" type="application/rss+xml" href="/f">', ("feed", "/f")),
        ('<LINK REL=Alternate TYPE="application/atom+xml; charset=x" HREF=f>', ("feed", "/a/f")),
        ('<link rel="alternate" type="application/feed+json" href="/f">', ("jsonfeed", "/f")),
        ('<link rel="alternate" type="application/json" href="/feed">', ("jsonfeed", "/feed")),
        ('<link rel="alternate" type="application/json" href="/wp-json/wp/v2/pages/2">', None),
        ('<link rel="alternate" type="application/json+oembed" href="/feed.json">', None),
        ('<link rel="alternate" type="text/html" hreflang="de" href="/de">', None),
        ('<link rel="alternate stylesheet" type="application/rss+xml" href="/f">', None),
        ('<link rel="feed" href="/f">', ("feed", "/f")),
        ('<link rel="alternate" type="application/rss+xml" href="javascript:x">', None),
        ('<link rel="alternate" type="application/rss+xml" href="http://[">', None),
        ('<link rel="alternate" type="application/rss+xml" href="https://a:b@c.example/">', None),
        ('<link rel="feed" href="/?rss=1&amp;ref=feed">', ("feed", "/?rss=1&ref=feed")),
        ('<a href="feed://x.example/y.rss">RSS</a>', ("feed", "https://x.example/y.rss")),
        ('<a href="feed:https://x.example/rss">RSS</a>', ("feed", "https://x.example/rss")),
        ('<a href="/?feed=rss2">RSS</a>', ("feed", "/?feed=rss2")),
        ('<a href="/index.xml#x">RSS</a>', ("feed", "/index.xml")),
        ('<a href="/news/feed.json">JSON</a>', ("jsonfeed", "/news/feed.json")),
        ('<a href="/feedback">Tell us</a>', None),
        ('<a href="/the-carss">Cars</a>', None),
    ],
)  # fmt: skip
def test_feeds_that_a_page_names(link: str, feed: tuple[str, str] | None) -> None:
    assert named(link) == ([feed] if feed else [])


def test_the_base_of_a_page_counts() -> None:
    link = '<link rel="alternate" type="application/rss+xml" href="f">'
    assert named(link, base='<base href="/x/">') == [("feed", "/x/f")]


def test_feeds_of_the_head_come_first_and_those_of_comments_last() -> None:
    one = '<link rel="alternate" type="application/rss+xml" title="{}" href="{}">'
    links = [
        '<a href="/rss">RSS</a><a href="/c">C</a>',
        one.format("Gazette » Comments Feed", "/c"),
        one.format("Gazette", "/f"),
        one.format("Gazette", "/comments/feed"),
        one.format("Gazette again", "/f"),
    ]
    assert [location for _, location in named(*links)] == [
        "/f", "/rss", "/c", "/comments/feed",
    ]  # fmt: skip


def test_a_page_may_name_only_so_many() -> None:
    assert len(named(*[f'<a href="/{number}/rss">x</a>' for number in range(100)])) == MAX_FEEDS


def test_a_page_has_a_title_and_links_to_articles() -> None:
    found = survey_of(home(listed=20))
    assert (found.title, found.links) == (NAME, 20)
    assert survey_of("<title> A\n title </title><p>x</p>").title == "A title"
    assert survey_of(home()).links == 0


@pytest.mark.parametrize(
    "body",
    [
        b"<" * 3_000_000,
        b"<!--" * 1_000_000,
        b"<html>" + b"<div>" * 1_000_000,
        b"<!DOCTYPE [" * 400_000,
        b"<a href='/rss'>" * 300_000,
        b"{" * 5_000_000,
    ],
    ids=["lower", "comments", "deep", "doctypes", "links", "braces"],
)
@pytest.mark.timeout(10)
def test_hostile_bodies_end_in_time(body: bytes) -> None:
    with contextlib.suppress(Rejected):
        assert len(survey_of(body, "text/html").feeds) <= MAX_FEEDS


PIECES = st.sampled_from([
    "<html>", "<!DOCTYPE", "<base href='http://['>", "<link rel='alternate'", " type='text/xml'",
    " href='//[/rss'>", "<a href='/rss'>", "<title>", "</", "<!--", "]]>", "<?xml", "\x00",
    "\ud800", "&#xD800;", "<svg>", "{", '"version":"https://jsonfeed.org/version/1"', ">",
    "<rdf:RDF", "é",
])  # fmt: skip


@given(st.lists(PIECES, max_size=25).map("".join))
@settings(deadline=None)
def test_nothing_but_rejected_comes_out(text: str) -> None:
    with contextlib.suppress(Rejected):
        assert survey_of(text.encode("utf-8", "surrogatepass")).type in (
            "", "feed", "jsonfeed", "sitemap", "page",
        )  # fmt: skip
