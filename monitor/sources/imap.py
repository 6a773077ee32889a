"""IMAP as far as a poll needs it (RFC 3501): bounded, read-only. The only importer of imaplib.

The folder is opened with EXAMINE and its messages are peeked at, so that no flag changes.
"""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from monitor.errors import MonitorError, Rejected, Unavailable, Unreachable
from monitor.sources.line import Line

MAX_MESSAGE = 1024 * 1024
"""Bytes that are read of one message; what is longer holds attachments."""
MAX_MESSAGES = 200
"""Messages of one poll; the next one goes on where it ends."""
OVERHEAD = 1024 * 1024
"""Bytes that a server may send beside the messages."""
Found = tuple[str, list[tuple[int, bytes]] | None, bool]
_AT_ONCE = "write imaps:// for TLS from the start (port 993)"
_LATER = "write imap:// for TLS that begins later (STARTTLS, port 143)"
# What OpenSSL says of bytes that are none of TLS: a server that greets in plain text, mostly.
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"})
_UNKNOWN_ISSUER = "name a file with its authority's certificate in SSL_CERT_FILE"
_OTHER_NAME = "write the name that it was made for"
# By OpenSSL's X509_V_ERR codes.
_CERTIFICATE_CURES = dict.fromkeys((18, 19, 20, 21), _UNKNOWN_ISSUER) | dict.fromkeys(
    (62, 64), _OTHER_NAME
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UID, _SIZE = re.compile(rb"\bUID (\d+)"), re.compile(rb"\bRFC822\.SIZE (\d+)")
_PASSING = re.compile(r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]", re.IGNORECASE)  # RFC 5530


@dataclass(frozen=True, slots=True)
class Box:
    """Where a mailbox is and how it opens. `plain` is without TLS: only on this machine."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str
    tls: bool
    plain: bool


class _Client(imaplib.IMAP4):
    """A client on a line of ours: it connects where it may, and reads no more than it should."""

    def __init__(self, box: Box, line: Line, tls: ssl.SSLContext) -> None:
        self._box = box
        self._line = line
        self._context = tls
        super().__init__(box.host, box.port)

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


def ask(
    box: Box, line: Line, tls: ssl.SSLContext, etag: str, since: datetime, max_bytes: int
) -> Found:
    """Return the state after a poll, what came, None where nothing did, and whether there is more
    that a poll may not take. Runs in a thread.

    Raises Rejected where the address, the password or the folder is wrong, else Unavailable.
    """
    try:
        client = _Client(box, line, tls)
        try:
            if not box.tls and not box.plain:
                _begin_tls(client, box, tls)
            _log_in(client, box)
            return _new(client, box, etag, since, max_bytes)
        finally:
            with suppress(OSError):  # the server, or the deadline, has closed it before
                client.shutdown()
    except (OSError, imaplib.IMAP4.error) as error:
        raise _failure(error, box, line.wait) from None  # a context might tell the password


def _new(client: _Client, box: Box, etag: str, since: datetime, max_bytes: int) -> Found:
    answer, told = client.select(_quoted(_folder_name(box.folder)), readonly=True)
    if answer != "OK":
        raise Rejected(f"{box.host} does not open the folder {box.folder}: {_words(told)}")
    validity, following = _number(client, "UIDVALIDITY"), _number(client, "UIDNEXT")
    if not validity:
        raise Rejected(f"{box.host} gives its messages no lasting numbers (UIDVALIDITY)")
    known, _, last_known = etag.partition(":")
    goes_on = known == str(validity) and last_known.isdigit()
    last = int(last_known) if goes_on else 0
    day = f"{since.day:02d}-{_MONTHS[since.month - 1]}-{since.year}"
    criteria = ("UID", f"{last + 1}:*") if goes_on else ("SINCE", day)
    parts = _done(box, client.uid("SEARCH", *criteria))
    found = {int(word) for part in parts if isinstance(part, bytes) for word in part.split()}
    # "n:*" names the last message also where its number is below n.
    new = sorted(uid for uid in found if uid > last)
    numbers = _bounded(box, client, new, max_bytes)
    if goes_on and not numbers:
        return etag, None, False
    messages = _messages(box, client, numbers)
    client.logout()
    etag = f"{validity}:{max(numbers, default=max(last, following - 1))}"
    return etag, messages, len(numbers) < len(new)


def _begin_tls(client: _Client, box: Box, tls: ssl.SSLContext) -> None:
    """Go over to TLS before anything secret is said, or raise."""
    if "STARTTLS" not in client.capabilities:
        raise Rejected(
            f"{box.host} offers no TLS on port {box.port} (STARTTLS), and a password is sent over"
            f" TLS alone: {_AT_ONCE}"
        )
    try:
        client.starttls(tls)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:  # what the server has said is not in it
        raise Unavailable(
            f"{box.host} refuses to begin TLS on port {box.port} (STARTTLS): look into its log, or"
            f" {_AT_ONCE}"
        ) from None


def _log_in(client: _Client, box: Box) -> None:
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


def _bounded(box: Box, client: _Client, numbers: Sequence[int], max_bytes: int) -> list[int]:
    """Return as many of the messages as one poll may take, the oldest ones."""
    wanted = numbers[:MAX_MESSAGES]
    if not wanted:
        return []
    sizes: dict[int, int] = {}
    for part in _done(box, client.uid("FETCH", _set(wanted), "(UID RFC822.SIZE)")):
        text = part if isinstance(part, bytes) else b""
        number, size = _UID.search(text), _SIZE.search(text)
        if number and size:
            sizes[int(number[1])] = int(size[1])
    kept: list[int] = []
    total = 0
    for uid in wanted:
        total += min(sizes.get(uid, 0), MAX_MESSAGE)
        if total > max_bytes and kept:
            break
        kept.append(uid)
    return kept


def _messages(box: Box, client: _Client, numbers: Sequence[int]) -> list[tuple[int, bytes]]:
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


def _done(box: Box, answer: tuple[str, list[Any]]) -> list[Any]:
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


def too_late(box: Box, wait: float) -> Unavailable:
    """Return what it means that a poll was not done within `wait` seconds."""
    # The two wait for each other where one of them wants to begin with TLS.
    cure = "" if box.tls else f"; if it is always so, {_AT_ONCE}"
    return Unavailable(f"{box.host} took longer than {wait:g} s{cure}")


def _failure(error: Exception, box: Box, wait: float) -> MonitorError:
    """Return what a failed poll means, in a sentence that names the cause and the cure."""
    host = box.host
    match error:
        case socket.gaierror():
            return Unreachable(f"the name {host} cannot be resolved")
        case ssl.SSLError():
            return Unavailable(_tls_failure(error, box))
        case TimeoutError():
            return too_late(box, wait)
        case ConnectionRefusedError():
            return Unreachable(f"{host} cannot be reached: {error.strerror}")
        case OSError() | imaplib.IMAP4.abort():
            return Unavailable(f"{host} broke the connection off")
        case _:
            told = _words([str(error).encode()]).replace(box.password, "…")
            return Unavailable(f"{host} sent an answer that cannot be read: {told}")


def _tls_failure(error: ssl.SSLError, box: Box) -> str:
    host, port = box.host, box.port
    match error:
        case ssl.SSLCertVerificationError(verify_code=code, verify_message=told):
            cure = _CERTIFICATE_CURES.get(code, "its operator must replace it")
            return f"the certificate of {host} is not trusted: {told}; {cure}"
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return (
                f"{host} broke the connection off within TLS on port {port}: look into its log, and"
                " whether this is the port for imaps:// or for imap://"
            )
        case ssl.SSLError(reason=reason) if reason in _NO_TLS:
            return f"{host} does not begin with TLS on port {port}: {_LATER}"
        case _:
            return (
                f"{host} and this service find no way to speak TLS on port {port}"
                f" ({error.reason}): it must offer TLS 1.2 or 1.3"
            )
