"""Receivers of alerts that remember all they got: an HTTP receiver and a mail server.

Both are real servers on this machine. The HTTP receiver also runs as a process of its own, so that
it outlives a service that a test kills:

    python -m tests.support.receivers LEDGER [--port 0] [--answers 503,hang,204]

It prints its URL when it is ready and writes a line to the ledger for every request, before it
answers: {"id": webhook-id, "sha256": of the body, "time": ISO 8601, "status": what it answered}.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import signal
import ssl
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from monitor.clock import SystemClock
from monitor.protocols import Clock

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver answers; one that hangs never does."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    method: str
    headers: Mapping[str, str]
    body: bytes


class WebhookReceiver:
    """Answers with the `answers` in their order, then with 204; `async with` starts it."""

    def __init__(
        self,
        answers: Sequence[Answer] = (),
        *,
        ledger: Path | None = None,
        port: int = 0,
        clock: Clock | None = None,
    ) -> None:
        self.answers = list(answers)
        self.received: list[Received] = []
        self.pause = 0.0
        """Seconds that every answer waits for, after the request was noted."""
        self._ledger = ledger
        self._port = port
        self._clock = clock or SystemClock()
        self._closing = asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._receive)
        self._runner = web.AppRunner(app, shutdown_timeout=1.0)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self._port}/hook"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.set()
        await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        answer = self.answers.pop(0) if self.answers else Answer()
        self.received.append(Received(request.method, dict(request.headers), body))
        self._note(request.headers.get("webhook-id", ""), body, answer)
        if answer.hangs:
            await self._closing.wait()
        await asyncio.sleep(self.pause)
        return web.Response(status=answer.status, headers=answer.headers)

    def _note(self, message_id: str, body: bytes, answer: Answer) -> None:
        if self._ledger is None:
            return
        row = {
            "id": message_id,
            "sha256": hashlib.sha256(body).hexdigest(),
            "time": self._clock.now().isoformat(),
            "status": 0 if answer.hangs else answer.status,
        }
        with self._ledger.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())


def ledger_rows(ledger: Path) -> list[dict[str, Any]]:
    """Return what a receiver has noted."""
    if not ledger.exists():
        return []
    return [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]


class _Connection(SMTP):
    """One client's connection; `gone` is set when nothing of it is left."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.gone = asyncio.Event()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.gone.set()


class MailSink:
    """A mail server that keeps all mail. `replies` by command (`MAIL`, `RCPT`, `DATA`) are given
    in their order instead of a yes; with `login` (user, password) it demands it."""

    def __init__(
        self,
        replies: Mapping[str, Sequence[str]] | None = None,
        *,
        login: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        speaks_tls_at_once: bool = False,
    ) -> None:
        self.mails: list[Envelope] = []
        self.logins: list[tuple[str, str]] = []
        self.encrypted: list[bool] = []
        self._replies = {command: list(given) for command, given in (replies or {}).items()}
        self._login = login
        self._tls = tls
        self._at_once = speaks_tls_at_once
        self._server: asyncio.Server | None = None
        self._connections: list[_Connection] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(
            self._protocol, HOST, 0, ssl=self._tls if self._at_once else None
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()
        for connection in self._connections:
            if connection.session is None:
                continue  # its TLS handshake failed
            if connection.transport is not None:
                connection.transport.close()
            await connection.gone.wait()

    def _protocol(self) -> _Connection:
        with warnings.catch_warnings():
            # A login without TLS is dangerous, as it says, but not on the loopback of a test.
            warnings.simplefilter("ignore", UserWarning)
            connection = _Connection(
                self,
                hostname="sink.example",
                enable_SMTPUTF8=True,
                tls_context=None if self._at_once else self._tls,
                authenticator=self._authenticate if self._login else None,
                auth_required=self._login is not None,
                auth_require_tls=False,
            )
        self._connections.append(connection)
        return connection

    def _authenticate(self, _server: SMTP, _session: Session, *given: Any) -> AuthResult:
        user, password = given[-1].login.decode(), given[-1].password.decode()
        self.logins.append((user, password))
        # Not "handled": the server shall tell the client itself.
        return AuthResult(success=(user, password) == self._login, handled=False)

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self._reply("MAIL")

    async def handle_RCPT(
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        reply = self._reply("RCPT")
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        reply = self._reply("DATA")
        if reply.startswith("250"):
            self.mails.append(envelope)
            assert server.transport is not None
            self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return reply

    def _reply(self, command: str) -> str:
        given = self._replies.get(command)
        return given.pop(0) if given else "250 OK"


async def main() -> None:
    """Run the HTTP receiver until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ledger", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--answers", default="", help="status codes and 'hang', then 204 for ever")
    given = parser.parse_args()
    answers = [
        Answer(hangs=True) if each == "hang" else Answer(int(each))
        for each in given.answers.split(",")
        if each
    ]
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with WebhookReceiver(answers, ledger=given.ledger, port=given.port) as receiver:
        print(receiver.url, flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
