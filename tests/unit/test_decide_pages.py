"""Which articles wait for their page, when it is asked for again, and what it adds."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from monitor.decide import page_again, pending, wants_page, with_page
from monitor.errors import MonitorError, Rejected, Unavailable, Unreachable
from monitor.model import FullText, PageText, PendingPage
from tests.support.articles import NOW, an_article
from tests.support.follower import a_source

LONG = "word " * 200


@pytest.mark.parametrize(
    ("summary", "body", "expected"),
    [
        ("", "", True),
        ("A short lead.", "", True),
        ("word " * 79, "", True),
        ("word " * 80, "", False),
        ("A short lead.", LONG, False),
        ("word " * 79, "word " * 79, True),
        ("", f"{LONG}…", True),
        ("", f"{LONG}...", True),
        ("", f"{LONG} [...]", True),
        ("", f"{LONG} [&hellip;]", True),
        ("", f"{LONG}\nRead more", True),
        ("", f"{LONG} Read more »", True),
        ("", f"{LONG} Continue reading: Harbour reopens", True),
        ("", f"{LONG} Weiterlesen...", True),
        ("", f"{LONG} Lire la suite", True),
        ("", f"{LONG}… which is where it ended, they said.", False),
        ("", f"{LONG} Few people read more.", True),
        ("港" * 159, "", True),
        ("港" * 160, "", False),
        ("港" * 170 + "続きを読む", "", True),
        ("ข่าว" * 40, "", False),
        ("— - " * 100, "", True),
    ],
)
def test_a_stub_is_a_text_that_is_short_or_cut_off(summary: str, body: str, expected: bool) -> None:
    assert wants_page(a_source(), an_article(summary=summary, body=body)) is expected


@pytest.mark.parametrize(
    ("full_text", "kind", "url", "body", "expected"),
    [
        (FullText.ALWAYS, "feed", "https://news.example/a", LONG, True),
        (FullText.ALWAYS, "feed", "", LONG, False),
        (FullText.ALWAYS, "feed", "mailto:desk@news.example", LONG, False),
        (FullText.NEVER, "feed", "https://news.example/a", "", False),
        (FullText.AUTO, "feed", "", "", False),
        (FullText.AUTO, "page", "http://news.example/a", "", True),
        (FullText.AUTO, "text", "http://news.example/a", "Short.", False),
        (FullText.AUTO, "mail", "http://news.example/a", "Short.", False),
        (FullText.ALWAYS, "mail", "http://news.example/a", "Short.", True),
    ],
)
def test_the_operator_says_which_pages_are_fetched(
    full_text: FullText, kind: str, url: str, body: str, expected: bool
) -> None:
    source = a_source(type=kind, full_text=full_text)
    assert wants_page(source, an_article(url=url, body=body)) is expected


def attempts(error: MonitorError) -> list[float]:
    """Return the minutes after the first wish at which a page is asked for that never comes."""
    page: PendingPage | None = pending(an_article(), NOW)
    asked = []
    while page is not None:
        asked.append((page.due_at - NOW).total_seconds() / 60)
        page = page_again(page, page.due_at, error)
    return asked


def test_a_page_is_asked_for_at_once_and_waited_for_10_minutes() -> None:
    article = an_article()
    page = pending(article, NOW)
    assert page == PendingPage(article=article, due_at=NOW, give_up_at=NOW + timedelta(minutes=10))


@pytest.mark.parametrize(
    "error", [Unavailable("slow"), Unavailable("x", None, 503), Unreachable("no")]
)
def test_a_page_that_does_not_come_is_asked_for_ever_more_seldom_for_a_day(
    error: MonitorError,
) -> None:
    assert attempts(error) == [0, 1, 4, 14, 44, 164, 524, 884, 1244]


@pytest.mark.parametrize(
    "error",
    [
        Rejected("robots.txt denies it"),
        *(Unavailable("answered", None, status) for status in (401, 403, 404, 410, 451)),
    ],
)
def test_a_page_that_will_not_come_is_given_up_at_once(error: MonitorError) -> None:
    assert attempts(error) == [0]


@pytest.mark.parametrize(
    ("wish", "minutes"),
    [(30.0, 1), (3_600.0, 60), (86_400.0, 1_440), (86_401.0, None), (9e9, None)],
)
def test_a_page_is_not_asked_for_before_its_retry_after(wish: float, minutes: int | None) -> None:
    page = pending(an_article(), NOW)
    again = page_again(page, NOW, Unavailable("busy", wish, 429))
    assert (again and again.due_at) == (NOW + timedelta(minutes=minutes) if minutes else None)


def test_what_is_known_of_a_page_stays_while_it_is_waited_for() -> None:
    page = replace(pending(an_article(), NOW), released=True)
    again = page_again(page, NOW, Unavailable("slow"))
    assert again == replace(page, due_at=NOW + timedelta(minutes=1), attempts=1)


def test_the_longer_text_is_taken_and_the_rest_only_where_the_source_has_none() -> None:
    article = an_article(summary="A lead.", body="", authors=("Ann",), image="", language="")
    written = datetime(2026, 2, 1, tzinfo=NOW.tzinfo)
    text = PageText(
        title="Another headline",
        body=LONG,
        authors=("Bob",),
        published=written,
        image="https://news.example/i.jpg",
        language="en",
    )
    result = with_page(article, text)
    assert result is not None
    assert result.content_hash != article.content_hash
    assert result == replace(
        article,
        body=LONG,
        published=written,
        image="https://news.example/i.jpg",
        language="en",
        content_hash=result.content_hash,
    )


@pytest.mark.parametrize("text", [PageText(), PageText(body="Short.", authors=("Bob",))])
def test_a_page_that_adds_nothing_changes_nothing(text: PageText) -> None:
    article = an_article(summary="A lead of some words.", body="", authors=("Ann",))
    assert with_page(article, text) is None


def test_an_author_alone_is_something() -> None:
    article = an_article(authors=())
    result = with_page(article, PageText(authors=("Bob",)))
    assert result is not None
    assert (result.authors, result.body) == (("Bob",), article.body)


def test_the_time_of_a_change_gives_way_to_that_of_publication() -> None:
    day = timedelta(days=1)
    article = an_article(published=NOW, updated=NOW)
    result = with_page(article, PageText(published=NOW - 40 * day), untitled=True)
    assert result is not None
    assert result.published == NOW - 40 * day
    same_day = NOW.replace(hour=0)
    assert with_page(article, PageText(published=same_day), untitled=True) is None
    assert with_page(article, PageText(published=NOW - 40 * day)) is None
