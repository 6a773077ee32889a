"""Addresses: which are one page, which are not, and which link is shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.text.urls import MAX_URL, canonical_url, link_url

STORY = "https://news.example/world/harbour-reopens"

SAME = [
    "http://news.example/world/harbour-reopens",
    "HTTPS://News.Example:443/world/harbour-reopens",
    "https://www.news.example/world/harbour-reopens/",
    "https://m.news.example/world/harbour-reopens",
    "https://news.example/world/harbour-reopens#comments",
    "https://news.example/world/./x/../harbour-reopens",
    "https://news.example//world/harbour%2Dreopens",
    "https://news.example./world/harbour-reopens?utm_source=rss&UTM_Medium=feed",
    "https://news.example/world/harbour-reopens?fbclid=a&gclid=b&mc_cid=c&at_medium=RSS&xtor=x",
    "https://news.example/world/harbour-reopens?ref=news.example",
    "https://news.example/world/harbour-reopens?ref=twitter&amp;utm_campaign=x",
    "https://news.example/world/harbour-reopens/amp?outputType=amp",
    "https://news.example/world/harbour-reopens.amp",
    "https://news.example/world/harbour-reopens/index.html",
    "https://news-example.cdn.ampproject.org/c/s/news.example/world/harbour-reopens",
    "  https:\\\\news.example\\world\\harbour-\treopens\n",
    "//news.example/world/harbour-reopens",
    "news.example/world/harbour-reopens",
    "https://@news.example/world/harbour-reopens",
    "https://:@news.example/world/harbour-reopens",
]


@pytest.mark.parametrize("url", SAME)
def test_one_page_has_one_canonical_url(url: str) -> None:
    assert canonical_url(url) == STORY


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://news.example/a", "https://news.example/b"),
        ("https://news.example/a", "https://news.example/A"),
        ("https://news.example/a", "https://sport.news.example/a"),
        ("https://news.example/a", "https://news.example:8080/a"),
        ("https://news.example/?1750", "https://news.example/?1751"),
        ("https://news.example/?id=1&page=2", "https://news.example/?id=1"),
        ("https://news.example/a?ref=chapter-2", "https://news.example/a"),
        ("https://news.example/a%2Fb", "https://news.example/a/b"),
        ("https://news.example/a?q=x%26y=1", "https://news.example/a?q=x&y=1"),
        ("https://news.example/#/story/1", "https://news.example/#/story/2"),
        ("https://news.example/#!/story/1", "https://news.example/"),
        (
            "https://archive.example/https://a.example/",
            "https://archive.example/https://b.example/",
        ),
    ],
)
def test_different_pages_stay_apart(one: str, other: str) -> None:
    assert canonical_url(one) != canonical_url(other)
    assert link_url(one) != link_url(other)


@pytest.mark.parametrize(
    "other",
    [
        "https://reader@news.example/a",
        "https://reader:secret@news.example/a",
        "https://:secret@news.example/a",
        "https://news.example/a?",
        "https://www.www.news.example/a",
    ],
)
def test_what_no_link_has_is_no_spelling_of_a_page(other: str) -> None:
    assert canonical_url(other) != canonical_url("https://news.example/a")
    assert link_url(other) in ("", "https://news.example/a", "https://www.www.news.example/a")


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://news.example", "https://news.example/"),
        ("https://news.example/?b=2&a=1&a=1", "https://news.example/?a=1&b=2"),
        ("https://news.example/?a=x+y", "https://news.example/?a=x%20y"),
        ("https://news.example/caf%c3%a9", "https://news.example/caf%C3%A9"),
        ("https://news.example/cafe\u0301", "https://news.example/caf%C3%A9"),
        ("https://news.example/100%", "https://news.example/100%25"),
        ("https://bücher.example/ß", "https://xn--bcher-kva.example/%C3%9F"),
        ("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"),
        ("https://news.example/a\x00b", "https://news.example/ab"),
        ("https://www.com/a", "https://www.com/a"),
    ],
)
def test_spelling(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "JavaScript:alert('http://a.example')",
        "data:text/html,x",
        "mailto:desk@news.example",
        "tag:news.example,2026:1",
        "urn:uuid:0b8bc5c0",
        "file:///etc/passwd",
        "ftp://news.example/a",
        "/world/harbour",
        "story.html",
        "https://",
        "https://user:secret@news.example/a",
        "https://user@news.example/a",
        "https://news.example:99999/a",
        "https://news.example:port/a",
        "https://a b.example/",
        "https://news.example/" + "a" * MAX_URL,
        "just words",
    ],
)
def test_what_is_no_link_is_empty(url: str) -> None:
    assert link_url(url) == ""


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        ("", ""),
        ("https://news.example/" + "a" * MAX_URL, ""),
        ("https://a@b:c%40@news.example/a", "https://a%40b:c%40@news.example/a"),
        ("URN:uuid:0b8bc5c0", "urn:uuid:0b8bc5c0"),
        (" tag:news.example,2026:\n1 ", "tag:news.example,2026:1"),
        ("FTP://news.example/a", "ftp://news.example/a"),
        ("/world/caf\u00e9", "/world/caf%C3%A9"),
        ("/sport/.././world/?a=1#part", "/world/?a=1"),
        ("just words", "just%20words"),
        ("http://a b.example/", "http://a%20b.example/"),
    ],
)
def test_what_is_no_link_is_its_own_identity(url: str, identity: str) -> None:
    assert canonical_url(url) == identity
    assert canonical_url(identity) == identity


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("http://www.news.example/a/?utm_source=rss&b=1&a=2", "http://www.news.example/a/?b=1&a=2"),
        ("http://news.example:80/index.html#part", "http://news.example/index.html"),
        ("https://news.example:443", "https://news.example/"),
        ("https://m.news.example/a/amp", "https://m.news.example/a/amp"),
    ],
)
def test_a_link_keeps_what_the_site_needs(url: str, link: str) -> None:
    assert link_url(url) == link


def test_youtube_keeps_the_video_only() -> None:
    one = canonical_url("https://m.youtube.com/watch?v=x1&feature=youtu.be&si=abc")
    assert one == "https://youtube.com/watch?v=x1"


URLS = st.one_of(
    st.text(max_size=60),
    st.builds(
        "{}{}{}{}{}".format,
        st.sampled_from(["http://", "https://www.", "//", "http:", "HTTPS:\\\\", "http://http://"]),
        st.sampled_from(["a.example", "www.www.a.example", "é.example", "a.example:80", "[::1]"]),
        st.text(alphabet="/.ab%:;\\#é\u0327~&=?+ 2fFeEC3A\u0338", max_size=30).map("/{}".format),
        st.text(alphabet="ab=&%2fC+;#é\u0327 ", max_size=20).map("?{}".format),
        st.sampled_from(["", "#", "#/a/%2e", "#!/x y", "#x"]),
    ),
)


@given(URLS)
@example("http://a.example/%2C%CC%A7")
@example("http://a.example/a.amp.html/amp/index.php//")
@example("https://google.com/amp/s/google.com/amp/s/a.example")
@example("http://a.example/x:/%2e%2e//y")
def test_both_are_idempotent(url: str) -> None:
    for normalise in (canonical_url, link_url):
        once = normalise(url)
        assert normalise(once) == once
        assert once.isascii()


@given(URLS)
def test_a_link_is_the_same_page_as_its_origin(url: str) -> None:
    link = link_url(url)
    if link:
        # A link loses an empty query, which the identity keeps.
        assert canonical_url(link) == re.sub(r"\?(?=#|$)", "", canonical_url(url))
