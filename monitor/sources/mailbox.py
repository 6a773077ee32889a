"""Newsletters in a mailbox: a poll is what came since the last one."""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import msgspec

from monitor.errors import Rejected
from monitor.model import Document, NotModified, SourceState
from monitor.protocols import Clock
from monitor.sources.imap import OVERHEAD, Box, Found, ask, too_late
from monitor.sources.line import Line

DEADLINE = 60.0
"""Seconds for everything: name, connection, login and messages."""
MAX_BYTES = 4 * 1024 * 1024
"""Bytes of all messages of one poll: as much HTML as a parser reads well within its time."""
FIRST_DAYS = 30
"""The age in days of the oldest message of a first import."""
MAILBOX_TYPE = "application/vnd.news-monitor.mailbox+msgpack"
"""The content type of a poll's messages: a MessagePack list of their numbers and bytes."""
PORTS = {"imaps": 993, "imap": 143}
_CURE = "write imaps://USER@HOST/FOLDER, and the password as password: ${NAME}"
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class MailFetcher:
    """Gets the new messages of mailboxes, each in a thread of its own for `deadline` seconds.

    `environ` holds the passwords that sources refer to; they are looked up for each poll and kept
    nowhere. `allowed` says whether an IP address may be connected to.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        environ: Mapping[str, str],
        allowed: Callable[[str], bool],
        deadline: float = DEADLINE,
        max_bytes: int = MAX_BYTES,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._clock = clock
        self._environ = environ
        self._allowed = allowed
        self._deadline = deadline
        self._max_bytes = max_bytes
        self._tls = tls or ssl.create_default_context()
        self._lines: set[Line] = set()

    async def close(self) -> None:
        """Cut all connections; polls under way fail."""
        for line in tuple(self._lines):
            line.cut()

    async def fetch(self, state: SourceState) -> Document | NotModified:
        """Return the messages that came since the last poll, at most 200; at first 30 days' worth.

        The state's etag is `UIDVALIDITY:UID`, the last message's number. Raises Unavailable where
        the server cannot be asked, Rejected where the address, the password or the folder is
        wrong.
        """
        box = box_of(state.source.location, state.source.password, self._environ)
        line = Line(self._deadline, self._allowed, self._max_bytes + OVERHEAD)
        self._lines.add(line)
        since = self._clock.now() - timedelta(days=FIRST_DAYS)

        def poll() -> Found:
            return ask(box, line, self._tls, state.memory.etag, since, self._max_bytes)

        try:
            async with asyncio.timeout(self._deadline):
                etag, messages, more = await asyncio.wrap_future(_in_thread(poll))
        except TimeoutError as error:
            raise too_late(box, self._deadline) from error
        finally:
            self._lines.discard(line)
            line.cut()
        if messages is None:
            return NotModified(
                etag=etag, last_modified="", body_hash=state.memory.body_hash, status=0
            )
        body = msgspec.msgpack.encode(messages)
        return Document(
            url=state.source.location,
            body=body,
            content_type=MAILBOX_TYPE,
            etag=etag,
            body_hash=hashlib.sha256(body).hexdigest(),
            status=0,
            size=len(body),
            more=more,
            fetched=self._clock.now(),
        )


def box_of(location: str, password: str, environ: Mapping[str, str]) -> Box:
    """Return the mailbox of a location, with the password that `password` refers to."""
    try:
        parts = urlsplit(location)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in PORTS or not parts.username or parts.query:
        # It may hold a password, so it is not told.
        raise Rejected(f"the mailbox's address cannot be read: {_CURE}")
    user, folder = unquote(parts.username), unquote(parts.path.strip("/")) or "INBOX"
    if parts.password is not None or not f"{user}{folder}".isprintable():
        raise Rejected(f"the mailbox's address holds a password or control characters: {_CURE}")
    reference = _REFERENCE.fullmatch(password.strip())
    if reference is None:
        raise Rejected(f"password is not a reference to the environment: {_CURE}")
    secret = environ.get(reference[1], "")
    if not secret or "\0" in secret:
        raise Rejected(f"the environment holds no {reference[1]}: set it to the password")
    tls = parts.scheme == "imaps"
    plain = not tls and _is_this_machine(host)
    return Box(host, port or PORTS[parts.scheme], user, secret, folder, tls, plain)


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _in_thread(work: Callable[[], Found]) -> Future[Found]:
    """Start work in a daemon thread: one that hangs keeps the process from its exit no longer."""
    future: Future[Found] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            found = work()
        except BaseException as error:  # noqa: BLE001  (all of it is the waiting one's)
            future.set_exception(error)
        else:
            future.set_result(found)

    threading.Thread(target=run, name="mailbox", daemon=True).start()
    return future
