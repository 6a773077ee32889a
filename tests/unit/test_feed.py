"""Feeds: what becomes of their items, and that nothing in them stops the others."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import Rejected
from monitor.model import Article, Document, Memory, Source
from monitor.sources.feed import parse

FEEDS = Path(__file__).parents[1] / "fixtures" / "feeds"
SOURCE = Source(name="wire", type="feed", location="https://www.gazette.example/feed.xml")
NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def articles_of(body: bytes, content_type: str = "") -> tuple[Article, ...]:
    document = Document(
        url=SOURCE.location, body=body, content_type=content_type, fetched=NOW, etag='"1"'
    )
    return parse(document, SOURCE, Memory()).articles


def rss(items: str) -> bytes:
    return f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>'.encode()


def titles_of(items: str) -> list[str]:
    return [article.title for article in articles_of(rss(items))]


def test_rss() -> None:
    first, second, third = articles_of((FEEDS / "rss.xml").read_bytes())
    assert first.title == "Harbour reopens after storm, says Mayor O’Hara"
    assert first.url == "https://www.gazette.example/news/harbour-reopens"
    assert first.item_id == "gazette-1001"
    assert first.published == datetime(2026, 1, 4, 16, 30, tzinfo=UTC)
    assert first.updated is None
    assert first.authors == ("Ada Reed",)
    assert first.categories == ("Local", "Shipping & Ports")
    assert first.summary == "The harbour reopened on Sunday."
    assert first.body == (
        "The harbour reopened on Sunday after a week of storms.\n\n"
        "Forty ships had waited & two had turned back."
    )
    assert first.image == "https://img.gazette.example/harbour.jpg"
    assert (first.language, first.source, first.fetched) == ("en", "wire", NOW)
    assert second.url == "https://www.gazette.example/news/bridge-closes"
    assert second.image == "https://img.gazette.example/bridge.png"
    assert (second.item_id, second.body) == ("", "")
    assert third.title.startswith("An item without a title")
    assert third.url == third.item_id == "https://www.gazette.example/news/ferry"
    assert third.published is None
    assert len({first.id, second.id, third.id}) == 3


def test_atom() -> None:
    (article,) = articles_of((FEEDS / "atom.xml").read_bytes())
    assert article.title == "Hafen & Brücke: wieder offen"
    assert article.item_id == "tag:hafenblatt.example,2026:7"
    assert article.published == datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
    assert article.updated == datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
    assert article.authors == ("Jo Brandt", "Kim Falk")
    assert article.categories == ("Hafen",)
    assert article.body == "Der Hafen ist offen."
    assert article.language == "de"


def test_rdf() -> None:
    (article,) = articles_of((FEEDS / "rdf.xml").read_bytes())
    assert (article.title, article.url) == ("Ferry late", "https://wire.example/1")
    assert article.published == datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


def test_the_same_feed_gives_the_same_articles() -> None:
    body = (FEEDS / "rss.xml").read_bytes()
    assert articles_of(body) == articles_of(body)


@pytest.mark.parametrize(
    "reference", ["&#xD800;", "&#0;", "&#x110000;", "&#99999999999;", "&#xFFFF;", "&#1;"]
)
def test_references_to_no_character_cost_nothing_else(reference: str) -> None:
    items = f"<item><title>A{reference}B</title></item><item><title>Other</title></item>"
    assert titles_of(items) == ["AB", "Other"]


def test_characters_that_xml_forbids_cost_nothing_else() -> None:
    assert titles_of("<item><title>A\x00\x0b\ufffeB</title></item>") == ["AB"]


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("&lt;b&gt;Bold&lt;/b&gt; news", "Bold news"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;News", "News"),
        ("AT&amp;amp;T &amp;lt;3", "AT&T <3"),
        ("3 &lt; 5 and 7 &gt; 2", "3 < 5 and 7 > 2"),
        ("one\n  two\u202e", "one two"),
        ("<![CDATA[Fish &amp; chips]]>", "Fish & chips"),
        ("x" * 2_000, "x" * 1_000),
    ],
)
def test_titles_are_text_of_one_line(title: str, expected: str) -> None:
    assert titles_of(f"<item><title>{title}</title></item>") == [expected]


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "http://[bad", "https://u:p@a.example/"]
)
def test_links_that_lead_nowhere_good_are_dropped(link: str) -> None:
    (article,) = articles_of(rss(f"<item><title>News</title><link>{link}</link></item>"))
    assert (article.title, article.url) == ("News", "")


@pytest.mark.parametrize(
    ("printed", "published"),
    [
        ("Mon, 05 Jan 2026 12:59:00 GMT", NOW + timedelta(minutes=59)),
        ("Mon, 05 Jan 2026 13:01:00 GMT", NOW),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None),
        ("Mon, 01 Jan 0001 00:00:00 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("Wed, 31 Dec 2025 23:59:60 GMT", datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("4 January 2026, 10:00 EST", datetime(2026, 1, 4, 15, 0, tzinfo=UTC)),
        ("Sun, 04 Jan 2026 10:00:00 CEST", datetime(2026, 1, 4, 8, 0, tzinfo=UTC)),
        ("Sun, 04 Jan 2026 10:00:00 AEDT", datetime(2026, 1, 3, 23, 0, tzinfo=UTC)),
        ("Sun, 04 Jan 2026 10:00:00 UTC+0200", datetime(2026, 1, 4, 8, 0, tzinfo=UTC)),
        ("Sun, 04 Jan 2026 10:00 PM", datetime(2026, 1, 4, 22, 0, tzinfo=UTC)),
        ("2026-01-04T10:00:00-05:00", datetime(2026, 1, 4, 15, 0, tzinfo=UTC)),
        ("yesterday", None),
        ("99999999999999999999", None),
    ],
)
def test_dates(printed: str, published: datetime | None) -> None:
    item = f"<item><title>News</title><pubDate>{printed}</pubDate></item>"
    (article,) = articles_of(rss(item))
    assert article.published == published


def test_the_newest_two_thousand_are_kept() -> None:
    def item(number: int) -> str:
        day = datetime(2010, 1, 1, tzinfo=UTC) + timedelta(days=number)
        return f"<item><title>n{number}</title><pubDate>{day.isoformat()}</pubDate></item>"

    numbers = list(range(2_500))
    for order in (numbers, numbers[::-1]):
        titles = titles_of("".join(item(number) for number in order))
        assert len(titles) == 2_000
        assert {"n500", "n2499"} <= set(titles)
        assert "n499" not in titles


@pytest.mark.parametrize("end", range(1, 60, 7))
def test_an_item_that_is_cut_off_is_none(end: int) -> None:
    item = "<item><title>Bridge closes</title><link>https://x.example/b</link><guid>b</guid></item>"
    whole = rss(item.replace("Bridge closes", "Harbour").replace("/b<", "/a<"))
    body = whole.removesuffix(b"</channel></rss>") + item.encode()[:-end]
    document = Document(url=SOURCE.location, body=body, fetched=NOW)
    result = parse(document, SOURCE, Memory())
    assert [article.title for article in result.articles] == ["Harbour"]
    assert result.rejected == 1
    assert result.notes == ("the document is cut off: 1 item of it could be read",)


def test_a_feed_that_ends_between_two_items_says_so() -> None:
    items = [f"<item><title>n{n}</title><guid>{n}</guid></item>" for n in range(8)]
    whole = rss("".join(items))
    for count in (2, 8):
        body = whole[: whole.index(items[count - 1].encode()) + len(items[count - 1])]
        for broken in (body, body.replace(b"<item>", b"<item><!-- <item> -->", 1)):
            result = parse(
                Document(url=SOURCE.location, body=broken, fetched=NOW), SOURCE, Memory()
            )
            told = f"the document is cut off: {count} items of it could be read"
            assert (len(result.articles), result.notes) == (count, (told,))


@pytest.mark.parametrize(
    "body",
    [
        rss("<item><title>News</title></item>"),
        b"<rss><channel><item><title>News</title></item></channel>",
        b'<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:title>N</a:title></a:entry>'
        b"</a:feed>",
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        b' xmlns="http://purl.org/rss/1.0/"><channel></channel><item><title>N</title></item></rdf:RDF>',
    ],
)
def test_a_feed_with_its_end_is_not_cut_off(body: bytes) -> None:
    result = parse(Document(url=SOURCE.location, body=body, fetched=NOW), SOURCE, Memory())
    assert (len(result.articles), result.notes) == (1, ())


def test_an_id_that_all_items_share_is_none() -> None:
    items = "".join(
        f"<item><guid>same</guid><title>n{n}</title><link>https://a.example/{n}</link></item>"
        for n in range(3)
    )
    articles = articles_of(rss(items))
    assert len(articles) == 3
    assert {article.item_id for article in articles} == {""}


def test_long_ids_are_hashed_and_texts_are_bounded() -> None:
    long = "x" * 300_000
    (article,) = articles_of(
        rss(
            f"<item><guid>{long}</guid><title>{long}</title><description>{long}</description>"
            '<content:encoded xmlns:content="http://purl.org/rss/1.0/modules/content/">'
            f"{long}yz</content:encoded></item>"
        )
    )
    assert len(article.item_id) == 64
    assert len(article.summary) == 64 * 1_024
    assert len(article.title) + len(article.summary) + len(article.body) <= 256 * 1_024


@pytest.mark.parametrize(("guid", "kept"), [("é" * 512, True), ("é" * 513, False)])
def test_ids_are_bounded_in_bytes_as_keys_of_a_database_are(guid: str, kept: bool) -> None:
    (article,) = articles_of(rss(f"<item><guid isPermaLink='false'>{guid}</guid></item>"))
    assert (article.item_id == guid) is kept
    assert len(article.item_id.encode()) in (64, 1_024)


@pytest.mark.parametrize(
    ("charset", "content_type", "declared"),
    [
        ("utf-8", "", ""),
        ("windows-1252", "", ""),
        ("windows-1252", "text/xml", "windows-1252"),
        ("iso-8859-1", "application/xml", "ISO-8859-1"),
        ("windows-1252", "application/rss+xml; charset=windows-1252", "utf-8"),
        ("utf-16", "", "utf-16"),
        ("utf-16-le", "", "utf-16"),
        ("utf-8-sig", "text/xml; charset=windows-1252", ""),
    ],
)
def test_encodings(charset: str, content_type: str, declared: str) -> None:
    declaration = f"<?xml version='1.0' encoding='{declared}'?>" if declared else "<?xml?>"
    text = declaration + rss("<item><title>Caf\u00e9</title></item>").decode()
    (article,) = articles_of(text.encode(charset), content_type)
    assert article.title == "Caf\u00e9"


@pytest.mark.parametrize("told", ["windows-1251", "koi8-r", "gb2312", "iso-8859-5"])
def test_a_feed_that_says_utf_8_and_is_it_is_read_so_whatever_its_server_says(told: str) -> None:
    body = b'<?xml version="1.0" encoding="UTF-8"?>' + rss(
        "<item><title>Порт открыт</title></item>"
    )
    (article,) = articles_of(body, f"text/xml; charset={told}")
    assert article.title == "Порт открыт"


@pytest.mark.parametrize("charset", ["unicode_escape", "idna", "zlib", "no-such-thing", "utf-7"])
def test_codecs_that_are_no_character_sets_are_not_used(charset: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{charset}"?>'.encode()
    (article,) = articles_of(declaration + rss("<item><title>Caf\u00e9 \\x41</title></item>"))
    assert article.title == "Café \\x41"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b'{"version": "https://jsonfeed.org/version/1.1"}', "JSON"),
        (b"<!DOCTYPE html><html><body>Not here</body></html>", "web page"),
        (
            b'<html><link rel="alternate" type="application/rss+xml" href="/rss?a=1&amp;b=2">',
            "names its feed as https://www.gazette.example/rss\\?a=1&b=2",
        ),
        (b"<svg/>", "XML, but neither"),
        (b"/etc/passwd", "neither RSS nor Atom"),
        (b"\x1f\x8b\x08\x00", "neither RSS nor Atom"),
    ],
)
def test_what_is_no_feed_is_rejected_with_what_it_is(body: bytes, sentence: str) -> None:
    with pytest.raises(Rejected, match=sentence):
        articles_of(body)


def test_a_feed_without_items_is_a_feed() -> None:
    assert articles_of(rss("")) == ()


def test_a_body_that_names_a_file_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_bytes(rss("<item><title>Secret</title></item>"))
    for body in (str(path), path.as_uri()):
        with pytest.raises(Rejected):
            articles_of(body.encode())


def test_external_entities_are_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    body = (
        f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    ).encode() + rss("<item><title>A&x;B</title></item>")
    assert "canary" not in articles_of(body)[0].title


def test_entities_do_not_multiply() -> None:
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    body = f'<!DOCTYPE rss [<!ENTITY a0 "ha">{levels}]>'.encode()
    (article,) = articles_of(body + rss("<item><title>&a9; News</title></item>"))
    assert len(article.title) < 100


def test_a_flood_of_attributes_is_rejected() -> None:
    attributes = " ".join(f'a{number}="x"' for number in range(40_000))
    with pytest.raises(Rejected, match="256 attributes"):
        articles_of(rss(f"<item {attributes}></item>"))


def test_a_million_characters_of_author_are_cut() -> None:
    items = f"<item><title>News</title><author>{'a.' * 500_000}</author></item>"
    (article,) = articles_of(rss(items))
    assert [len(author) for author in article.authors] == [512]


PIECES = st.lists(
    st.sampled_from([
        "<item>", "</item>", "<entry>", "<title>", "</title>", "<link>", "<link href='", "<guid>",
        "<author>", "<name>", "<pubDate>", "<content type='xhtml'>", "<media:content url='",
        "<![CDATA[", "]]>", "<!--", "<!DOCTYPE", "<!ENTITY", "&#x", "&amp;lt;", "&", ";", "'>",
        "http://[", " xml:base='http://[/'", "9999", "-1", "\x00", "\ud800", "\u00e9",
    ]),
    max_size=30,
)  # fmt: skip


@given(PIECES.map("".join), st.sampled_from(["<rss version='2.0'><channel>", "<feed>", ""]))
def test_nothing_but_rejected_comes_out(text: str, start: str) -> None:
    try:
        articles = articles_of((start + text).encode("utf-8", "surrogatepass"))
    except Rejected:
        return
    for article in articles:
        assert article.title
        assert "\x00" not in article.title + article.body + article.summary


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(body: bytes) -> None:
    with contextlib.suppress(Rejected):
        articles_of(body)
