"""Bodies, decoded piece by piece inside limits: a small answer must not become a large one.

The codings are gzip (RFC 1952, any number of members up to a limit) and deflate (RFC 9110, 8.4.1.2:
in the zlib format, though some servers send it bare). Nothing is decoded beyond the cap.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Protocol

from monitor.errors import Rejected, Unavailable

CODINGS = ("", "identity", "gzip", "x-gzip", "deflate")
RATIO = 200
"""Decoded bytes for one of the wire; text reaches 20, and only zeros more than this."""
FREE = 1_048_576
"""Decoded bytes before the ratio counts."""
MEMBERS = 100
"""gzip members of one body."""
_PIECE = 65_536
_GZIP = 31  # zlib's words for the format and its largest window
_ZLIB = 15
_MAGIC = 0x1F


class Decompressor(Protocol):
    """What `zlib.decompressobj` returns, whose type has no public name."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Body:
    """Collects a body of at most `most` bytes, on the wire and decoded; `host` is for errors.

    `seen` is the `digest` of a body that is known already: decoding one costs ten times what
    comparing it on the wire does, and many servers send the same one for months.
    """

    def __init__(self, coding: str, most: int, host: str, seen: str = "") -> None:
        self.size = 0
        self.digest = ""
        self.same = False
        self._seen = seen
        self._chunks: list[bytes] = []
        self._hash = hashlib.sha256()
        self._most = most
        self._host = host
        self._coding = coding
        self._kept = bytearray()
        self._decoder: Decompressor | None = None
        self._members = 1
        self._trailing = False

    def feed(self, chunk: bytes) -> None:
        """Add bytes of the wire; raises Rejected beyond a limit, Unavailable for nonsense."""
        self.size += len(chunk)
        if self.size > self._most:
            raise self._too_large()
        self._hash.update(chunk)
        if self._seen:
            self._chunks.append(chunk)
        else:
            self._take(chunk)

    def finish(self) -> bytes:
        """Return the whole body, nothing where it is the `same` as the one seen; raises Unavailable
        where its end is missing, and as `feed`."""
        self.digest = self._hash.hexdigest()
        self.same = self.digest == self._seen
        if self.same:
            return b""
        for chunk in self._chunks:
            self._take(chunk)
        if self.size and self._decoder is not None and not self._decoder.eof:
            raise Unavailable(f"the answer of {self._host} was cut off")
        return bytes(self._kept)

    def _take(self, chunk: bytes) -> None:
        if self._coding in ("", "identity"):
            self._kept += chunk
            return
        try:
            while chunk and not self._trailing:
                chunk = self._decode(chunk, self._decoder or self._first(chunk))
        except zlib.error:
            raise Unavailable(f"{self._host} sent {self._coding} that cannot be read") from None

    def _first(self, chunk: bytes) -> Decompressor:
        # The zlib format begins with its method, 8; nobody's bare deflate does.
        inflate = _ZLIB if chunk[0] & 0x0F == 8 else -_ZLIB
        wbits = inflate if self._coding == "deflate" else _GZIP
        self._decoder = zlib.decompressobj(wbits)
        return self._decoder

    def _decode(self, chunk: bytes, decoder: Decompressor) -> bytes:
        """Decode up to the end of a member, return what follows it."""
        if decoder.eof:
            if self._coding == "deflate" or chunk[0] != _MAGIC:
                self._trailing = True  # padding, which gzip ignores too
                return b""
            decoder = self._next()
        while True:
            piece = decoder.decompress(chunk, _PIECE)
            self._kept += piece
            self._check()
            if decoder.eof:
                return decoder.unused_data
            chunk = decoder.unconsumed_tail
            if not chunk and len(piece) < _PIECE:  # a full piece may not have been all
                return b""

    def _next(self) -> Decompressor:
        self._members += 1
        if self._members > MEMBERS:
            raise Rejected(f"{self._host} sent a body of more than {MEMBERS} gzip members")
        self._decoder = zlib.decompressobj(_GZIP)
        return self._decoder

    def _check(self) -> None:
        decoded = len(self._kept)
        if decoded > self._most:
            raise self._too_large()
        if decoded > FREE and decoded > RATIO * self.size:
            raise Rejected(f"{self._host} sent a body that swells more than {RATIO} times")

    def _too_large(self) -> Rejected:
        return Rejected(f"{self._host} sent more than {self._most} bytes")
