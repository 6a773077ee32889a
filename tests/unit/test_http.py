"""The HTTP fetcher, against a real server."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import Rejected, Unavailable
from monitor.model import (
    Condition,
    Document,
    Memory,
    NotModified,
    PollNote,
    Source,
    SourceState,
)
from monitor.outbound import Outbound
from monitor.sources.http import MAX_BYTES, HttpFetcher, max_age
from tests.support.clock import START, FakeClock
from tests.support.feedserver import Answer, FeedServer, Item

LOCAL = (ip_network("127.0.0.0/8"),)
USER_AGENT = "newsmonitor/0.1 (+https://monitor.example; desk@monitor.example)"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[FeedServer]:
    async with FeedServer(ledger=tmp_path / "ledger.jsonl") as server:
        server.add("wire", Item("g1", "Harbour reopens"))
        yield server


@pytest.fixture
async def fetcher() -> AsyncIterator[HttpFetcher]:
    async with fetching(deadline=5.0) as fetcher:
        yield fetcher


@asynccontextmanager
async def fetching(
    *, deadline: float = 30.0, max_bytes: int = MAX_BYTES
) -> AsyncIterator[HttpFetcher]:
    clock = FakeClock()
    fetcher = HttpFetcher(Outbound(USER_AGENT, clock, LOCAL, deadline=deadline), clock, max_bytes)
    yield fetcher
    await fetcher.close()


def state_of(url: str, *, etag: str = "", body_hash: str = "") -> SourceState:
    source = Source(name="wire", type="feed", location=url)
    memory = Memory(etag=etag, body_hash=body_hash)
    return SourceState(source=source, next_poll_at=START, memory=memory)


def after(state: SourceState, answer: Document | NotModified) -> SourceState:
    """Return the state that a recorded poll leaves behind."""
    memory = replace(
        state.memory,
        etag=answer.etag,
        last_modified=answer.last_modified,
        body_hash=answer.body_hash,
        wire_hash=answer.wire_hash,
    )
    return replace(state, memory=memory)


async def test_the_first_request_is_unconditional_and_says_who_asks(
    server: FeedServer, fetcher: HttpFetcher
) -> None:
    answer = await fetcher.fetch(state_of(server.url("wire")))
    assert isinstance(answer, Document)
    assert answer.body == server.body("wire")
    assert answer.content_type == "application/rss+xml"
    assert (answer.url, answer.fetched) == (server.url("wire"), START)
    headers = server.asked[0].headers
    assert headers["user-agent"] == USER_AGENT
    assert headers["accept-encoding"] == "gzip, deflate"
    assert not {"if-none-match", "if-modified-since", "cookie", "referer"} & headers.keys()


async def test_validators_go_back_byte_for_byte_and_end_in_not_modified(
    server: FeedServer, fetcher: HttpFetcher
) -> None:
    first = state_of(server.url("wire"))
    second = after(first, await fetcher.fetch(first))
    answer = await fetcher.fetch(second)
    assert isinstance(answer, NotModified)
    assert after(second, answer) == second
    headers = server.asked[1].headers
    assert headers["if-none-match"] == second.memory.etag
    assert headers["if-modified-since"] == second.memory.last_modified
    server.add("wire", Item("g2", "Bridge closes"))
    assert isinstance(await fetcher.fetch(second), Document)


async def test_weak_and_odd_validators_are_not_touched(
    server: FeedServer, fetcher: HttpFetcher
) -> None:
    odd = {"ETag": 'W/"a b,\\c"', "Last-Modified": "yesterday, about noon"}
    server.script("wire", Answer(headers=odd), Answer(status=304))
    state = state_of(server.url("wire"))
    state = after(state, await fetcher.fetch(state))
    answer = await fetcher.fetch(state)
    assert server.asked[1].headers["if-none-match"] == odd["ETag"]
    assert server.asked[1].headers["if-modified-since"] == odd["Last-Modified"]
    # A 304 without validators leaves those that were asked with.
    assert (answer.etag, answer.last_modified) == (odd["ETag"], odd["Last-Modified"])


async def test_a_304_may_bring_new_validators(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.script("wire", Answer(status=304, headers={"ETag": '"new"'}))
    answer = await fetcher.fetch(state_of(server.url("wire"), etag='"old"', body_hash="hash"))
    assert answer == NotModified(etag='"new"', last_modified="", body_hash="hash")


async def test_the_same_body_again_is_not_modified(
    server: FeedServer, fetcher: HttpFetcher
) -> None:
    server.script("wire", Answer(), Answer(headers={"ETag": '"2"'}))
    state = state_of(server.url("wire"))
    state = after(state, await fetcher.fetch(state))
    answer = await fetcher.fetch(state)
    assert isinstance(answer, NotModified)
    assert (answer.etag, answer.body_hash) == ('"2"', state.memory.body_hash)
    assert (answer.status, answer.size) == (200, len(server.body("wire")))


def zipped(body: bytes, level: int = 6) -> Answer:
    return Answer(headers={"Content-Encoding": "gzip"}, body=gzip.compress(body, level))


async def test_a_body_is_decoded_only_where_it_came_otherwise(
    server: FeedServer, fetcher: HttpFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = b"<rss>" + b"old" * 1_000, b"<rss>" + b"new" * 1_000
    server.script("wire", zipped(old), zipped(old), zipped(old, level=1), zipped(new))
    state = state_of(server.url("wire"))
    state = after(state, await fetcher.fetch(state))
    with monkeypatch.context() as patch:
        patch.delattr("monitor.outbound.body.zlib.decompressobj")
        again = await fetcher.fetch(state)
    assert isinstance(again, NotModified)
    assert (again.body_hash, again.status) == (state.memory.body_hash, 200)
    state = after(state, again)
    packed_otherwise = await fetcher.fetch(state)
    assert isinstance(packed_otherwise, NotModified)
    assert packed_otherwise.wire_hash != again.wire_hash
    changed = await fetcher.fetch(after(state, packed_otherwise))
    assert isinstance(changed, Document)
    assert changed.body == new


async def test_limits_hold_for_a_body_that_is_decoded_late(server: FeedServer) -> None:
    server.script("wire", zipped(b"news"), zipped(b"\0" * 2_000), zipped(b"\0" * 20_000_000))
    state = state_of(server.url("wire"))
    async with fetching(max_bytes=1_000) as fetcher:
        state = after(state, await fetcher.fetch(state))
        for _ in range(2):
            with pytest.raises(Rejected, match="sent more than 1000 bytes"):
                await fetcher.fetch(state)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (404, "127.0.0.1 answered 404 Not Found"),
        (410, "127.0.0.1 answered 410 Gone"),
        (403, "127.0.0.1 answered 403 Forbidden"),
        (500, "127.0.0.1 answered 500 Internal Server Error"),
        (204, "127.0.0.1 answered 204 No Content"),
    ],
)
async def test_other_statuses_are_unavailable(
    server: FeedServer, fetcher: HttpFetcher, status: int, sentence: str
) -> None:
    server.script("wire", Answer(status=status, body=b""))
    with pytest.raises(Unavailable) as failure:
        await fetcher.fetch(state_of(server.url("wire")))
    assert str(failure.value) == sentence
    assert failure.value.retry_after is None


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("120", 120.0),
        (format_datetime(START + timedelta(days=2), usegmt=True), 172_800.0),
        (format_datetime(START - timedelta(days=2), usegmt=True), 0.0),
        ("99999999999999", 7 * 86_400.0),
        ("soon", None),
        ("-5", None),
    ],
)
async def test_retry_after_is_seconds_or_a_date(
    server: FeedServer, fetcher: HttpFetcher, retry_after: str, seconds: float | None
) -> None:
    server.script("wire", Answer(status=503, headers={"Retry-After": retry_after}))
    with pytest.raises(Unavailable, match="answered 503") as failure:
        await fetcher.fetch(state_of(server.url("wire")))
    assert failure.value.retry_after == seconds


async def test_redirects_are_followed_five_times(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.script("hop", *[Answer(status=301, headers={"Location": server.url("hop")})] * 4)
    server.script("hop", Answer(status=302, headers={"Location": server.url("wire")}))
    answer = await fetcher.fetch(state_of(server.url("hop")))
    assert isinstance(answer, Document)
    assert answer.url == server.url("wire")
    assert len(server.asked) == 6
    assert "referer" not in server.asked[-1].headers
    server.script("hop", *[Answer(status=301, headers={"Location": server.url("hop")})] * 9)
    with pytest.raises(Unavailable, match="redirects more than 5 times"):
        await fetcher.fetch(state_of(server.url("hop")))


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://"])
async def test_redirects_lead_to_http_only(
    server: FeedServer, fetcher: HttpFetcher, target: str
) -> None:
    server.script("wire", Answer(status=302, headers={"Location": target}))
    with pytest.raises(Unavailable, match="not http or https"):
        await fetcher.fetch(state_of(server.url("wire")))


async def test_a_cut_body_is_unavailable(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.script("wire", Answer(headers={"ETag": '"cut"'}, cut=40))
    with pytest.raises(Unavailable, match="was cut off"):
        await fetcher.fetch(state_of(server.url("wire")))
    assert server.sent() == set()


async def test_a_slow_body_ends_at_the_deadline(server: FeedServer) -> None:
    server.script("wire", Answer(body=b"x" * 10_000, drip=0.01))
    async with fetching(deadline=0.2) as fetcher:
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1 took longer than 0\.2 s"):
            await fetcher.fetch(state_of(server.url("wire")))


async def test_too_large_bodies_are_rejected(server: FeedServer) -> None:
    bomb = gzip.compress(b"\0" * 20_000_000)
    server.script("wire", Answer(headers={"Content-Encoding": "gzip"}, body=bomb))
    server.script("wire", Answer(body=b"x" * 1_001))
    async with fetching(max_bytes=1_000) as fetcher:
        for _ in range(2):
            with pytest.raises(Rejected, match=r"127\.0\.0\.1 sent more than 1000 bytes"):
                await fetcher.fetch(state_of(server.url("wire")))


async def test_gzip_is_read_and_other_encodings_are_not(
    server: FeedServer, fetcher: HttpFetcher
) -> None:
    server.script(
        "wire",
        Answer(headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"<rss/>")),
        Answer(headers={"Content-Encoding": "br"}, body=b"whatever"),
    )
    answer = await fetcher.fetch(state_of(server.url("wire")))
    assert isinstance(answer, Document)
    assert answer.body == b"<rss/>"
    with pytest.raises(Unavailable, match=r"sent the coding 'br', for which nobody asked"):
        await fetcher.fetch(state_of(server.url("wire")))


async def test_one_request_at_a_time_to_a_host(server: FeedServer, fetcher: HttpFetcher) -> None:
    urls = [server.url(f"feed{number}") for number in range(8)]
    await asyncio.gather(*[fetcher.fetch(state_of(url)) for url in urls])
    assert (len(server.asked), server.busiest) == (8, 1)


async def test_waiting_for_a_turn_does_not_count(server: FeedServer) -> None:
    async with fetching(deadline=0.5) as fetcher:
        slow = [Answer(body=b"x" * 10_000, drip=0.01)] * 3
        server.script("wire", *slow)
        polls = [fetcher.fetch(state_of(server.url("wire"))) for _ in range(4)]
        answers = await asyncio.gather(*polls, return_exceptions=True)
    # Three take all their time, and the fourth still has its own.
    assert [isinstance(answer, Unavailable) for answer in answers] == [True, True, True, False]


async def test_nobody_there(fetcher: HttpFetcher, unused_tcp_port: int) -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 cannot be reached"):
        await fetcher.fetch(state_of(f"http://127.0.0.1:{unused_tcp_port}/feed"))
    with pytest.raises(Unavailable, match=r"name nowhere\.invalid cannot be resolved"):
        await fetcher.fetch(state_of("http://nowhere.invalid/feed"))


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "feed.xml", "http:///feed", "http://[::1", ""]
)
async def test_other_addresses_are_rejected(fetcher: HttpFetcher, location: str) -> None:
    with pytest.raises(Rejected, match="not an http or https address"):
        await fetcher.fetch(state_of(location))


async def test_cookies_are_not_kept(server: FeedServer, fetcher: HttpFetcher) -> None:
    server.script("wire", Answer(headers={"Set-Cookie": "id=1"}))
    for _ in range(2):
        await fetcher.fetch(state_of(server.url("wire")))
    assert "cookie" not in server.asked[1].headers


async def test_the_ledger_holds_what_was_sent(
    server: FeedServer, fetcher: HttpFetcher, tmp_path: Path
) -> None:
    await fetcher.fetch(state_of(server.url("wire")))
    await fetcher.fetch(state_of(server.url("wire")))
    assert server.sent() == {("wire", "g1")}
    assert len((tmp_path / "ledger.jsonl").read_text().splitlines()) == 1


async def test_a_server_that_ignores_validators_is_not_sent_any(
    server: FeedServer, fetcher: HttpFetcher
) -> None:
    state = state_of(server.url("wire"), etag='"1"')
    ignored = replace(state, memory=replace(state.memory, ignores_validators=True))
    await fetcher.fetch(ignored)
    await fetcher.fetch(state)
    assert ["if-none-match" in asked.headers for asked in server.asked] == [False, True]


@pytest.mark.parametrize(
    ("statuses", "hours", "fields", "asked"),
    [
        ([304] * 30, 1, {}, False),
        ([304] * 29, 1, {}, True),
        ([304] * 29 + [200], 1, {}, True),
        ([304] * 30, 0.5, {}, True),
        ([304] * 30, 1, {"last_new_at": START - timedelta(days=2)}, True),
        ([304] * 30, 1, {"last_new_at": START - timedelta(days=4)}, False),
        ([200, 304, 304], 13, {"condition": Condition.SILENT}, False),
        ([200, 304, 304], 11, {"condition": Condition.SILENT}, True),
        ([304, 304, 200], 13, {"condition": Condition.SILENT}, True),
    ],
)
async def test_that_nothing_ever_changes_is_not_believed_for_good(
    server: FeedServer,
    fetcher: HttpFetcher,
    statuses: list[int],
    hours: float,
    fields: dict[str, Any],
    asked: bool,
) -> None:
    ages = range(len(statuses), 0, -1)
    notes = tuple(
        PollNote(at=START - timedelta(hours=hours * age), outcome="", status=status).pack()
        for age, status in zip(ages, statuses, strict=True)
    )
    state = state_of(server.url("wire"), etag='"1"')
    memory = replace(state.memory, polls=notes, **fields)
    await fetcher.fetch(replace(state, memory=memory))
    assert ("if-none-match" in server.asked[0].headers) is asked


async def test_a_304_that_nobody_asked_for_is_no_answer(
    server: FeedServer, fetcher: HttpFetcher
) -> None:
    server.script("wire", Answer(status=304))
    with pytest.raises(Unavailable, match="answered 304"):
        await fetcher.fetch(state_of(server.url("wire")))


@pytest.mark.parametrize(
    ("headers", "etag"),
    [
        ({"Expires": "0"}, ""),
        ({"Expires": "-1", "Cache-Control": "no-cache"}, ""),
        ({"Expires": "0", "Cache-Control": "max-age=60"}, '"1"'),
        ({"Expires": format_datetime(START, usegmt=True)}, '"1"'),
    ],
)
async def test_validators_of_an_answer_that_is_never_to_be_kept_are_not(
    server: FeedServer, fetcher: HttpFetcher, headers: dict[str, str], etag: str
) -> None:
    server.script("wire", Answer(headers={"ETag": '"1"', **headers}))
    assert (await fetcher.fetch(state_of(server.url("wire")))).etag == etag


async def test_a_source_may_have_its_own_user_agent_and_a_chosen_address(
    server: FeedServer, fetcher: HttpFetcher
) -> None:
    state = state_of("https://site.example/")
    state = replace(
        state,
        source=replace(state.source, user_agent="Reader/2"),
        memory=replace(state.memory, chosen_location=server.url("wire")),
    )
    assert isinstance(await fetcher.fetch(state), Document)
    assert server.asked[0].headers["user-agent"] == "Reader/2"


async def test_only_permanent_redirects_move_a_source(
    server: FeedServer, fetcher: HttpFetcher
) -> None:
    target = {"Location": "/feeds/wire.xml"}
    server.script("old", Answer(status=301, headers=target), Answer(status=302, headers=target))
    server.script("older", Answer(status=308, headers={"Location": server.url("old")}))
    moved = await fetcher.fetch(state_of(server.url("older")))
    assert (moved.moved_to, moved.status) == (server.url("wire"), 200)
    assert (await fetcher.fetch(state_of(server.url("old")))).moved_to == ""
    assert (await fetcher.fetch(state_of(server.url("wire")))).moved_to == ""


async def test_any_address_can_be_got(server: FeedServer, fetcher: HttpFetcher) -> None:
    document = await fetcher.get(server.url("wire"), user_agent="Reader/2")
    assert document.body == server.body("wire")
    asked = server.asked[0].headers
    assert (asked["user-agent"], "if-none-match" in asked) == ("Reader/2", False)
    with pytest.raises(Rejected, match="more than 10 bytes"):
        await fetcher.get(server.url("wire"), max_bytes=10)
    server.script("wire", Answer(status=404))
    with pytest.raises(Unavailable) as failure:
        await fetcher.get(server.url("wire"))
    assert failure.value.status == 404


DATE = format_datetime(START, usegmt=True)
LATER = format_datetime(START + timedelta(hours=2), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"Cache-Control": "public, max-age=600"}, 600),
        ({"Cache-Control": 'MAX-AGE="600"'}, 600),
        ({"Cache-Control": "s-maxage=600"}, 0),
        ({"Cache-Control": "max-age=600, no-cache"}, 0),
        ({"Cache-Control": "no-store", "Expires": LATER}, 0),
        ({"Cache-Control": "max-age=600", "Expires": LATER}, 600),
        ({"Cache-Control": "max-age=600", "Age": "500"}, 100),
        ({"Cache-Control": "max-age=99999999999"}, 31 * 86_400),
        ({"Expires": LATER, "Date": DATE}, 7_200),
        ({"Expires": LATER}, 7_200),
        ({"Expires": DATE, "Date": LATER}, 0),
        ({"Expires": "0"}, 0),
        ({"Expires": "soon"}, 0),
    ],
)
def test_max_age(headers: dict[str, str], seconds: int) -> None:
    assert max_age(headers, START) == seconds
