"""The door to the outside, against real servers that mean no good."""

from __future__ import annotations

import asyncio
import gzip
import os
import time
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from email.utils import format_datetime
from ipaddress import ip_address, ip_network
from itertools import pairwise

import psutil
import pytest

from monitor.errors import MonitorError, Rejected, Unavailable, Unreachable
from monitor.outbound import Outbound, client, retry_after
from monitor.outbound.addresses import PORTS, refusal
from monitor.outbound.connections import Lookup, system_lookup
from monitor.outbound.pace import Pace
from monitor.telemetry import REGISTRY
from tests.support.clock import START, FakeClock
from tests.support.hostile_server import HostileServer, drips, sends, silence

LOCAL = "127.0.0.0/8"
MOST = 10 * 1024 * 1024
OK = b"HTTP/1.1 200 OK\r\n"


@asynccontextmanager
async def door(
    *private: str,
    clock: FakeClock | None = None,
    deadline: float = 30.0,
    lookup: Lookup = system_lookup,
) -> AsyncIterator[Outbound]:
    networks = [ip_network(text) for text in private]
    outbound = Outbound(
        "newsmonitor/1 (+desk)", clock or FakeClock(), networks, deadline=deadline, lookup=lookup
    )
    try:
        yield outbound
    finally:
        await outbound.close()


def blocked() -> float:
    return REGISTRY.get_sample_value("newsmonitor_ssrf_blocked_total") or 0.0


BAD = (
    *("0.0.0.1", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254"),
    *("169.254.1.1", "169.254.169.254", "172.16.0.1", "192.0.0.1", "192.0.2.1", "192.88.99.1"),
    *("192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1"),
    *("255.255.255.255", "100.100.100.200", "168.63.129.16", "::", "::1", "::127.0.0.1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:2::1", "2001:db8::1", "2002:7f00:1::", "3fff::1"),
    *("fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "5f00::1"),
)


@pytest.mark.parametrize("address", BAD)
def test_bad_addresses_are_refused(address: str) -> None:
    assert refusal(address, 80)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "2a00:1450::5", "::ffff:8.8.8.8"]
)
def test_public_addresses_are_asked_at_the_ports_of_http(address: str) -> None:
    assert {port for port in range(1, 10_000) if not refusal(address, port)} == PORTS


def test_what_is_not_global_is_refused_whatever_the_list_says() -> None:
    for number in range(0, 2**32, 2**32 // 50_021):
        address = ip_address(number)
        assert refusal(str(address), 80) or address.is_global


def test_private_networks_open_only_themselves() -> None:
    private = [ip_network("10.1.0.0/16"), ip_network("169.254.0.0/16"), ip_network("fd00::/8")]
    assert [refusal(text, 9_000, private) for text in ("10.1.2.3", "::ffff:10.1.2.3")] == ["", ""]
    assert refusal("10.2.2.3", 80, private) == "a private address"
    assert refusal("127.0.0.1", 80, private) == "a loopback address"
    for metadata in ("169.254.169.254", "fd00:ec2::254"):
        assert refusal(metadata, 80, private) == "the address of a cloud's metadata"
        assert refusal(metadata, 80, [ip_network(metadata)]) == ""


SPELLINGS = (
    *("127.0.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.1"),
    *("１２７.０.０.１", "①②⑦.⓪.⓪.①", "[::ffff:127.0.0.1]", "[::127.0.0.1]"),
    *("[64:ff9b::7f00:1]", "127.0.0.1.", "localhost", "LOCALHOST.", "user:s3cret@127.0.0.1"),
    *("news.example@127.0.0.1", "%31%32%37.0.0.1", "0"),
)


@pytest.mark.parametrize("host", SPELLINGS)
async def test_no_spelling_of_this_machine_reaches_it(host: str) -> None:
    async with HostileServer(sends(b"")) as canary, door() as outbound:
        with pytest.raises(MonitorError) as caught:
            await outbound.request("GET", f"http://{host}:{canary.port}/", max_bytes=MOST)
        assert canary.hits == 0
    assert isinstance(caught.value, Rejected | Unreachable)
    assert "s3cret" not in str(caught.value)


async def test_a_refusal_names_the_host_the_kind_and_the_cure_and_is_counted() -> None:
    before = blocked()
    async with HostileServer(sends(b"")) as canary, door() as outbound:
        with pytest.raises(Rejected) as caught:
            await outbound.request("GET", f"http://localhost:{canary.port}/", max_bytes=MOST)
    assert str(caught.value) == (
        "localhost leads to a loopback address, which is not asked: where that is meant, name its"
        " network in MONITOR_PRIVATE_NETWORKS"
    )
    assert blocked() == before + 1


async def test_one_bad_address_of_a_name_is_enough() -> None:
    def both(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.2", "127.0.0.1"]

    async with (
        HostileServer(sends(b"")) as canary,
        HostileServer(sends(b""), "127.0.0.2", canary.port) as good,
        door("127.0.0.2/32", lookup=both) as outbound,
    ):
        with pytest.raises(Rejected, match="a loopback address"):
            await outbound.request("GET", f"http://two.example:{good.port}/", max_bytes=MOST)
        assert (canary.hits, good.hits) == (0, 0)


async def test_a_name_that_changes_its_address_leads_nowhere() -> None:
    answers = ["127.0.0.2", "127.0.0.1", "127.0.0.1"]

    def rebinding(_host: str, _port: int) -> Sequence[str]:
        return [answers.pop(0)]

    async with (
        HostileServer(sends(b"")) as canary,
        HostileServer(sends(b"one"), "127.0.0.2", canary.port) as good,
        door("127.0.0.2/32", lookup=rebinding) as outbound,
    ):
        url = f"http://rebinding.example:{good.port}/"
        assert (await outbound.request("GET", url, max_bytes=MOST)).body == b"one"
        assert len(answers) == 2  # one look-up for a request: what was checked is what is asked
        for _ in range(2):
            with pytest.raises(Rejected, match="a loopback address"):
                await outbound.request("GET", url, max_bytes=MOST)
        assert (canary.hits, good.hits) == (0, 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_a_redirect_to_what_is_private_is_refused(host: str) -> None:
    async with HostileServer(sends(b"")) as canary:
        location = f"Location: http://{host}:{canary.port}/"
        redirect = sends(b"", location, status="302 Found")
        async with (
            HostileServer(redirect, "127.0.0.2") as public,
            door("127.0.0.2/32") as outbound,
        ):
            with pytest.raises(Rejected, match="a loopback address"):
                await outbound.request("GET", public.url, max_bytes=MOST)
            assert (public.hits, canary.hits) == (1, 0)


async def test_a_redirect_with_a_password_is_refused() -> None:
    redirect = sends(b"", "Location: http://u:s3cret@127.0.0.1/", status="302 Found")
    async with HostileServer(redirect) as server, door(LOCAL) as outbound:
        with pytest.raises(Rejected, match="take it out") as caught:
            await outbound.request("GET", server.url, max_bytes=MOST)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(("status", "method"), [("301 x", "GET"), ("307 x", "POST")])
async def test_another_origin_gets_no_credentials(status: str, method: str) -> None:
    async with HostileServer(sends(b"ok"), "127.0.0.2") as other:
        redirect = sends(b"", f"Location: {other.url}", status=status)
        async with HostileServer(redirect) as server, door(LOCAL) as outbound:
            answer = await outbound.request(
                "POST",
                server.url,
                headers={"Authorization": "Bearer 1", "Cookie": "a=1", "Content-Type": "text/x"},
                body=b"word",
                max_bytes=MOST,
            )
    assert (answer.url, answer.moved_to) == (other.url, other.url if method == "GET" else "")
    first, second = server.requests[0].lower(), other.requests[0].lower()
    assert "authorization: bearer 1" in first
    assert "cookie: a=1" in first
    assert not [name for name in ("authorization", "cookie", "referer") if name in second]
    assert second.startswith(method.lower())
    assert ("content-type: text/x" in second) == (method == "POST")


def members(count: int) -> bytes:
    return gzip.compress(b"") * count


ZEROS = zlib.compressobj(9, wbits=31)
BOMB = b"".join([ZEROS.compress(bytes(1 << 20)) for _ in range(500)]) + ZEROS.flush()
BOMBS = {
    "brotli": ("br", b"\x5b" * 809),
    "zstd": ("zstd", b"\x28\xb5\x2f\xfd" + bytes(16_000)),
    "gzip in gzip": ("gzip, gzip", gzip.compress(BOMB)),
    "gzip": ("gzip", BOMB),
    "members": ("gzip", members(50_000)),
    "deflate": ("deflate", zlib.compress(bytes(50 << 20))),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_bombs_cost_little(name: str) -> None:
    coding, body = BOMBS[name]
    script = sends(body, f"Content-Encoding: {coding}")
    async with HostileServer(script) as server, door(LOCAL) as outbound:
        before, started = psutil.Process().memory_info().rss, time.monotonic()
        with pytest.raises(MonitorError, match=r"nobody asked|swells|more than"):
            await outbound.request("GET", server.url, max_bytes=MOST)
        assert time.monotonic() - started < 10
        assert psutil.Process().memory_info().rss - before < 50 << 20
        await server.quiet.wait()  # and the connection is closed


PAGE = b"".join(b"line %d of a page\n" % number for number in range(100_000))


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(PAGE)),
        ("x-gzip", gzip.compress(PAGE[:9]) + gzip.compress(PAGE[9:])),
        ("gzip", gzip.compress(PAGE) + bytes(100)),
        ("deflate", zlib.compress(PAGE)),
        ("deflate", zlib.compress(PAGE)[2:-4]),
        ("identity", PAGE),
    ],
)
async def test_bodies_are_decoded_whole(coding: str, body: bytes) -> None:
    script = sends(body, f"Content-Encoding: {coding}")
    async with HostileServer(script) as server, door(LOCAL) as outbound:
        answer = await outbound.request("GET", server.url, max_bytes=MOST)
    assert (answer.body == PAGE, answer.size) == (True, len(body))


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("length", [True, False])
async def test_a_coded_body_that_ends_too_soon_is_an_error(coding: str, length: bool) -> None:
    whole = gzip.compress(PAGE) if coding == "gzip" else zlib.compress(PAGE)
    script = sends(whole[:-20], f"Content-Encoding: {coding}", length=length)
    async with HostileServer(script) as server, door(LOCAL) as outbound:
        with pytest.raises(Unavailable, match="was cut off"):
            await outbound.request("GET", server.url, max_bytes=MOST)


async def test_nonsense_instead_of_gzip_is_unavailable() -> None:
    script = sends(PAGE[:500], "Content-Encoding: gzip")
    async with HostileServer(script) as server, door(LOCAL) as outbound:
        with pytest.raises(Unavailable, match="gzip that cannot be read"):
            await outbound.request("GET", server.url, max_bytes=MOST)


async def test_an_endless_body_ends_at_the_cap_and_its_connection_is_closed() -> None:
    endless = drips(OK + b"\r\n", b"x" * 65_536, 0)
    async with HostileServer(endless) as server, door(LOCAL) as outbound:
        with pytest.raises(Rejected, match="more than 1000000 bytes"):
            await outbound.request("GET", server.url, max_bytes=1_000_000)
        await server.quiet.wait()


FULL = os.environ.get("MONITOR_TEST_FULL") == "1"
DEADLINE = 30.0 if FULL else 1.0
DRIPS = {
    "body": drips(OK + b"Content-Length: 99999\r\n\r\n", b"x"),
    "header": drips(OK, b"a: b\r\n", 0.05),
    "chunks": drips(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "silence": silence,
}


@pytest.mark.parametrize("name", DRIPS)
async def test_fifty_slow_servers_end_at_the_deadline_and_hinder_nobody(name: str) -> None:
    async with (
        HostileServer(DRIPS[name]) as slow,
        HostileServer(sends(b"news"), "127.0.0.2") as good,
        door(LOCAL, deadline=DEADLINE) as outbound,
    ):
        started = time.monotonic()
        asking = asyncio.gather(
            *(outbound.request("GET", slow.url, max_bytes=MOST, polite=False) for _ in range(50)),
            return_exceptions=True,
        )
        assert (await outbound.request("GET", good.url, max_bytes=MOST)).body == b"news"
        for ended in await asking:
            assert isinstance(ended, Unavailable)
            # In 30 s the rate is seen to be too low before.
            assert f"took longer than {DEADLINE:g} s" in str(ended) or FULL
        took = time.monotonic() - started
        assert took < DEADLINE + 5.0
        assert took >= DEADLINE or FULL
        await slow.quiet.wait()


async def test_headers_without_end_are_refused() -> None:
    for flood in (b"a: " + b"x" * 9_000 + b"\r\n", b"a: b\r\n" * 200):
        async with HostileServer(drips(OK, flood)) as server, door(LOCAL) as outbound:
            with pytest.raises(Unavailable, match="cannot be read"):
                await outbound.request("GET", server.url, max_bytes=MOST)


async def test_a_body_must_come_at_some_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PATIENCE", 0.3)
    async with HostileServer(DRIPS["body"]) as server, door(LOCAL) as outbound:
        with pytest.raises(Unavailable, match="fewer than 1024 bytes a second"):
            await outbound.request("GET", server.url, max_bytes=MOST)


async def test_a_server_that_hangs_up_is_unavailable() -> None:
    async def hangs_up(_writer: asyncio.StreamWriter) -> None:
        return

    async with HostileServer(hangs_up) as server, door(LOCAL) as outbound:
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1 closed the connection"):
            await outbound.request("GET", server.url, max_bytes=MOST)


async def test_fifty_requests_to_a_domain_go_one_by_one_two_seconds_apart() -> None:
    clock = FakeClock()
    pace = Pace(clock, 2.0)
    started: list[tuple[int, float]] = []
    inside = 0

    async def ask(number: int) -> None:
        nonlocal inside
        async with pace.turn("news.example"):
            inside += 1
            started.append((number, clock.monotonic()))
            await asyncio.sleep(0)
            assert inside == 1
            inside -= 1

    await asyncio.gather(*(ask(number) for number in range(50)))
    assert [number for number, _ in started] == list(range(50))
    assert all(after - before >= 2.0 for (_, before), (_, after) in pairwise(started))


async def test_a_redirect_to_another_domain_waits_for_its_turn_there() -> None:
    clock = FakeClock()
    async with HostileServer(sends(b"ok"), "127.0.0.2") as other:
        redirect = sends(b"", f"Location: {other.url}", status="302 Found")
        async with HostileServer(redirect) as server, door(LOCAL, clock=clock) as outbound:
            await outbound.request("GET", other.url, max_bytes=MOST)
            assert clock.slept == []
            await outbound.request("GET", server.url, max_bytes=MOST)
            assert clock.slept == [2.0]


async def test_idle_domains_are_forgotten() -> None:
    clock = FakeClock()
    pace = Pace(clock, 2.0)
    for number in range(1_000):
        async with pace.turn(f"host{number}.example"):
            clock.advance(0.5)
    assert len(pace) <= 5
    clock.advance(2)
    async with pace.turn("last.example"):
        clock.advance(2)
    assert len(pace) == 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("0", 0.0),
        (" 30 ", 30.0),
        ("-5", None),
        ("1.5", None),
        ("9" * 400, 3_600.0),
        (format_datetime(START + timedelta(seconds=30), usegmt=True), 30.0),
        ("Mon, 05 Jan 2026 12:00:30 -0000", 30.0),
        (format_datetime(START - timedelta(seconds=30), usegmt=True), 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3_600.0),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("Fri, 26 Apr", None),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after(text, START, 3_600.0) == seconds
