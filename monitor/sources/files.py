"""Files as a source: one file, or all text files of a folder."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import msgspec

from monitor.errors import Rejected, Unavailable
from monitor.model import Document, NotModified, SourceState
from monitor.protocols import Clock

MAX_BYTES = 10 * 1024 * 1024
"""Bytes of one file, or of all files of a folder together."""
FOLDER_TYPE = "application/vnd.news-monitor.folder+msgpack"
"""The content type of a folder's body: a MessagePack list of file names and contents."""


class FileFetcher:
    """Reads what a source's location names on this machine.

    The body of a file is its bytes; that of a folder is `FOLDER_TYPE` of all its `*.txt`.
    """

    def __init__(self, *, clock: Clock, max_bytes: int = MAX_BYTES) -> None:
        self._clock = clock
        self._max_bytes = max_bytes

    async def close(self) -> None:
        """Nothing is kept open."""

    async def fetch(self, state: SourceState) -> Document | NotModified:
        """Read the file or folder; NotModified where it holds what it held last time.

        Raises Unavailable where there is none, Rejected where it is too large.
        """
        path = Path(state.source.location)
        # A thread, because a disk may be on the other side of a network.
        body, content_type = await asyncio.to_thread(self._read, path)
        body_hash = hashlib.sha256(body).hexdigest()
        if body_hash == state.memory.body_hash:
            return NotModified(etag="", last_modified="", body_hash=body_hash)
        return Document(
            url=str(path),
            body=body,
            content_type=content_type,
            body_hash=body_hash,
            fetched=self._clock.now(),
        )

    def _read(self, path: Path) -> tuple[bytes, str]:
        try:
            if not path.is_dir():
                self._check(path, path.stat().st_size)
                return path.read_bytes(), ""
            files = sorted(file for file in path.glob("*.txt") if file.is_file())
            self._check(path, sum(file.stat().st_size for file in files))
            contents = [(file.name, file.read_bytes()) for file in files]
        except FileNotFoundError as error:
            raise Unavailable(f"there is no {error.filename or path}") from error
        except OSError as error:
            raise Unavailable(f"{path} cannot be read: {error.strerror or error}") from error
        if not contents:
            raise Unavailable(f"the folder {path} holds no file whose name ends with .txt")
        return msgspec.msgpack.encode(contents), FOLDER_TYPE

    def _check(self, path: Path, size: int) -> None:
        if size > self._max_bytes:
            raise Rejected(f"{path} holds {size} bytes; at most {self._max_bytes} are read")


def files_of(document: Document) -> list[tuple[str, bytes]]:
    """Return the names and contents of a document's files: of all of a folder, or the one."""
    if document.content_type != FOLDER_TYPE:
        return [(Path(document.url).name, document.body)]
    try:
        return msgspec.msgpack.decode(document.body, type=list[tuple[str, bytes]])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Rejected(f"not the files of a folder: {error}") from error
