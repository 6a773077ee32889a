"""TLS to mail servers: begun at once or later, refused, broken off, and with wrong certificates."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
import warnings
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.errors import Rejected, Unavailable
from monitor.model import Document, Memory, Source, SourceState
from monitor.sources.imap import Box, Found, ask
from monitor.sources.line import Line
from monitor.sources.mailbox import MAX_BYTES, MailFetcher
from tests.support.clock import FakeClock
from tests.support.imap import HOST, PASSWORD, USER, ImapServer

NOW = datetime.now(UTC)
NAME = "LETTERS_PASSWORD"
WAIT = 20.0
LETTER = b"Subject: Harbour reopens\r\n\r\nThe council met again.\r\n"
Script = Callable[[bytes], bytes]
"""What a server says to a line, after its greeting; it hangs up where that ends with `HANG_UP`."""
HANG_UP = b"HANG UP"


def a_box(port: int, *, host: str = "127.0.0.1", tls: bool = False) -> Box:
    """A mailbox that is not taken for one of this machine, so that it needs TLS."""
    return Box(host, port, USER, PASSWORD, "INBOX", tls=tls, plain=False)


async def poll(box: Box, tls: ssl.SSLContext | None = None) -> Found:
    """Poll as the fetcher does."""
    line = Line(WAIT, lambda _: True, MAX_BYTES)
    context, since = tls or ssl.create_default_context(), NOW - timedelta(days=1)
    try:
        return await asyncio.to_thread(ask, box, line, context, "", since, MAX_BYTES)
    finally:
        line.cut()


async def fetch(location: str, deadline: float = WAIT) -> object:
    """Poll a location with a fetcher that trusts what this machine trusts."""
    fetcher = MailFetcher(
        clock=FakeClock(NOW), environ={NAME: PASSWORD}, allowed=lambda _: True, deadline=deadline
    )
    source = Source(name="letters", type="mail", location=location, password=f"${{{NAME}}}")
    return await fetcher.fetch(SourceState(source=source, next_poll_at=NOW, memory=Memory()))


@contextlib.asynccontextmanager
async def a_server(
    script: Script, greeting: bytes = b"* OK ready\r\n", tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Serve a script; yield the port, and the lines that were said to the server."""
    said: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        with contextlib.suppress(ConnectionError, ValueError):
            while line := await reader.readline():
                said.append(line)
                answer = script(line)
                writer.write(answer.removesuffix(HANG_UP))
                if answer.endswith(HANG_UP):
                    break
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1], said


def scripted(capabilities: bytes, starttls: bytes = b"BAD what?\r\n") -> Script:
    """A server with these capabilities, that answers so to STARTTLS."""

    def answer(line: bytes) -> bytes:
        tag, _, command = line.strip().partition(b" ")
        if command == b"CAPABILITY":
            return b"* CAPABILITY IMAP4rev1 %s\r\n%s OK done\r\n" % (capabilities, tag)
        return tag + b" " + starttls if command == b"STARTTLS" else b""

    return answer


def certificate(folder: Path, *, expired: bool = False) -> ssl.SSLContext:
    """Return what a server shows: a certificate for this machine, signed by itself."""
    key, shown, settings = folder / "key.pem", folder / "cert.pem", folder / "ca.cnf"
    (folder / "index").touch()
    settings.write_text(
        f"[ca]\ndefault_ca = ours\n[ours]\ndatabase = {folder}/index\nnew_certs_dir = {folder}\n"
        "rand_serial = yes\ndefault_md = sha256\npolicy = any\nx509_extensions = names\n"
        "[any]\ncommonName = supplied\n[names]\nsubjectAltName = IP:127.0.0.1\n"
    )
    year = NOW.year - 1 if expired else NOW.year + 1
    for command in (
        f"req -new -newkey rsa:2048 -nodes -subj /CN=mail -keyout {key} -out {folder}/request.pem",
        f"ca -batch -selfsign -config {settings} -keyfile {key} -in {folder}/request.pem"
        f" -startdate 20200101000000Z -enddate {year}0101000000Z -out {shown}",
    ):
        subprocess.run(["openssl", *command.split()], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown, key)
    return context


@pytest.mark.imap
async def test_tls_that_begins_later(imap_server: ImapServer) -> None:
    imap_server.deliver(LETTER)
    _, messages, _ = await poll(a_box(imap_server.plain_port, host=HOST), imap_server.tls)
    assert messages is not None
    assert [raw for _, raw in messages] == [LETTER]


@pytest.mark.imap
@pytest.mark.parametrize("at_once", [True, False], ids=["imaps", "STARTTLS"])
async def test_a_certificate_of_an_unknown_authority(
    imap_server: ImapServer, at_once: bool
) -> None:
    port = imap_server.port if at_once else imap_server.plain_port
    with pytest.raises(Unavailable, match=r"is not trusted: self-signed .*; name .* SSL_CERT_FILE"):
        await poll(a_box(port, host=HOST, tls=at_once))


@pytest.mark.imap
async def test_the_cure_for_an_unknown_authority(
    imap_server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(imap_server.certificate))
    assert isinstance(await fetch(imap_server.location), Document)


@pytest.mark.imap
@pytest.mark.parametrize("at_once", [True, False], ids=["imaps", "STARTTLS"])
async def test_a_certificate_for_another_name(imap_server: ImapServer, at_once: bool) -> None:
    port = imap_server.port if at_once else imap_server.plain_port
    with pytest.raises(Unavailable, match=r"not valid for '127\.0\.0\.1'.*; write the name"):
        await poll(a_box(port, tls=at_once), imap_server.tls)


async def test_a_certificate_that_has_expired(tmp_path: Path) -> None:
    async with a_server(lambda _: b"", tls=certificate(tmp_path, expired=True)) as (port, _):
        trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        with pytest.raises(Unavailable, match="has expired; its operator must replace it"):
            await poll(a_box(port, tls=True), trusting)


@pytest.mark.imap
async def test_tls_at_once_on_the_port_for_later(imap_server: ImapServer) -> None:
    location = imap_server.location.replace(str(imap_server.port), str(imap_server.plain_port))
    with pytest.raises(Unavailable, match=r"does not begin with TLS on port \d+: write imap://"):
        await fetch(location)


@pytest.mark.imap
async def test_tls_later_on_the_port_for_at_once(imap_server: ImapServer) -> None:
    location = imap_server.location.replace("imaps:", "imap:")
    with pytest.raises(Unavailable, match=r"longer than 0\.3 s.*write imaps://"):
        await fetch(location, deadline=0.3)


async def test_a_server_that_offers_no_tls_hears_no_password() -> None:
    async with a_server(scripted(b"AUTH=PLAIN")) as (port, said):
        with pytest.raises(Rejected, match=r"offers no TLS on port \d+ .*: write imaps://"):
            await poll(a_box(port))
    assert [line.split()[1] for line in said] == [b"CAPABILITY"]


@pytest.mark.parametrize(
    ("greeting", "answer"),
    [
        (b"* OK ready\r\n", b"NO not now\r\n"),
        (b"* OK ready\r\n", b"BAD what?\r\n"),
        # Whoever stands in between could let us in at once, so that no TLS begins.
        (b"* PREAUTH welcome\r\n", b"OK begin\r\n"),
    ],
)
async def test_a_server_that_refuses_tls_hears_no_password(greeting: bytes, answer: bytes) -> None:
    async with a_server(scripted(b"STARTTLS AUTH=PLAIN", answer), greeting) as (port, said):
        with pytest.raises(Unavailable, match=r"refuses to begin TLS on port \d+ .*imaps://"):
            await poll(a_box(port))
    assert {line.split()[1] for line in said} <= {b"CAPABILITY", b"STARTTLS"}


@pytest.mark.parametrize("more", [b"", b"\x16\x03", b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"])
async def test_a_server_that_hangs_up_before_tls_begins(more: bytes) -> None:
    answer = b"OK begin\r\n" + more + HANG_UP
    async with a_server(scripted(b"STARTTLS", answer)) as (port, _):
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1 broke the connection off"):
            await poll(a_box(port))


async def test_a_server_that_hangs_up_instead_of_starttls() -> None:
    async with a_server(scripted(b"STARTTLS", HANG_UP)) as (port, _):
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1 broke the connection off"):
            await poll(a_box(port))


async def test_a_server_that_hangs_up_in_the_middle_of_the_handshake() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(5)  # the head of the client's first message
        writer.write(b"\x16\x03\x03\x00\x7a\x02")  # a sixth byte of 127
        await writer.drain()
        await reader.read(100_000)  # all of it, lest the end is a reset
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        box = a_box(server.sockets[0].getsockname()[1], tls=True)
        with pytest.raises(Unavailable, match=r"broke the connection off within TLS on port \d+"):
            await poll(box)


async def test_a_server_whose_tls_is_too_old(tmp_path: Path) -> None:
    old = certificate(tmp_path)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            accepted, _ = listener.accept()
            # Unlike asyncio's server, this one says goodbye where it does not understand.
            with accepted, pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
                old.wrap_socket(accepted, server_side=True)

        serving = asyncio.create_task(asyncio.to_thread(serve))
        with pytest.raises(Unavailable, match=r"find no way to speak TLS .* must offer TLS 1\.2"):
            await poll(a_box(listener.getsockname()[1], tls=True))
        await serving
