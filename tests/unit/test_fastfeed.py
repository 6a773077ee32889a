"""What was there at the last poll is not read again; the fast parser is believed on evidence."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import Rejected
from monitor.model import Document, Hints, Memory, Parsed, Source
from monitor.sources.fastfeed import fast_entries
from monitor.sources.feed import CAREFUL, CHECKED, FAST, parse
from monitor.sources.repair import MAX_ITEMS
from monitor.sources.slices import DIGEST, shape_of, sliced
from tests.benchmarks.parsing import a_feed

NOW = datetime(2026, 1, 6, tzinfo=UTC)
SOURCE = Source(name="wire", type="feed", location="https://www.gazette.example/feed.xml")
NAMESPACES = (
    'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" xmlns:a="http://www.w3.org/2005/Atom"'
)


def read(body: bytes | str, memory: Memory | None = None) -> Parsed:
    body = body.encode() if isinstance(body, str) else body
    document = Document(url=SOURCE.location, body=body, fetched=NOW)
    return parse(document, SOURCE, memory or Memory())


def again(parsed: Parsed) -> Memory:
    """Return what the poll leaves for the next one."""
    return Memory(digests=parsed.digests, reader=parsed.reader, agreed=parsed.agreed)


def item(number: int, more: str = "", guid: str = "") -> str:
    return (
        f"<item><guid>{guid or f'tag:gazette.example,{number}'}</guid><title>Story {number}</title>"
        f"<link>https://www.gazette.example/{number}</link>{more}</item>"
    )


def rss(*items: str, head: str = "") -> str:
    channel = f"<channel><title>The Gazette</title>{head}{''.join(items)}</channel>"
    return f'<rss version="2.0" {NAMESPACES}>{channel}</rss>'


def titles(parsed: Parsed) -> list[str]:
    return [article.title for article in parsed.articles]


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_only_what_is_new_is_read(kind: str) -> None:
    first = read(a_feed(kind))
    second = read(a_feed(kind, newest=31), again(first))
    assert (len(first.articles), first.known) == (30, 0)
    assert (len(second.articles), second.known) == (1, 29)
    assert second.articles == read(a_feed(kind, newest=31)).articles[:1]
    assert len(second.digests) == 30 * DIGEST


def test_a_changed_item_is_read_again() -> None:
    first = read(rss(item(1), item(2)))
    second = read(rss(item(1), item(2, "<author>Ada</author>")), again(first))
    assert (titles(second), second.known) == (["Story 2"], 1)


def test_a_feed_as_before_holds_nothing_new_but_its_hints() -> None:
    first = read(rss(item(1), head="<ttl>5</ttl>"))
    second = read(rss(item(1), head="<ttl>9</ttl>"), again(first))
    assert (second.articles, second.known, second.title) == ((), 1, "The Gazette")
    assert (first.hints.ttl, second.hints.ttl) == (300, 540)


def test_items_at_another_address_are_read_again() -> None:
    first = read(rss(item(1)))
    body = rss(item(1)).encode()
    moved = Document(url="https://other.example/feed.xml", body=body, fetched=NOW)
    assert parse(moved, SOURCE, again(first)).known == 0


def test_whether_an_id_is_shared_is_known_though_its_items_are() -> None:
    first = read(rss(item(1, guid="x"), item(2, guid="x")))
    second = read(rss(item(1, guid="x"), item(2, guid="x"), item(3, guid="x")), again(first))
    assert len(second.articles) == 3
    assert {article.item_id for article in second.articles} == {""}
    assert second.articles[:2] == first.articles


@pytest.mark.parametrize(
    "body",
    [
        "<rss><channel><item><title>One</title><item><title>Two</title></channel></rss>",
        "<rss><channel><item><title>One</title><item/></item></channel></rss>",
        "<rss><channel><item><title>One</title></entry></channel></rss>",
        "<rss><channel><item><title><![CDATA[One</title></item></channel></rss>",
        "<rss><channel><!-- <item><title>One</title></item></channel></rss>",
        rss(*(item(number) for number in range(MAX_ITEMS + 1))),
    ],
)
def test_items_whose_bounds_are_not_plain_are_not_told_apart(body: str) -> None:
    assert sliced(body, "") is None


def test_items_in_comments_and_quotations_are_none() -> None:
    body = rss(item(1, "<description><![CDATA[<item>no</item>]]></description>"), "<!--<item>-->")
    parsed = read(body)
    assert (titles(parsed), len(parsed.digests)) == (["Story 1"], DIGEST)


def test_a_feed_that_is_read_whole_gives_its_items_every_time() -> None:
    body = "<rss><channel><item><title>One</title><item><title>Two</title></channel></rss>"
    first = read(body)
    assert len(first.articles) == 2
    assert first.digests == b""
    assert read(body, again(first)).articles == first.articles


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_many_plain_items_are_read_fast_and_are_the_same(kind: str) -> None:
    fast, careful = read(a_feed(kind)), read(a_feed(kind), Memory(reader=CAREFUL))
    assert (fast.reader, fast.agreed) == (FAST, 1)
    assert (careful.reader, careful.agreed) == (CAREFUL, 0)
    assert fast.articles == careful.articles


def test_parsers_that_differ_end_the_fast_one_for_good() -> None:
    # The careful parser knows that these are two people.
    people = "<author><name>Ada</name></author><author><name>Jo</name></author>"
    entries = "".join(
        f"<entry><id>{number}</id><title>Story {number}</title>{people}</entry>"
        for number in range(12)
    )
    body = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title>{entries}</feed>'
    parsed = read(body)
    assert parsed.reader == CAREFUL
    assert {article.authors for article in parsed.articles} == {("Ada", "Jo")}
    assert read(body, Memory(reader=CAREFUL)).reader == CAREFUL


@pytest.mark.parametrize("odd", ["&nbsp;", "&#146;", '<link xml:base="/x"/>'])
def test_what_parsers_take_differently_is_read_carefully(odd: str) -> None:
    items = [item(number, f"<description>a{odd}</description>") for number in range(12)]
    parsed = read(rss(*items))
    assert (len(parsed.articles), parsed.reader) == (12, "")


def test_a_new_shape_is_read_by_both() -> None:
    first = read(rss(item(1), item(2)))
    assert (first.reader, first.agreed) == (FAST, 1)
    same = [item(number) for number in (3, 2, 1)]
    odd = item(4, "<author>ada@gazette.example (Ada) and others</author>")
    known = read(rss(*same), again(first))
    assert (titles(known), known.reader) == (["Story 3"], FAST)
    other = read(rss(odd, *same), again(known))
    assert other.reader == CAREFUL
    assert other.articles == read(rss(odd, *same), Memory(reader=CAREFUL)).articles[:1]


def test_items_of_a_shape_each_are_left_to_the_careful_parser() -> None:
    items = [item(number, f"<x{number}/>") for number in range(5)]
    parsed = read(rss(*items))
    assert (len(parsed.articles), parsed.reader) == (5, CAREFUL)


def test_now_and_then_the_fast_parser_is_checked_again() -> None:
    memory = again(read(rss(item(0))))
    checked = [
        read(rss(item(number), item(0)), memory).agreed > memory.agreed
        for number in range(1, 10 * CHECKED)
    ]
    assert 0 < sum(checked) < 40


def test_a_shape_is_of_tags_and_what_matters_of_attributes() -> None:
    one = shape_of('<item><a rel="x" href="1">t</a><b/></item>')
    assert one == shape_of("<item><a rel='x' href='2'>u &amp; v</a><b/></item>")
    assert one != shape_of('<item><a rel="y" href="1">t</a><b/></item>')
    assert one != shape_of('<item><a rel="x" href="1"></a><b/></item>')
    assert one != shape_of('<item><guid>x:1</guid><a rel="x" href="1">t</a><b/></item>')
    dated = "<item><pubDate>{}</pubDate></item>"
    assert shape_of(dated.format("Mon, 05 Jan 2026 GMT")) == shape_of(
        dated.format("Tue, 16 Jun 2026 GMT")
    )
    assert shape_of(dated.format("Mon, 05 Jan 2026 GMT")) != shape_of(
        dated.format("Mon, 05 Jan 2026 EST")
    )
    assert shape_of("<item><category>a</category><category>b</category></item>") == shape_of(
        "<item><category>a</category></item>"
    )


def test_the_fast_parser_opens_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    body = (
        f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
        + rss("<item><title>A&x;B</title></item>")
    ).encode()
    try:
        entries = fast_entries(body, [("item", "title")])
    except Rejected:
        entries = []
    assert "canary" not in str(entries)
    for name in (str(secret), secret.as_uri(), "https://127.0.0.1:1/"):
        with pytest.raises(Rejected):
            fast_entries(name.encode(), [("item",)])


def test_another_number_of_items_is_refused() -> None:
    with pytest.raises(Rejected, match="1 of 2 items"):
        fast_entries(rss(item(1)).encode(), [("item",), ("item",)])


@pytest.mark.parametrize(
    ("head", "hints"),
    [
        ("<ttl>30</ttl>", Hints(ttl=1_800)),
        ("<ttl> often </ttl>", Hints()),
        ("<ttl>-5</ttl>", Hints()),
        ("<sy:updatePeriod>hourly</sy:updatePeriod>", Hints(period=3_600)),
        (
            "<sy:updatePeriod> daily </sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
            Hints(period=21_600),
        ),
        ("<sy:updateFrequency>4</sy:updateFrequency>", Hints()),
        (
            "<skipHours><hour>0</hour><hour>24</hour><hour>7</hour><hour>99</hour></skipHours>",
            Hints(skip_hours=(0, 7)),
        ),
        ("<skipDays><day>Sunday</day><day>monday</day></skipDays>", Hints(skip_days=(0, 6))),
        (
            '<a:link rel="hub" href="https://hub.example/"/><a:link rel="self" href="/self.xml"/>',
            Hints(hub="https://hub.example/", topic="https://www.gazette.example/self.xml"),
        ),
        (
            '<atom:link rel="hub" href="https://hub.example/"/>',
            Hints(hub="https://hub.example/", topic="https://www.gazette.example/feed.xml"),
        ),
        ('<a:link rel="hub" href="javascript:alert(1)"/>', Hints()),
        ("<image><title>Logo</title></image>", Hints()),
    ],
)
def test_hints(head: str, hints: Hints) -> None:
    for items in ([], [item(1)]):
        parsed = read(rss(*items, head=head))
        assert (parsed.hints, parsed.title) == (hints, "The Gazette")


PIECES = st.lists(
    st.sampled_from(["<item>", "</item>", "<entry ", "<![CDATA[", "]]>", "<!--", "-->", "x", ">"]),
    max_size=25,
)


@given(PIECES.map("".join))
def test_nothing_is_lost_by_cutting(text: str) -> None:
    slices = sliced(text, "")
    if slices is not None:
        numbers = range(len(slices.spans))
        assert slices.with_only(numbers) == text
        assert slices.fresh(b"") == list(numbers)
        assert slices.fresh(b"".join(slices.digests)) == []
