"""The socket of one poll of a mailbox: it goes where it may, reads no more than it should, and can
be cut from another thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from monitor.errors import Rejected, Unavailable


class Line:
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
            self._hold(opened)
            try:
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
                opened.close()
                raise ConnectionAbortedError("the connection was cut")
            # Its twin, because TLS takes the socket over; the connection is the same.
            self._socket = opened.dup()
