"""robots.txt, after RFC 9309."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from monitor.errors import MonitorError, Rejected, Unavailable, Unreachable
from monitor.model import Document, Robots
from monitor.sources.robots import allowed, crawl_delay, is_fresh, robots_of, sitemaps
from tests.support.clock import START

AGENT = "newsmonitor/0.1 (+https://monitor.example; desk@monitor.example)"
PAGE = "https://news.example/a/page"


def robots(text: str | bytes) -> Robots:
    body = text if isinstance(text, bytes) else text.encode()
    return robots_of(Document(url=PAGE, body=body, fetched=START), START)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Unavailable("", None, 404), True),
        (Unavailable("", None, 403), True),
        (Unavailable("redirects more than 5 times", None, 302), True),
        (Unavailable("", None, 500), False),
        (Unavailable("", None, 503), False),
        (Unavailable("took longer"), False),
        (Unreachable("no such name"), False),
        (Rejected("a loopback address"), False),
    ],
)
def test_answers_that_are_no_text(error: MonitorError, expected: bool) -> None:
    found = robots_of(error, START)
    assert (found.allow_all, found.deny_all) == (expected, not expected)
    assert allowed(found, PAGE, AGENT) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("<html>no robots here: at all</html>", True),
        ("User-agent: *\nDisallow: /a", False),
        ("User-agent: *\nDisallow: /b", True),
        ("User-agent: *\nDisallow: /\nAllow: /a/", True),
        ("user-agent:NewsMonitor\nallow: /\n\nUser-agent: *\nDisallow: /", True),
        ("User-agent: *\nDisallow:\nUser-agent: newsmonitor/9\nDisallow: /a # ours", False),
        ("User-agent: newsmonitor\nUser-agent: other\nDisallow: /a", False),
        ("User-agent: other\nUser-agent: more\nDisallow: /", True),
        ("User-agent: https\nUser-agent: monitor\nUser-agent: news\nDisallow: /", True),
        ("User-agent: other\nDisallow: /\nUser-agent: *\nDisallow: /b", True),
        ("\ufeffUser-agent: *\r\nDisallow: /*/page$\r\n", False),
        ("Disallow: /", True),
    ],
)
def test_groups(text: str, expected: bool) -> None:
    assert allowed(robots(text), PAGE, AGENT) is expected


def test_the_text_is_read_up_to_500_kib() -> None:
    line = b"# " + b"x" * 97 + b"\n"
    early = b"User-agent: *\nDisallow: /a\n" + line * 6_144
    assert len(early) > 600_000
    assert not allowed(robots(early), PAGE, AGENT)
    assert allowed(robots(line * 6_144 + b"User-agent: *\nDisallow: /a\n"), PAGE, AGENT)
    assert len(robots(early).body) == 500 * 1024


def test_an_answer_is_used_for_a_day() -> None:
    found = robots("")
    assert is_fresh(found, START + timedelta(hours=23, minutes=59))
    assert not is_fresh(found, START + timedelta(hours=24))


def test_one_that_cannot_be_had_is_asked_for_again_within_the_hour() -> None:
    found = robots_of(Unreachable("no such name"), START)
    assert is_fresh(found, START + timedelta(minutes=59))
    assert not is_fresh(found, START + timedelta(hours=1))


@pytest.mark.parametrize(
    ("delay", "seconds"), [("10", 10), ("0.5", 0.5), ("3600", 60), ("-1", 0), ("inf", 0), ("x", 0)]
)
def test_crawl_delay(delay: str, seconds: float) -> None:
    assert crawl_delay(robots(f"User-agent: *\nCrawl-delay: {delay}"), AGENT) == seconds
    assert crawl_delay(robots(f"User-agent: other\nCrawl-delay: {delay}"), AGENT) == 0


def test_sitemaps() -> None:
    text = "Sitemap: https://n.example/1.xml\nsitemap : /2.xml\nSitemap: file:///etc\n" + "".join(
        f"Sitemap: https://n.example/{number}.xml\n" for number in range(500)
    )
    found = sitemaps(robots(text))
    assert found[:2] == ("https://n.example/1.xml", "https://n.example/0.xml")
    assert len(found) == len(set(found)) == 100


@pytest.mark.parametrize(
    "line",
    [
        "User-agent: bot{0}\n",
        "User-agent: newsmonitor\nDisallow: /{0}*a*b*c*$\n",
        "Disallow: /{0}$\n",
        "A" * 300 + "{0}\n",
        "User-agent: *\nUser-agent: bot{0}\nDisallow: /{0}\n",
        "Sitemap: https://n.example/{0}\n",
    ],
)
def test_a_hostile_text_costs_little(line: str) -> None:
    text = "User-agent: *\n" + "".join(line.format(number) for number in range(60_000))
    found = robots(text)
    started = time.monotonic()
    assert allowed(found, "https://news.example/" + "ab" * 1_000, AGENT)
    assert len(sitemaps(found)) <= 100
    assert time.monotonic() - started < 10


def test_no_text_breaks_the_reader() -> None:
    found = robots(b"\xff\xfe\0User-agent: *\0\nDisallow: /a\xed\xa0\x80")
    assert "\0" not in found.body
    assert allowed(found, "http://[::1", AGENT) in (True, False)
