"""Pages are asked for by robots.txt (RFC 9309), which is asked for once a day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise

import pytest

from monitor.model import FullText, Source
from tests.support.clock import FakeClock
from tests.support.publishers import Feed, Publishers, Replies, Reply, Request, by_host, rss
from tests.support.simulation import WHO, Scheduler, a_feed
from tests.support.stores import OpenStore

HOUR, DAY = 3_600, 86_400
LINE = b"# nothing that matters, in a line of fifty characters\n"
LONG = b"User-agent: *\nDisallow: /private\n" + LINE * 12_000 + b"Disallow: /news\n"
PAGE = b"<html><body><article><h1>Council meets</h1>" + b"<p>It met on Monday.</p>" * 90


def text(body: bytes) -> Replies:
    """Return an answer in plain text."""
    return lambda _: Reply(body=body, headers={"Content-Type": "text/plain"})


def page(_: Request) -> Reply:
    return Reply(body=PAGE, headers={"Content-Type": "text/html"})


class Paper:
    """A feed of articles on a host; one more article every `period` s, `count` in the feed."""

    def __init__(
        self,
        publishers: Publishers,
        host: str,
        robots: Replies,
        *,
        folder: str = "news",
        count: int = 3,
        period: float = 1e9,
    ) -> None:
        self.host = host
        self._publishers = publishers
        self._link = publishers.url(host, f"/{folder}/{{n}}")
        self._count, self._period = count, period
        self._start = publishers.now()
        for number in range(40):
            publishers.answer(host, page, f"/{folder}/{number}")
        publishers.answer(host, robots, "/robots.txt")
        self.feed = publishers.answer(host, self._serve)

    def source(self) -> Source:
        """Return the feed as a source whose pages are always fetched."""
        return a_feed(self.host, self.feed, full_text=FullText.ALWAYS)

    def asked(self) -> tuple[int, int]:
        """Return how often robots.txt was asked for, and how many pages."""
        targets = [one.target for one in self._publishers.requests if one.host == self.host]
        robots, feeds = targets.count("/robots.txt"), targets.count("/feed")
        return robots, len(targets) - robots - feeds

    def _serve(self, request: Request) -> Reply:
        newest = int((request.at - self._start).total_seconds() // self._period) + self._count
        return Reply(body=rss(range(newest - self._count, newest), link=self._link))


@pytest.fixture
async def scheduler(open_store: OpenStore, clock: FakeClock) -> AsyncIterator[Scheduler]:
    scheduler = Scheduler(await open_store(), clock, deadline=2.0, pages=True)
    yield scheduler
    await scheduler.close()


async def test_robots_txt_says_which_pages_are_asked_for(
    publishers: Publishers, scheduler: Scheduler, clock: FakeClock
) -> None:
    papers = {
        "none": Paper(publishers, "127.7.0.1", lambda _: Reply(status=404)),
        "broken": Paper(publishers, "127.7.0.2", lambda _: Reply(status=500)),
        "hanging": Paper(publishers, "127.7.0.3", lambda _: Reply(hangs=True)),
        "cut": Paper(publishers, "127.7.0.4", text(LONG)),
        "read": Paper(publishers, "127.7.0.5", text(LONG), folder="private"),
        "closed": Paper(publishers, "127.7.0.6", text(b"User-agent: *\nDisallow: /")),
        "ours": Paper(
            publishers,
            "127.7.0.7",
            text(b"User-agent: newsmonitor\nDisallow: /news\n\nUser-agent: *\nAllow: /"),
        ),
    }
    assert len(LONG) > 600_000
    await scheduler.store.declare([paper.source() for paper in papers.values()], clock.now())
    await scheduler.run(HOUR / 2)
    assert {name: paper.asked() for name, paper in papers.items()} == {
        "none": (1, 3),
        "broken": (1, 0),
        "hanging": (1, 0),
        "cut": (1, 3),
        "read": (1, 0),
        "closed": (1, 0),
        "ours": (1, 0),
    }
    # Whatever became of their pages, the articles are through.
    assert (await scheduler.store.outbox_size()).unsent == 3 * len(papers)
    agents = [one.headers["user-agent"] for one in publishers.requests]
    assert all(WHO.fullmatch(agent) for agent in agents)


async def test_robots_txt_is_asked_for_once_a_day(
    publishers: Publishers, scheduler: Scheduler, clock: FakeClock
) -> None:
    paper = Paper(publishers, "127.7.1.1", text(b"User-agent: *\nAllow: /"), period=4 * HOUR)
    await scheduler.store.declare([paper.source()], clock.now())
    await scheduler.run(3 * DAY)
    robots, pages = paper.asked()
    assert robots in (3, 4)
    assert pages >= 18
    read = publishers.requests[0].at
    for request in publishers.requests:
        if request.target == "/robots.txt":
            read = request.at
        elif request.target != "/feed":
            assert request.at - read < timedelta(days=1)


async def test_a_crawl_delay_is_kept_between_all_requests_after_it_is_known(
    publishers: Publishers, scheduler: Scheduler, clock: FakeClock
) -> None:
    robots = text(b"User-agent: *\nCrawl-delay: 10\n")
    paper = Paper(publishers, "127.7.2.1", robots, count=12)
    others = [
        a_feed(f"other {number}", publishers.answer(paper.host, Feed(), f"/other/{number}"))
        for number in range(5)
    ]
    await scheduler.store.declare([paper.source()], clock.now())
    await scheduler.run(20)
    for source in others:  # and feeds of the same host between its pages
        await scheduler.store.add_source(source, clock.now())
    await scheduler.run(HOUR)
    asked = by_host(publishers.requests)[paper.host]
    targets = [request.target for request in asked]
    assert len(targets) >= 1 + 1 + 12 + 5
    known = targets.index("/robots.txt") + 1
    gaps = [b.at - a.at for a, b in pairwise(asked[known:])]
    assert min(gaps) >= timedelta(seconds=10)


@pytest.mark.parametrize(
    ("robots", "polls"),
    [(b"User-agent: *\nCrawl-delay: 10", True), (b"User-agent: *\nDisallow: /front", False)],
)
async def test_a_page_as_a_source_is_asked_for_by_robots_txt(
    publishers: Publishers, scheduler: Scheduler, clock: FakeClock, robots: bytes, polls: bool
) -> None:
    host = "127.7.3.1"
    links = "".join(
        f'<li><a href="/news/{n}-council-of-district-meets-again">Council of district {n} meets'
        " on the new bridge again</a></li>"
        for n in range(20)
    )
    front = f"<html><body><main><ul>{links}</ul></main></body></html>".encode()
    publishers.answer(host, text(robots), "/robots.txt")
    url = publishers.answer(
        host, lambda _: Reply(body=front, headers={"Content-Type": "text/html"}), "/front"
    )
    await scheduler.store.declare([a_feed("front", url, type="page")], clock.now())
    await scheduler.run(30 * HOUR)
    targets = [one.target for one in publishers.requests]
    assert 1 <= targets.count("/robots.txt") <= 2
    assert (targets.count("/front") >= 10) if polls else (targets.count("/front") == 0)
