"""Plain-text articles, and files as a source."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import Rejected, Unavailable
from monitor.model import Article, Document, Memory, NotModified, Source, SourceState
from monitor.sources.files import FOLDER_TYPE, FileFetcher
from monitor.sources.text import parse
from tests.support.clock import START, FakeClock

FIXTURE = Path(__file__).parents[2] / "config" / "fixtures" / "sco-meeting-2024-04-26.txt"
SOURCE = Source(name="desk", type="text", location="desk.txt")
APRIL_26 = datetime(2024, 4, 26, tzinfo=UTC)
TEXT = "The harbour reopened on Sunday after a week of storms, the council said."


def articles_of(text: str | bytes, content_type: str = "") -> tuple[Article, ...]:
    body = text if isinstance(text, bytes) else text.encode()
    document = Document(url="/news/desk.txt", body=body, content_type=content_type, fetched=START)
    return parse(document, SOURCE, Memory()).articles


def article_of(text: str | bytes) -> Article:
    (article,) = articles_of(text)
    return article


def test_the_provided_article() -> None:
    printed = FIXTURE.read_text()
    article = article_of(printed)
    assert article.title == (
        "SCO Meeting: Russia Calls for Stronger Military Ties Against US Security Expansion"
    )
    assert article.published == APRIL_26
    assert (article.place, article.language) == ("MOSCOW", "en")
    paragraphs = [line for line in printed.splitlines() if line.strip()][3:-1]
    assert article.body == "\n\n".join(paragraphs)
    assert "icon-" not in article.body
    assert article.item_id == (
        "2024-04-26-sco-meeting-russia-calls-for-stronger-military-ties-against-us-security-"
        "expansion"
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: "\n\n" + text + "\n\n\n",
        lambda text: text.replace("Fri Apr 26 2024", "26 April 2024"),
        lambda text: text.replace("Fri Apr 26 2024", "Published: April 26, 2024"),
        lambda text: text.replace("Fri Apr 26 2024", "2024-04-26"),
        lambda text: text.replace("icon-whatsapp\n", "icon-whatsapp\nShare on Facebook\nPrint\n"),
    ],
)
def test_how_it_is_set_does_not_count(change: object) -> None:
    assert callable(change)
    printed = FIXTURE.read_text()
    one, other = article_of(printed), article_of(change(printed))
    assert one == other


@pytest.mark.parametrize(
    ("line", "published"),
    [
        ("Fri Apr 26 2024", APRIL_26),
        ("Friday, 26 April 2024", APRIL_26),
        ("April 26, 2024", APRIL_26),
        ("26.04.2024", APRIL_26),
        ("Updated on 26/04/2024", APRIL_26),
        ("2024-04-26T10:30:00Z", APRIL_26.replace(hour=10, minute=30)),
        ("Published: April 26, 2024 10:30 AM GMT", APRIL_26.replace(hour=10, minute=30)),
        ("Last updated: Fri, Apr 26 2024 | 10:30 EDT", APRIL_26.replace(hour=14, minute=30)),
    ],
)
def test_date_lines(line: str, published: datetime) -> None:
    article = article_of(f"Harbour reopens\n{line}\n\n{TEXT}\n")
    assert (article.published, article.body) == (published, TEXT)


@pytest.mark.parametrize(
    "line", ["In 2024, 12 ships sank", "2024", "Wed Apr 26 1789", "1 January 2099", "12 of 2024"]
)
def test_other_lines_are_text(line: str) -> None:
    article = article_of(f"Harbour reopens\n\n{line}\n{TEXT}\n")
    assert article.published is None
    assert article.body == f"{line}\n{TEXT}"


def test_a_date_in_the_text_is_not_the_date_of_the_article() -> None:
    article = article_of(f"Harbour reopens\n\n{TEXT}\n\nApril 26, 2024\n\n{TEXT}")
    assert article.published is None
    assert "April 26, 2024" in article.body


@pytest.mark.parametrize(
    ("start", "place", "published"),
    [
        ("MOSCOW: ", "MOSCOW", None),
        ("NEW DELHI (Reuters) - ", "NEW DELHI", None),
        ("BEIJING, Jan 3 — ", "BEIJING", datetime(2026, 1, 3, tzinfo=UTC)),
        ("BEIJING, December 30 (Xinhua) -- ", "BEIJING", datetime(2025, 12, 30, tzinfo=UTC)),
        ("MOSCOW, April 26. /TASS/. ", "MOSCOW", datetime(2025, 4, 26, tzinfo=UTC)),
        ("KYIV/MOSCOW, 26 Apr 2024 – ", "KYIV/MOSCOW", APRIL_26),
        ("WASHINGTON, D.C. — ", "WASHINGTON, D.C.", None),
        ("ASTANA, Kazakhstan (AP) — ", "ASTANA, Kazakhstan", None),
        ("Moscow said: ", "", None),
        ("The UN: ", "", None),
        ("", "", None),
    ],
)
def test_datelines(start: str, place: str, published: datetime | None) -> None:
    article = article_of(f"Harbour reopens\n\n{start}{TEXT}\n")
    assert (article.place, article.published) == (place, published)
    assert article.body == start + TEXT


def test_bylines() -> None:
    article = article_of(f"Harbour reopens\nBy Ada Reed\nJanuary 4, 2026\n\n{TEXT}\n\nBy night.\n")
    assert article.authors == ("Ada Reed",)
    assert article.body == f"{TEXT}\n\nBy night."


def test_a_title_alone_is_an_article() -> None:
    article = article_of("Harbour reopens")
    assert (article.title, article.body, article.published) == ("Harbour reopens", "", None)


@pytest.mark.parametrize("text", ["", "\n \r\n", "\ufeff", "icon-facebook icon-twitter\n"])
def test_a_file_without_text_is_rejected_by_name(text: str) -> None:
    with pytest.raises(Rejected, match=r"desk\.txt holds no text"):
        articles_of(text)


def test_other_encodings() -> None:
    assert article_of("Café reopens".encode("windows-1252")).title == "Café reopens"
    assert article_of("Café reopens".encode("utf-16")).title == "Café reopens"


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_nothing_but_rejected_comes_out(body: bytes) -> None:
    for content_type in ("", FOLDER_TYPE):
        try:
            articles = articles_of(body, content_type)
        except Rejected:
            continue
        assert all(article.title for article in articles)


@given(st.text(max_size=80))
def test_any_line_may_follow_a_title(line: str) -> None:
    assert len(articles_of(f"Harbour reopens\n{line}\n".encode("utf-8", "replace"))) == 1


def state_of(path: Path, body_hash: str = "") -> SourceState:
    source = Source(name="desk", type="text", location=str(path))
    return SourceState(source=source, next_poll_at=START, memory=Memory(body_hash=body_hash))


async def test_a_file_is_read_until_it_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "desk.txt"
    path.write_text("Harbour reopens\n")
    fetcher = FileFetcher(clock=FakeClock())
    document = await fetcher.fetch(state_of(path))
    assert isinstance(document, Document)
    assert (document.body, document.url, document.fetched) == (path.read_bytes(), str(path), START)
    again = await fetcher.fetch(state_of(path, document.body_hash))
    assert again == NotModified(etag="", last_modified="", body_hash=document.body_hash)
    path.write_text("Harbour closes\n")
    assert isinstance(await fetcher.fetch(state_of(path, document.body_hash)), Document)


async def test_a_folder_is_all_its_texts(tmp_path: Path) -> None:
    for name, text in (("b.txt", "Bridge closes"), ("a.txt", TEXT), ("e.txt", ""), ("x.md", "No")):
        (tmp_path / name).write_text(text)
    (tmp_path / "folder.txt").mkdir()
    document = await FileFetcher(clock=FakeClock()).fetch(state_of(tmp_path))
    assert isinstance(document, Document)
    parsed = parse(document, SOURCE, Memory())
    assert parsed.rejected == 1
    assert [article.title for article in parsed.articles] == [TEXT, "Bridge closes"]


async def test_what_is_missing_is_named(tmp_path: Path) -> None:
    fetcher = FileFetcher(clock=FakeClock(), max_bytes=10)
    missing = tmp_path / "missing.txt"
    with pytest.raises(Unavailable, match=f"there is no {missing}"):
        await fetcher.fetch(state_of(missing))
    with pytest.raises(Unavailable, match=r"holds no file whose name ends with \.txt"):
        await fetcher.fetch(state_of(tmp_path))
    missing.write_text("x" * 11)
    for path in (missing, tmp_path):
        with pytest.raises(Rejected, match="holds 11 bytes; at most 10 are read"):
            await fetcher.fetch(state_of(path))
