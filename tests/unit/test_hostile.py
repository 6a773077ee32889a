"""Hostile documents: every one through every parser, in this process, with an eye on the system.

The small ones are files in tests/fixtures/hostile, in a folder for the parser that they are meant
for; the large ones are made here. `MONITOR_TEST_FUZZ_SECONDS` is how long the fuzzing takes.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

import monitor
from monitor.errors import Rejected
from monitor.model import Article, Document, Memory, PageText, Parsed, Source
from monitor.sources import feed, jsonfeed, page, sitemap, text
from monitor.sources.extract import extract

HOSTILE = Path(__file__).parents[1] / "fixtures" / "hostile"
FILES = sorted(path for path in HOSTILE.rglob("*") if path.is_file())
FUZZ_SECONDS = float(os.environ.get("MONITOR_TEST_FUZZ_SECONDS", "10"))
NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
URL = "https://a.example/hostile"
LIMIT = 3.0  # CPU seconds: a parser is ended after 10, and a busy machine counts up to twice
"""Seconds of processor time that a document may take."""
_EVENTS = frozenset(
    ("open", "socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system")
)
_OWN = (
    *{sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")},
    str(Path(monitor.__file__).parent),  # a warning shows the line that it is about
    __file__,
)
_seen: list[str] = []
_watching = False


def _note(event: str, arguments: tuple[object, ...]) -> None:
    # Libraries load parts of themselves late, and a warning shows the line that it is of: what is
    # in Python's own folders and in ours, and this file, is let pass.
    if _watching and event in _EVENTS and not str(arguments[0]).startswith(_OWN):
        _seen.append(f"{event} {arguments!r:.200}")


sys.addaudithook(_note)


def parse_text_of_page(document: Document, source: Source, memory: Memory) -> Parsed:
    found: PageText = extract(document)
    for line in (found.title, found.body, *found.authors):
        assert "\x00" not in line
        line.encode()
    return Parsed()


PARSERS: dict[str, Callable[[Document, Source, Memory], Parsed]] = {
    "feed": feed.parse,
    "jsonfeed": jsonfeed.parse,
    "sitemap": sitemap.parse,
    "page": page.parse,
    "text": text.parse,
    "extract": parse_text_of_page,
}


@contextmanager
def watched() -> Iterator[None]:
    """Fail where something is opened, connected to or started meanwhile."""
    global _watching
    _seen.clear()
    _watching = True
    try:
        yield
    finally:
        _watching = False
    assert _seen == []


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Have the parsers load what they load once: models, tables of dates, lists of names."""
    article = (HOSTILE.parent / "pages" / "article.html").read_bytes()
    for parse in PARSERS.values():
        for body in (article, (HOSTILE / "page" / "ld-json-bad.html").read_bytes()):
            _result(parse, body)
        for name in ("feed/dates-absurd.xml", "feed/links-bad.xml", "feed/encoding-utf16-odd.xml"):
            _result(parse, (HOSTILE / name).read_bytes())
    for charset in (
        "utf-7",
        "shift_jis",
        "cp037",
        "utf-16",
        "utf-32",
        "gb18030",
        "windows-1252",
        "latin-1",
    ):
        "x".encode(charset).decode(charset)


def _result(parse: Callable[[Document, Source, Memory], Parsed], body: bytes) -> Parsed | None:
    source = Source(name="hostile", type="feed", location=URL)
    try:
        return parse(Document(url=URL, body=body, fetched=NOW), source, Memory())
    except Rejected:
        return None


def survives(kind: str, body: bytes, limit: float = LIMIT) -> Parsed | None:
    """Parse, and check what came out; None where the document was rejected."""
    started = time.process_time()
    with watched():
        parsed = _result(PARSERS[kind], body)
    assert time.process_time() - started <= limit, kind
    for article in parsed.articles if parsed else ():
        check(article)
    return parsed


def check(article: Article) -> None:
    assert article.title
    texts = (article.title, article.summary, article.body, article.item_id, *article.authors)
    for line in (*texts, *article.categories):
        assert "\x00" not in line
        line.encode()
    for url in (article.url, article.image):
        assert not url or url.startswith(("https://", "http://"))
    assert article.published is None or article.published.year < 2027
    assert "root:" not in article.title + article.summary + article.body
    assert sum(len(line.encode()) for line in texts) <= 300_000


def test_there_are_files_for_every_parser() -> None:
    assert len(FILES) >= 60
    assert {path.parent.name for path in FILES} == set(PARSERS) - {"extract"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_hostile_file_harms_nothing(path: Path) -> None:
    body = path.read_bytes()
    for kind in PARSERS:
        parsed = survives(kind, body)
        if kind == path.parent.name and b"Good sibling" in body:
            assert parsed is not None
            assert any(article.title.startswith("Good sibling") for article in parsed.articles)


GOOD = "<item><title>Good sibling</title></item>"
SITEMAP = 'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'


def rss(items: str) -> bytes:
    return f'<rss version="2.0"><channel><title>t</title>{items}{GOOD}</channel></rss>'.encode()


def urlset(entries: str) -> bytes:
    return f"<urlset {SITEMAP}>{entries}</urlset>".encode()


def json_feed(item: str) -> bytes:
    version = "https://jsonfeed.org/version/1.1"
    return f'{{"version": "{version}", "items": [{item}, {{"title": "Good sibling"}}]}}'.encode()


def html(body: str) -> bytes:
    return f"<html><head><title>t</title></head><body>{body}</body></html>".encode()


ATTRIBUTES = " ".join(f'a{number}="x"' for number in range(40_000))
LARGE: dict[str, Callable[[], bytes]] = {
    "author-of-1-mb": lambda: rss(f"<item><author>{'a.' * 500_000}</author></item>"),
    "attributes": lambda: rss(f"<item {ATTRIBUTES}></item>"),
    "deep-xml": lambda: rss("<a>" * 10_000),
    "deep-html-in-feed": lambda: rss(f"<item><description>{'&lt;b&gt;' * 10_000}</description>"),
    "quadratic-blow-up": lambda: (
        b'<!DOCTYPE rss [<!ENTITY a "' + b"a" * 50_000 + b'">]>' + rss(f"<item>{'&a;' * 5_000}")
    ),
    "cdata-of-2-mb": lambda: rss(f"<item><description><![CDATA[{'x' * 2_000_000}]]></description>"),
    "title-of-2-mb": lambda: rss(f"<item><title>{'&lt;' * 400_000}</title></item>"),
    "entity-attributes": lambda: (
        b'<!DOCTYPE urlset [<!ENTITY a "' + b"a" * 50_000 + b'">]>'
        + urlset(f'<url x="{"&a;" * 5_000}"/>')
    ),
    "sitemap-attributes": lambda: urlset(f"<url {ATTRIBUTES}/>"),
    "sitemap-deep": lambda: urlset("<url>" * 10_000),
    "sitemap-bomb": lambda: gzip.compress(bytes(60_000_000), 1),
    "sitemap-members": lambda: gzip.compress(b" ") * 5_000,
    "json-deep": lambda: json_feed("[" * 100_000),
    "json-deep-objects": lambda: json_feed('{"a":' * 100_000),
    "json-number": lambda: json_feed('{"title": ' + "9" * 1_000_000 + "}"),
    "json-strings": lambda: json_feed(json.dumps({"title": "<" * 500_000, "tags": ["a"] * 50_000})),
    "json-broken": lambda: json_feed('{"a" 1},' * 50_000),
    "html-attributes": lambda: html(f"<a {ATTRIBUTES} href='/x'>x</a>"),
    "html-deep": lambda: html("<div>" * 10_000),
    "html-links": lambda: html("".join(f"<a href=/ab-cd-{n}>link {n}</a>" for n in range(100_000))),
    "html-classes": lambda: html(f"<p class='{'a ' * 200_000}'>x</p>"),
    "html-text": lambda: html("word " * 900_000),
    "html-headings": lambda: html("<a href=/x>" + "<h2>" * 5_000),
    "text-dateline": lambda: b"Title\n\n" + b"AB " * 300_000,
    "text-lines": lambda: b"Title\n" + b"By A\n" * 100_000,
    "text-spaces": lambda: b"Title\n\n" + b" \t" * 1_000_000,
}  # fmt: skip


@pytest.mark.parametrize("kind", PARSERS)
@pytest.mark.parametrize("name", LARGE)
def test_a_large_document_takes_seconds_at_most(name: str, kind: str) -> None:
    survives(kind, LARGE[name]())


@pytest.mark.parametrize(
    "name", ["author-of-1-mb", "cdata-of-2-mb", "title-of-2-mb", "json-number", "json-strings"]
)
def test_siblings_of_a_large_item_survive(name: str) -> None:
    parsed = survives("jsonfeed" if name.startswith("json") else "feed", LARGE[name]())
    assert parsed is not None
    assert "Good sibling" in [article.title for article in parsed.articles]


@pytest.mark.parametrize("kind", PARSERS)
def test_no_file_is_read_into_a_document(kind: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary")
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
    for root in (
        rss("<item><title>A&e;B</title><description>&e;</description></item>").decode(),
        urlset("<url><loc>https://a.example/x</loc><news:title>&e;</news:title></url>").decode(),
        html("<h2>&e;</h2>").decode(),
        str(secret),
        secret.as_uri(),
    ):
        parsed = survives(kind, (entity + root if root.startswith("<") else root).encode())
        assert "canary" not in repr(parsed)


def test_a_sitemap_index_never_leads_to_itself_or_to_files() -> None:
    parsed = survives("sitemap", (HOSTILE / "sitemap" / "index-loop.xml").read_bytes())
    assert parsed is not None
    assert 0 < len(parsed.further) <= 5
    assert survives("sitemap", (HOSTILE / "sitemap" / "index-of-itself.xml").read_bytes()) is None


def mutated(body: bytes, chance: random.Random) -> bytes:
    """Return a document with some bytes changed, doubled, cut out or taken from elsewhere."""
    text = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(text) + 1)
        end = min(len(text), at + chance.choice((1, 1, 2, 8, 64)))
        part = bytes(text[at:end])
        text[at:end] = chance.choice(
            (b"", part * 2, part[::-1], chance.randbytes(len(part)), chance.choice(PIECES))
        )
    return bytes(text)


PIECES = (
    b"<", b">", b"</item>", b"<![CDATA[", b"]]>", b"<!--", b"&#x", b"&amp;lt;", b";", b'"', b"'",
    b"\x00", b"\xff", b"\xed\xa0\x80", b"<!DOCTYPE", b"<!ENTITY", b"http://[", b"javascript:",
    b"9" * 40, b"-1", b"{", b"}", b"[", b"]", b",", b"\\ud800", b"null", b"\x1f\x8b", b"<a href=",
    b"<base href='http://['>", b" xml:base='http://['", b"\r\n", b"<table>", b"<h2>", b"2026-02-30",
)  # fmt: skip


def test_mutations_break_no_parser() -> None:
    seed = random.randrange(2**32)
    chance, bodies = random.Random(seed), [path.read_bytes() for path in FILES]
    for folder in ("pages", "feeds"):
        bodies += [path.read_bytes() for path in (HOSTILE.parent / folder).iterdir()]
    end, tries = time.monotonic() + FUZZ_SECONDS, 0
    while time.monotonic() < end:
        body = mutated(chance.choice(bodies), chance)
        kind = chance.choice(tuple(PARSERS))
        try:
            survives(kind, body, limit=3 * LIMIT)
        except Exception as error:
            raise AssertionError(f"seed {seed}, try {tries}, {kind}: {body!r}") from error
        tries += 1
    assert tries > 0
