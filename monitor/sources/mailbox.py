"""Newsletters in a mailbox, by IMAP (RFC 3501). The only importer of imaplib.

The folder is opened read-only and its messages are peeked at, so that no flag changes.
"""

from __future__ import annotations

import asyncio
import hashlib
import imaplib
import re
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from monitor.errors import Rejected, Unavailable, Unreachable
from monitor.model import Document, NotModified, SourceState
from monitor.protocols import Clock

DEADLINE = 60.0
"""Seconds for everything: name, connection, login and messages."""
MAX_BYTES = 10 * 1024 * 1024
"""Bytes of all messages of one poll."""
MAX_MESSAGE = 1024 * 1024
"""Bytes that are read of one message; what is longer holds attachments."""
MAX_MESSAGES = 200
"""Messages of one poll; the next one goes on where it ends."""
FIRST_DAYS = 30
"""The age in days of the oldest message of a first import."""
MAILBOX_TYPE = "application/vnd.news-monitor.mailbox+msgpack"
"""The content type of a poll's messages: a MessagePack list of their numbers and bytes."""
PORTS = {"imaps": 993, "imap": 143}
_CURE = "write imaps://USER@HOST/FOLDER, and the password as password: ${NAME}"
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UID, _SIZE = re.compile(rb"\bUID (\d+)"), re.compile(rb"\bRFC822\.SIZE (\d+)")
_Found = tuple[str, list[tuple[int, bytes]] | None]
_OVERHEAD = 1024 * 1024
"""Bytes that a server may send beside the messages."""
_PASSING = re.compile(r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]", re.IGNORECASE)  # RFC 5530


@dataclass(frozen=True, slots=True)
class _Box:
    """Where a mailbox is and how it opens. `plain` is without TLS: only on this machine."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str
    tls: bool
    plain: bool


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
        self._lines: set[_Line] = set()

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
        box = _box(state.source.location, state.source.password, self._environ)
        line = _Line(self._deadline, self._allowed, self._max_bytes + _OVERHEAD)
        self._lines.add(line)
        since = self._clock.now() - timedelta(days=FIRST_DAYS)

        def poll() -> _Found:
            return _poll(box, line, self._tls, state.memory.etag, since, self._max_bytes)

        try:
            async with asyncio.timeout(self._deadline):
                etag, messages = await asyncio.wrap_future(_in_thread(poll))
        except TimeoutError as error:
            raise Unavailable(f"{box.host} took longer than {self._deadline:g} s") from error
        except (OSError, imaplib.IMAP4.error) as error:
            raise _failure(error, box) from None  # a context might tell the password
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
            fetched=self._clock.now(),
        )


class _Line:
    """The socket of one poll, which can be cut from another thread."""

    def __init__(self, wait: float, allowed: Callable[[str], bool], max_bytes: int) -> None:
        self.wait = wait
        self.left = max_bytes
        self._allowed = allowed
        self._socket: socket.socket | None = None
        self._is_cut = False
        self._lock = threading.Lock()

    def connect(self, host: str, port: int) -> socket.socket:
        """Connect to the first address of a name that answers; none of them may be forbidden."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for *_, address in found:
            if not self._allowed(str(address[0])):
                raise Rejected(f"{host} is at {address[0]}, an address that may not be asked")
        failure: OSError = ConnectionError(f"{host} has no address")
        for family, kind, protocol, _, address in found:
            opened = socket.socket(family, kind, protocol)
            opened.settimeout(self.wait)
            try:
                self._hold(opened)
                opened.connect(address)
            except OSError as error:
                opened.close()
                failure = error
                continue
            return opened
        raise ConnectionRefusedError(failure.errno, failure.strerror or str(failure)) from failure

    def cut(self) -> None:
        """End the connection, whoever waits for it; later ones are not made."""
        with self._lock:
            self._is_cut = True
            opened, self._socket = self._socket, None
        if opened is not None:
            with opened, suppress(OSError):  # it is closed on the other side
                opened.shutdown(socket.SHUT_RDWR)

    def take(self, size: int) -> None:
        """Count bytes that the server sends; raises Unavailable where they are too many."""
        self.left -= size
        if self.left < 0:
            raise Unavailable("the mail server sends more than it was asked for")

    def _hold(self, opened: socket.socket) -> None:
        with self._lock:
            if self._is_cut:
                raise ConnectionAbortedError("the connection was cut")
            # Its twin, because TLS takes the socket over; the connection is the same.
            self._socket = opened.dup()


class _Client(imaplib.IMAP4):
    """A client on a line of ours: it connects where it may, and reads no more than it should."""

    def __init__(self, box: _Box, line: _Line, tls: ssl.SSLContext) -> None:
        self._box = box
        self._line = line
        self._context = tls
        super().__init__(box.host, box.port)
        if not box.tls and not box.plain:
            self.starttls(tls)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        opened = self._line.connect(self._box.host, self._box.port)
        if not self._box.tls:
            return opened
        return self._context.wrap_socket(opened, server_hostname=self._box.host)

    def read(self, size: int) -> bytes:
        self._line.take(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._line.take(len(line))
        return line


def _in_thread(work: Callable[[], _Found]) -> Future[_Found]:
    """Start work in a daemon thread: one that hangs keeps the process from its exit no longer."""
    future: Future[_Found] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            found = work()
        except BaseException as error:  # all of it belongs to the one who waits
            future.set_exception(error)
        else:
            future.set_result(found)

    threading.Thread(target=run, name="mailbox", daemon=True).start()
    return future


def _poll(
    box: _Box, line: _Line, tls: ssl.SSLContext, etag: str, since: datetime, max_bytes: int
) -> _Found:
    """Return the state after a poll and what came, None where nothing did. Runs in a thread."""
    client = _Client(box, line, tls)
    _log_in(client, box)
    answer, told = client.select(_quoted(_folder_name(box.folder)), readonly=True)
    if answer != "OK":
        raise Rejected(f"{box.host} does not open the folder {box.folder}: {_words(told)}")
    validity, following = _number(client, "UIDVALIDITY"), _number(client, "UIDNEXT")
    if not validity:
        raise Rejected(f"{box.host} gives its messages no lasting numbers (UIDVALIDITY)")
    known, _, last_known = etag.partition(":")
    goes_on = known == str(validity) and last_known.isdigit()
    last = int(last_known) if goes_on else 0
    # "n:*" names the last message also where its number is below n.
    day = f"{since.day:02d}-{_MONTHS[since.month - 1]}-{since.year}"
    criteria = ("UID", f"{last + 1}:*") if goes_on else ("SINCE", day)
    found = _done(box, client.uid("SEARCH", *criteria))
    numbers = sorted(
        {int(word) for part in found if isinstance(part, bytes) for word in part.split()}
    )
    numbers = _bounded(box, client, [uid for uid in numbers if uid > last], max_bytes)
    if goes_on and not numbers:
        return etag, None
    messages = _messages(box, client, numbers)
    client.logout()
    last = max(numbers, default=max(last, following - 1))
    return f"{validity}:{last}", messages


def _log_in(client: _Client, box: _Box) -> None:
    try:
        if "AUTH=PLAIN" in client.capabilities:
            # Unlike LOGIN, it takes any character.
            secret = f"\0{box.user}\0{box.password}".encode()
            client.authenticate("PLAIN", lambda _: secret)
        else:
            client.login(_quoted(box.user), box.password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        told = _words([str(error).encode()]).replace(box.password, "…")
        if _PASSING.search(told):
            raise Unavailable(f"{box.host} does not let us in now: {told}") from None
        raise Rejected(
            f"{box.host} refuses the login of {box.user}: {told}; check the user name in the "
            "address and the password that password refers to"
        ) from None


def _bounded(box: _Box, client: _Client, numbers: Sequence[int], max_bytes: int) -> list[int]:
    """Return as many of the messages as one poll may take, the oldest ones."""
    wanted = numbers[:MAX_MESSAGES]
    if not wanted:
        return []
    sizes: dict[int, int] = {}
    for part in _done(box, client.uid("FETCH", _set(wanted), "(UID RFC822.SIZE)")):
        text = part if isinstance(part, bytes) else b""
        uid, size = _UID.search(text), _SIZE.search(text)
        if uid and size:
            sizes[int(uid[1])] = int(size[1])
    kept: list[int] = []
    total = 0
    for uid in wanted:
        total += min(sizes.get(uid, 0), MAX_MESSAGE)
        if total > max_bytes and kept:
            break
        kept.append(uid)
    return kept


def _messages(box: _Box, client: _Client, numbers: Sequence[int]) -> list[tuple[int, bytes]]:
    """Return the messages of these numbers; those deleted in the meantime are left out."""
    if not numbers:
        return []
    parts = _done(box, client.uid("FETCH", _set(numbers), f"(UID BODY.PEEK[]<0.{MAX_MESSAGE}>)"))
    wanted, found = set(numbers), {}
    for place, part in enumerate(parts):
        if not isinstance(part, tuple):
            continue
        # A server may tell the number before the message or after it.
        after = parts[place + 1] if place + 1 < len(parts) else b""
        uid = _UID.search(part[0]) or (_UID.search(after) if isinstance(after, bytes) else None)
        if uid and int(uid[1]) in wanted:
            found[int(uid[1])] = part[1]
    return sorted(found.items())


def _done(box: _Box, answer: tuple[str, list[Any]]) -> list[Any]:
    kind, parts = answer
    if kind != "OK":
        raise Unavailable(f"{box.host} does not answer: {_words(parts)}")
    return parts


def _number(client: _Client, name: str) -> int:
    value = (client.response(name)[1] or [None])[-1]
    return int(value) if isinstance(value, bytes) and value.isdigit() else 0


def _set(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def _words(parts: Sequence[Any]) -> str:
    text = b" ".join(part for part in parts if isinstance(part, bytes)).decode("utf-8", "replace")
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _folder_name(name: str) -> str:
    """Return a folder's name in modified UTF-7 (RFC 3501 section 5.1.3)."""

    def encoded(run: re.Match[str]) -> str:
        text = b64encode(run[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        return f"&{text}-"

    return re.sub(r"[^\x20-\x7e]+", encoded, name.replace("&", "&-"))


def _box(location: str, password: str, environ: Mapping[str, str]) -> _Box:
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
    return _Box(host, port or PORTS[parts.scheme], user, secret, folder, tls, plain)


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _failure(error: Exception, box: _Box) -> Unavailable:
    """Return what a failed poll means, in a sentence that names the cause."""
    host = box.host
    match error:
        case socket.gaierror():
            return Unreachable(f"the name {host} cannot be resolved")
        case ssl.SSLCertVerificationError():
            return Unavailable(f"the certificate of {host} is not trusted: {error.verify_message}")
        case ssl.SSLError():
            return Unavailable(f"{host} does not speak TLS on port {box.port}: {error.reason}")
        case TimeoutError():
            return Unavailable(f"{host} does not answer")
        case ConnectionRefusedError():
            return Unreachable(f"{host} cannot be reached: {error.strerror}")
        case OSError() | imaplib.IMAP4.abort():
            return Unavailable(f"{host} broke the connection off")
        case _:
            told = _words([str(error).encode()]).replace(box.password, "…")
            return Unavailable(f"{host} sent an answer that cannot be read: {told}")
