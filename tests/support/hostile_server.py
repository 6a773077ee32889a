"""A server that sends whatever bytes it is told to, and counts who came."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Self

Script = Callable[[asyncio.StreamWriter], Awaitable[None]]


class HostileServer:
    """Listens on `host`; `script` writes the answer to each request, then the connection ends.

    `requests` are the heads that were received, `hits` counts connections, `open` those that have
    not ended, and `quiet` is set while there are none.
    """

    def __init__(self, script: Script, host: str = "127.0.0.1", port: int = 0) -> None:
        self.requests: list[str] = []
        self.hits = 0
        self.open = 0
        self.quiet = asyncio.Event()
        self.quiet.set()
        self._script = script
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self._host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()
        await self.quiet.wait()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self._host}:{self._port}/"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hits += 1
        self.open += 1
        self.quiet.clear()
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(head.decode("latin-1"))
                await self._until_left(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self.open -= 1
            if not self.open:
                self.quiet.set()

    async def _until_left(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Run the script to its end, or until the client has left."""
        script = asyncio.ensure_future(self._script(writer))
        left = asyncio.ensure_future(reader.read())
        await asyncio.wait((script, left), return_when=asyncio.FIRST_COMPLETED)
        for task in (script, left):
            task.cancel()
        for ended in await asyncio.gather(script, left, return_exceptions=True):
            if isinstance(ended, Exception) and not isinstance(ended, ConnectionError):
                raise ended


def sends(body: bytes, *headers: str, status: str = "200 OK", length: bool = True) -> Script:
    """Return a script that sends one answer; without `length` its end is the connection's."""
    lines = [f"HTTP/1.1 {status}", *headers, "Connection: close"]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for start in range(0, len(body), 65_536):
            writer.write(body[start : start + 65_536])
            await writer.drain()

    return script


def drips(first: bytes, drop: bytes, pause: float = 0.01) -> Script:
    """Return a script that sends `first`, and `drop` again and again for ever."""

    async def script(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            await writer.drain()
            await asyncio.sleep(pause)
            writer.write(drop)

    return script


async def silence(_writer: asyncio.StreamWriter) -> None:
    """Take a request and never answer."""
    await asyncio.Event().wait()
