"""The email notifier against a real mail server."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import subprocess
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import Rejected, Unavailable, Unreachable
from monitor.model import Alert, Delivery
from monitor.notifiers.email import EmailNotifier
from tests.support.articles import NOW, an_article
from tests.support.clock import START, FakeClock
from tests.support.receivers import MailSink

SENDER = "News Monitor <monitor@news.example>"


def a_delivery(rule_name: str = "SCO defence", **fields: Any) -> Delivery:
    alert = Alert(
        id="alert-1",
        rule="sco-defence",
        rule_name=rule_name,
        article=an_article(**fields),
        topics=("sco-defence-meetings", "asia"),
        raised=NOW,
    )
    return Delivery(id="0b1c", alert=alert, channel="desk")


def a_notifier(
    port: int,
    *,
    scheme: str = "smtp",
    user: str = "",
    to: tuple[str, ...] = ("desk@example.org",),
    wait: float = 30.0,
) -> EmailNotifier:
    return EmailNotifier(f"{scheme}://{user}127.0.0.1:{port}", SENDER, to, FakeClock(), wait)


async def mailed(delivery: Delivery) -> EmailMessage:
    """Return the mail as the server got it, headers decoded."""
    async with MailSink() as sink:
        await a_notifier(sink.port).send(delivery)
    (envelope,) = sink.mails
    assert isinstance(envelope.content, bytes)
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


async def test_the_mail_in_full() -> None:
    message = await mailed(
        a_delivery(title="SCO meets – in Astana", body="The ministers\nmet.", published=NOW)
    )
    assert dict(message.items()) | {"Content-Transfer-Encoding": "", "Content-Type": ""} == {
        "Message-ID": "<0b1c@news.example>",
        "Date": START.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        "From": "News Monitor <monitor@news.example>",
        "To": "desk@example.org",
        "Subject": "[SCO defence] SCO meets – in Astana",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": "",
        "Content-Transfer-Encoding": "",
    }
    assert message.get_content_type() == "text/plain"
    assert message.get_content().splitlines() == [
        "SCO meets – in Astana",
        "",
        "Source: wire",
        "Published: 2026-03-01 12:00 UTC",
        "Found: 2026-03-01 12:00 UTC",
        "Topics: sco-defence-meetings, asia",
        "",
        "The ministers met.",
        "",
        "https://news.example/a1",
        "",
        "Alert alert-1 of the rule SCO defence",
    ]


async def test_a_replayed_article_is_said_to_be_no_news() -> None:
    message = await mailed(a_delivery(title="SCO meets", replayed=True, url=""))
    lines = message.get_content().splitlines()
    assert lines[0] == "(replayed, not news) SCO meets"
    assert "Published: unknown" in lines
    assert "(the article has no address)" in lines


@pytest.mark.parametrize(
    "title",
    [
        "Storm\r\nBcc: all@example.org",
        "Storm\nBcc: all@example.org\n\nbody",
        "Storm\rBcc: all@example.org",
        "Storm\x00\x0b\x0c\x85\u2028Bcc: all@example.org",
        "=?utf-8?q?Storm=0D=0ABcc:_all@example.org?=",
        "Storm\ud800",
        "S" * 5_000,
        "Sturm – " * 200,
    ],
)
async def test_a_title_cannot_add_a_header(title: str) -> None:
    message = await mailed(a_delivery(title=title, rule_name=title))
    assert [name.lower() for name in message] == [
        "message-id", "date", "from", "to", "subject", "auto-submitted",
        "content-type", "content-transfer-encoding", "mime-version",
    ]  # fmt: skip
    assert message["Bcc"] is None
    assert len(message["Subject"]) < 250


@pytest.mark.parametrize("body", ["x" * 100_000, "防" * 100_000, "a\n.\nb\r\n.\r\n", "\x00\ud800"])
async def test_any_text_can_be_mailed(body: str) -> None:
    message = await mailed(a_delivery(body=body))
    assert "https://news.example/a1" in message.get_content()
    assert len(message.get_content()) < 3_000


async def test_the_message_id_is_the_same_for_every_attempt() -> None:
    async with MailSink({"DATA": ["451 later"]}) as sink:
        notifier = a_notifier(sink.port)
        with pytest.raises(Unavailable, match="451 later"):
            await notifier.send(a_delivery())
        await notifier.send(a_delivery())
        await notifier.send(a_delivery())
    texts = [mail.original_content or b"" for mail in sink.mails]
    assert [text.count(b"Message-ID: <0b1c@news.example>") for text in texts] == [1, 1]


async def test_several_addresses_are_one_mail() -> None:
    async with MailSink() as sink:
        await a_notifier(sink.port, to=("a@example.org", "News desk <b@example.org>")).send(
            a_delivery()
        )
    assert [mail.rcpt_tos for mail in sink.mails] == [["a@example.org", "b@example.org"]]
    assert sink.mails[0].mail_from == "monitor@news.example"


async def test_one_refused_address_does_not_send_the_other_a_second_mail(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with MailSink({"RCPT": ["250 OK", "550 unknown"]}) as sink:
        await a_notifier(sink.port, to=("a@example.org", "b@example.org")).send(a_delivery())
    assert [mail.rcpt_tos for mail in sink.mails] == [["a@example.org"]]
    assert "b@example.org" in caplog.text


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        ({"MAIL": ["550 no"]}, Rejected),
        ({"MAIL": ["450 later"]}, Unavailable),
        ({"MAIL": ["530 log in first"]}, Unavailable),
        ({"RCPT": ["550 unknown"]}, Rejected),
        ({"RCPT": ["452 full"]}, Unavailable),
        ({"DATA": ["554 spam"]}, Rejected),
        ({"DATA": ["421 closing"]}, Unavailable),
    ],
)
async def test_5xx_is_final_and_4xx_is_not(
    replies: dict[str, list[str]], error: type[Exception]
) -> None:
    async with MailSink(replies) as sink:
        with pytest.raises(error) as caught:
            await a_notifier(sink.port).send(a_delivery())
    assert type(caught.value) is error
    assert sink.mails == []


async def test_one_address_that_may_work_later_keeps_the_mail() -> None:
    async with MailSink({"RCPT": ["550 unknown", "450 later"]}) as sink:
        with pytest.raises(Unavailable, match="550 unknown; 450 later"):
            await a_notifier(sink.port, to=("a@example.org", "b@example.org")).send(a_delivery())


async def test_no_server_is_unreachable() -> None:
    async with MailSink() as sink:
        port = sink.port
    with pytest.raises(Unreachable):
        await a_notifier(port).send(a_delivery())
    with pytest.raises(Unreachable):
        await a_notifier(port).check()


async def test_a_server_that_says_nothing_meets_the_deadline() -> None:
    left = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable):
            await a_notifier(port, wait=0.2).send(a_delivery())
        await left.wait()


async def test_check_connects_and_mails_nothing() -> None:
    async with MailSink() as sink:
        notifier = a_notifier(sink.port)
        await notifier.check()
        await notifier.close()
    assert sink.mails == []


async def test_login() -> None:
    async with MailSink(login=("desk@x", "p:/@ss")) as sink:
        await a_notifier(sink.port, user="desk%40x:p%3A%2F%40ss@").send(a_delivery())
        with pytest.raises(Unavailable, match="refuses the login") as caught:
            await a_notifier(sink.port, user="desk%40x:wrong-word@").send(a_delivery())
    assert len(sink.mails) == 1
    assert "wrong-word" not in str(caught.value)


async def test_starttls_is_insisted_on() -> None:
    async with MailSink(login=("u", "p")) as sink:
        notifier = a_notifier(sink.port, scheme="smtp+starttls", user="u:p@")
        with pytest.raises(Unavailable, match="STARTTLS"):
            await notifier.send(a_delivery())
    assert (sink.mails, sink.logins) == ([], [])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=sink", "-addext", "subjectAltName=IP:127.0.0.1",
         "-out", str(files[0]), "-keyout", str(files[1])],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    return files


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
async def test_tls(
    scheme: str, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    async with MailSink(tls=context, speaks_tls_at_once=scheme == "smtps") as sink:
        with pytest.raises(Unavailable, match="certificate"):  # nobody vouches for it yet
            await a_notifier(sink.port, scheme=scheme).send(a_delivery())
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        await a_notifier(sink.port, scheme=scheme).send(a_delivery())
    assert sink.encrypted == [True]


@pytest.mark.parametrize(
    ("url", "start_tls"),
    [
        ("smtp://mail.example", None),
        ("smtp://u:p@mail.example", True),
        ("smtp://u:p@localhost", False),
        ("smtp://[::1]:2525", False),
        ("smtp+starttls://localhost", True),
        ("smtps://mail.example", False),
    ],
)
def test_a_password_never_crosses_a_network_without_tls(url: str, start_tls: bool | None) -> None:
    server = EmailNotifier(url, SENDER, ["desk@example.org"], FakeClock())._server
    assert server.start_tls is start_tls
    assert "'p'" not in repr(server)


@pytest.mark.parametrize(
    ("url", "sender", "to"),
    [
        ("http://u:hidden@mail.example", SENDER, ["a@example.org"]),
        ("mail.example:25", SENDER, ["a@example.org"]),
        ("smtp://", SENDER, ["a@example.org"]),
        ("smtp://mail.example:port", SENDER, ["a@example.org"]),
        ("smtp://mail.example", "nobody", ["a@example.org"]),
        ("smtp://mail.example", SENDER, ["a@example.org\r\nBcc: b@example.org"]),
        ("smtp://mail.example", SENDER, ["a@b@example.org"]),
        ("smtp://mail.example", SENDER, []),
    ],
)
def test_what_cannot_work_is_refused_at_once(url: str, sender: str, to: list[str]) -> None:
    with pytest.raises(Rejected) as caught:
        EmailNotifier(url, sender, to, FakeClock())
    assert "hidden" not in str(caught.value)
