"""Lists of feeds: what readers write is read, what is no list is refused, what goes out returns."""

from __future__ import annotations

import time

import pytest

from monitor.errors import Rejected
from monitor.opml import MAX_BYTES, MAX_OUTLINES, Outline, read_opml, write_opml
from tests.support.articles import NOW

SANE = 10.0
"""Seconds of a processor: the machine may be busy with other things."""


def opml(body: str) -> bytes:
    return f'<opml version="2.0"><body>{body}</body></opml>'.encode()


def feeds(number: int) -> str:
    return "".join(
        f'<outline type="rss" text="Feed {index}" xmlUrl="https://site{index}.example/feed"/>'
        for index in range(number)
    )


def test_folders_are_looked_into_and_an_address_counts_once() -> None:
    found = read_opml(
        opml(
            '<outline text="World"><outline text="A" xmlUrl="https://a.example/"/>'
            '<outline text="Asia"><outline title="B" text="b" xmlUrl=" https://b.example/ "/>'
            '</outline></outline><outline text="again" xmlUrl="https://a.example/"/>'
            '<outline text="a note"/>'
        )
    )
    assert found.outlines == (
        Outline("https://a.example/", "A"),
        Outline("https://b.example/", "B"),
    )
    assert found.repeated == 1


@pytest.mark.parametrize(
    "body",
    [
        b'<opml><body><outline text="A" xmlUrl="https://a.example/?x=1&y=2"/></body></opml>',
        b'<OPML><body><outline text="A" XMLURL="https://a.example/?x=1&amp;y=2"/></body></OPML>',
        b'\xef\xbb\xbf<opml><body><outline text="A" xmlurl="https://a.example/?x=1&y=2"/>',
        b'\n <?xml version="1.0"?><opml><body><outline text="A"'
        b' xmlUrl="https://a.example/?x=1&y=2"></body></opml>',
        '<?xml version="1.0" encoding="utf-16"?><opml><body><outline text="A"'
        ' xmlUrl="https://a.example/?x=1&amp;y=2"/></body></opml>'.encode("utf-16"),
    ],
)
def test_lists_as_programs_really_write_them(body: bytes) -> None:
    assert read_opml(body).outlines == (Outline("https://a.example/?x=1&y=2", "A"),)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no OPML"),
        (b"hello", "no OPML"),
        (b"\x00\xff\xfe", "no OPML"),
        (b"<rss><channel/></rss>", "first tag must be <opml>"),
        (opml('<outline text="x">' * 1000), "deep"),
        (opml(feeds(MAX_OUTLINES + 1)), "more than 100,000 outlines"),
        (b" " * (MAX_BYTES + 1), "larger than"),
        (opml('<outline text="x">' * 200_000 + "</outline>" * 200_000), "deep"),
    ],
    ids=["empty", "text", "binary", "rss", "depth", "number", "size", "deepest"],
)
def test_what_is_no_sane_list_is_refused_at_once(body: bytes, reason: str) -> None:
    begun = time.process_time()
    with pytest.raises(Rejected, match=reason):
        read_opml(body)
    assert time.process_time() - begun < SANE


def test_the_largest_list_is_read_at_once() -> None:
    body = opml('<outline text="deep">' * 90 + feeds(MAX_OUTLINES - 90) + "</outline>" * 90)
    begun = time.process_time()
    assert len(read_opml(body).outlines) == MAX_OUTLINES - 90
    assert time.process_time() - begun < SANE


@pytest.mark.parametrize(
    "definition",
    [
        '<!ENTITY a "b">',
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY % a SYSTEM "http://127.0.0.1:1/x"> %a;',
    ],
)
def test_entities_are_refused(definition: str) -> None:
    body = f'<!DOCTYPE opml [{definition}]><opml><outline text="&a;" xmlUrl="https://x.example/"/>'
    for encoded in (
        body.encode(),
        f'<?xml version="1.0" encoding="utf-16"?>{body}'.encode("utf-16"),
    ):
        with pytest.raises(Rejected, match="DOCTYPE"):
            read_opml(encoded)


def test_what_is_written_is_read_again() -> None:
    values = {
        "type": "page",
        "url": "https://a.example/?q=<&>\"'",
        "title": "Ärger & Ruhe\x0b",
        "interval": 900,
        "enabled": False,
    }
    body = write_opml([("one", values), ("local", {"type": "text", "path": "x"})], "Mine", NOW)
    (outline,) = read_opml(body).outlines
    assert outline == Outline(
        "https://a.example/?q=<&>\"'",
        "Ärger & Ruhe",
        "one",
        {"type": "page", "interval": "900", "enabled": "false"},
    )
    assert b"<dateCreated>" in body


@pytest.mark.parametrize(
    ("printed", "asked"),
    [
        ("feed://x.example/rss", "http://x.example/rss"),
        ("feed:https://x.example/rss", "https://x.example/rss"),
        ("feed://https://x.example/rss", "https://x.example/rss"),
        ("HTTP://x.example/rss", "http://x.example/rss"),
        (" https://x.example/a b.xml ", "https://x.example/a%20b.xml"),
        ("ftp://x.example/rss", "ftp://x.example/rss"),
        ("nonsense", "nonsense"),
    ],
)
def test_addresses_as_readers_write_them(printed: str, asked: str) -> None:
    body = f'<opml><body><outline xmlUrl="{printed}"/></body></opml>'.encode()
    assert [outline.url for outline in read_opml(body).outlines] == [asked]
