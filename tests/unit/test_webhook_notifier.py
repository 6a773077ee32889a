"""The webhook notifier against a real receiver."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from monitor.clock import SystemClock
from monitor.errors import Rejected, Unavailable, Unreachable
from monitor.model import Alert, Delivery
from monitor.notifiers.webhook import MAX_BODY, WebhookNotifier, payload
from monitor.outbound import Outbound
from monitor.protocols import Clock
from tests.support.articles import NOW, an_article
from tests.support.clock import FakeClock
from tests.support.receivers import Answer, WebhookReceiver, ledger_rows

KEY = bytes(range(32))
AGENT = "NewsMonitor/1 (+desk)"
LOCAL = (ip_network("127.0.0.0/8"),)
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def a_delivery(**fields: Any) -> Delivery:
    alert = Alert(
        id="alert-1",
        rule="sco-defence",
        rule_name="SCO defence meetings",
        article=an_article(**fields),
        topics=("sco-defence-meetings",),
        raised=NOW,
    )
    return Delivery(id="0b1c", alert=alert, channel="desk")


@asynccontextmanager
async def notifying(
    url: str, clock: Clock | None = None, wait: float = 15.0
) -> AsyncIterator[WebhookNotifier]:
    clock = clock or SystemClock()
    outbound = Outbound(AGENT, clock, LOCAL)
    notifier = WebhookNotifier(url, SECRET, outbound, clock, wait)
    try:
        yield notifier
    finally:
        await notifier.close()  # a session that stays open is a warning, which fails


async def send(receiver: WebhookReceiver, delivery: Delivery, clock: Clock | None = None) -> None:
    async with notifying(receiver.url, clock) as notifier:
        await notifier.send(delivery)


async def test_the_receiver_can_verify_what_it_got() -> None:
    async with WebhookReceiver() as receiver:
        await send(receiver, a_delivery(title="Défense 防衛"))
    (got,) = receiver.received
    message = Webhook(SECRET).verify(got.body, dict(got.headers))
    assert message["type"] == "news.alert.raised"
    assert message["data"]["article"]["title"] == "Défense 防衛"
    assert got.headers["webhook-id"] == "msg_0b1c"
    assert got.headers["User-Agent"] == "NewsMonitor/1 (+desk)"
    assert got.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("part", ["body", "webhook-id", "webhook-timestamp", "webhook-signature"])
async def test_one_changed_byte_fails(part: str) -> None:
    async with WebhookReceiver() as receiver:
        await send(receiver, a_delivery())
    (got,) = receiver.received
    body, headers = got.body, dict(got.headers)
    if part == "body":
        body = body[:-3] + bytes([body[-3] ^ 1]) + body[-2:]
    else:
        # The last but third of a signature: base64's last sign has bits that nobody reads.
        at = -3 if part == "webhook-signature" else -1
        text = headers[part]
        headers[part] = text[:at] + ("0" if text[at] != "0" else "1") + text[at:][1:]
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, headers, json_parse=False)


async def test_the_signature_is_what_the_specification_says() -> None:
    clock = FakeClock()
    async with WebhookReceiver() as receiver:
        await send(receiver, a_delivery(), clock)
    (got,) = receiver.received
    signed = b"msg_0b1c." + str(int(clock.now().timestamp())).encode() + b"." + got.body
    digest = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    assert got.headers["webhook-signature"] == f"v1,{digest}"


async def test_every_attempt_has_the_same_id_and_body_and_its_own_time(tmp_path: Path) -> None:
    clock, ledger = FakeClock(), tmp_path / "ledger"
    async with WebhookReceiver([Answer(500), Answer(204)], ledger=ledger) as receiver:
        with pytest.raises(Unavailable, match="answered 500"):
            await send(receiver, a_delivery(), clock)
        clock.advance(300)
        await send(receiver, replace(a_delivery(), attempt=2), clock)
    first, second = receiver.received
    assert first.body == second.body
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    rows = ledger_rows(ledger)
    assert [row["status"] for row in rows] == [500, 204]
    assert len({(row["id"], row["sha256"]) for row in rows}) == 1


async def test_the_receiver_is_a_process_of_its_own_too(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.receivers", str(ledger), "--answers", "503,204",
        stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.stdout is not None
    async with notifying((await process.stdout.readline()).decode().strip()) as notifier:
        with pytest.raises(Unavailable, match="503"):
            await notifier.send(a_delivery())
        await notifier.send(a_delivery())
    process.terminate()
    assert await process.wait() == 0
    digest = hashlib.sha256(payload(a_delivery().alert)).hexdigest()
    assert [(row["id"], row["sha256"], row["status"]) for row in ledger_rows(ledger)] == [
        ("msg_0b1c", digest, 503),
        ("msg_0b1c", digest, 204),
    ]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_2xx_is_sent(status: int) -> None:
    async with WebhookReceiver([Answer(status)]) as receiver:
        await send(receiver, a_delivery())
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (Answer(429, {"Retry-After": "120"}), 120.0),
        (Answer(503, {"Retry-After": "Mon, 05 Jan 2026 12:10:00 GMT"}), 600.0),
        (Answer(502), None),
        (Answer(504, {"Retry-After": "soon"}), None),
        (Answer(500, {"Retry-After": "120"}), None),
        (Answer(400), None),
        (Answer(404), None),
        (Answer(401), None),
    ],
)
async def test_other_answers_may_work_later(answer: Answer, wait: float | None) -> None:
    async with WebhookReceiver([answer]) as receiver:
        with pytest.raises(Unavailable, match=str(answer.status)) as caught:
            await send(receiver, a_delivery(), FakeClock())
    assert caught.value.retry_after == wait


async def test_410_is_final() -> None:
    async with WebhookReceiver([Answer(410)]) as receiver:
        with pytest.raises(Rejected, match="the receiver says it is gone"):
            await send(receiver, a_delivery())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_failure_and_is_not_followed(status: int) -> None:
    async with WebhookReceiver() as elsewhere:
        answer = Answer(status, {"Location": elsewhere.url})
        async with WebhookReceiver([answer]) as receiver:
            with pytest.raises(Unavailable, match="redirects are not followed"):
                await send(receiver, a_delivery())
    assert elsewhere.received == []


async def test_a_receiver_that_hangs_meets_the_deadline() -> None:
    async with (
        WebhookReceiver([Answer(hangs=True)]) as receiver,
        notifying(receiver.url, wait=0.2) as notifier,
    ):
        with pytest.raises(Unavailable, match=r"took longer than 0\.2 s"):
            await notifier.send(a_delivery())
        await notifier.send(a_delivery())  # and the notifier is as good as before


async def test_headers_that_drip_meet_the_deadline() -> None:
    left = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not reader.at_eof():
            writer.write(b"x: y\r\n")
            with suppress(TimeoutError):  # until the peer hangs up, a line every 20 ms
                await asyncio.wait_for(reader.read(), 0.02)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        left.set()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with notifying(url, wait=0.3) as notifier:
            with pytest.raises(Unavailable, match="took longer than"):
                await notifier.send(a_delivery())
            await left.wait()


async def test_no_receiver_is_told_without_the_path() -> None:
    async with WebhookReceiver() as receiver:
        url = receiver.url
    async with notifying(f"{url}/token-of-the-desk") as notifier:
        with pytest.raises(Unreachable) as caught:
            await notifier.send(a_delivery())
    assert "token-of-the-desk" not in str(caught.value)


async def test_check_reaches_the_receiver_and_sends_no_alert() -> None:
    async with (
        WebhookReceiver([Answer(405), Answer(410)]) as receiver,
        notifying(receiver.url) as notifier,
    ):
        await notifier.check()
        with pytest.raises(Rejected):
            await notifier.check()
    assert [(got.method, got.body) for got in receiver.received] == [("HEAD", b"")] * 2


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("ftp://example.org/", SECRET),
        ("https:///path", SECRET),
        ("https://example.org/", "whsec_short"),
        ("https://example.org/", "whsec_" + "A" * 33),
        ("https://example.org/", SECRET.removeprefix("whsec_")),
    ],
)
def test_what_cannot_work_is_refused_at_once(url: str, secret: str) -> None:
    with pytest.raises(Rejected) as caught:
        WebhookNotifier(url, secret, Outbound("agent", SystemClock()), SystemClock())
    assert secret not in str(caught.value)


def test_the_payload_in_full() -> None:
    delivery = a_delivery(
        title="SCO meets",
        summary="Ministers met.",
        body="The ministers\n\nmet on Friday.",
        published=datetime(2024, 4, 26, 6, 3, tzinfo=UTC),
        language="en",
        place="Astana",
        replayed=True,
    )
    assert json.loads(payload(delivery.alert)) == {
        "type": "news.alert.raised",
        "timestamp": "2026-03-01T12:00:00Z",
        "data": {
            "alert": "alert-1",
            "rule": {"id": "sco-defence", "name": "SCO defence meetings"},
            "topics": ["sco-defence-meetings"],
            "article": {
                "id": "a1",
                "title": "SCO meets",
                "url": "https://news.example/a1",
                "source": "wire",
                "published": "2024-04-26T06:03:00Z",
                "summary": "Ministers met.",
                "excerpt": "The ministers met on Friday.",
                "language": "en",
                "place": "Astana",
                "replayed": True,
            },
        },
    }


@pytest.mark.parametrize("sign", ["a ", "ж", "防", "😀", '"', "\x01", "\ud800", "\n"])
def test_the_payload_is_small_whatever_the_article_holds(sign: str) -> None:
    long = sign * 100_000
    delivery = a_delivery(title=long, summary=long, body=long, place=long, language=long)
    body = payload(delivery.alert)
    assert len(body) <= MAX_BODY
    assert json.loads(body)["data"]["article"]["published"] is None


def test_a_payload_that_cannot_be_small_is_refused() -> None:
    alert = replace(a_delivery().alert, topics=tuple(f"topic-{n}" for n in range(5_000)))
    with pytest.raises(Rejected, match="alert-1"):
        payload(alert)


async def test_a_private_receiver_is_refused_unless_it_is_allowed() -> None:
    async with WebhookReceiver() as receiver:
        clock = SystemClock()
        outbound = Outbound(AGENT, clock)
        notifier = WebhookNotifier(receiver.url, SECRET, outbound, clock)
        with pytest.raises(Rejected, match=r"a loopback address.*MONITOR_PRIVATE_NETWORKS"):
            await notifier.send(a_delivery())
        await outbound.close()
    assert receiver.received == []
