"""The HTTP server of a process: uvicorn, without its own signal handling."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

from monitor.errors import ConfigError, Problem

STOPS_WITHIN = 3.0


class _Server(uvicorn.Server):
    """uvicorn would take over SIGTERM, which belongs to the process's lifecycle."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises ConfigError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        cure = "set MONITOR_PORT (0 takes a free one) or MONITOR_HOST"
        problem = Problem(f"http://{host}:{port}", f"cannot listen: {error.strerror}; {cure}")
        raise ConfigError([problem]) from error
    return listener


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve an application while the block runs."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=int(STOPS_WITHIN),
        server_header=False,
    )
    server = _Server(config)
    task = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.wait({task}, timeout=STOPS_WITHIN + 1)
        if not task.done():
            task.cancel()
