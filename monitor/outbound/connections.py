"""Connections that are checked when they are made: the name's addresses, and the one connected to.

A check of the name alone would not do: a name may change what it leads to between two look-ups
(DNS rebinding), and an address may be written in ways that only the resolver understands. So every
address is judged as the socket is about to be used, in whatever way it was come by.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from monitor.outbound.addresses import Network, refusal

NAME_DEADLINE = 3.0
"""Seconds for a name to be resolved."""
_THREADS = 16
"""Look-ups at a time; a name server that hangs holds a thread for longer than we wait."""
_KEPT_OPEN = 15.0

Lookup = Callable[[str, int], Sequence[str]]


class Refused(OSError):
    """An address that must not be asked; `kind` says what it is."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def system_lookup(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a name; raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is too long
        raise OSError(str(error)) from None
    return [str(entry[4][0]) for entry in found]


def connector(private: Sequence[Network], lookup: Lookup) -> TCPConnector:
    """Return a connector that raises Refused (within a ClientConnectorError) for bad addresses."""

    def checked_socket(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, (host, port, *_rest) = info
        _check(host, port, private)
        return socket.socket(family, kind, protocol)

    return TCPConnector(
        limit=0,  # the caller bounds what is under way
        resolver=_Resolver(private, lookup),
        use_dns_cache=False,
        socket_factory=checked_socket,
        keepalive_timeout=_KEPT_OPEN,
    )


class _Resolver(AbstractResolver):
    """Looks names up in threads of its own, and refuses one of whose addresses any is bad."""

    def __init__(self, private: Sequence[Network], lookup: Lookup) -> None:
        self._private = private
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="name")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(NAME_DEADLINE):
                found = await loop.run_in_executor(self._threads, self._lookup, host, port)
        except TimeoutError:
            raise OSError(f"no name server answered within {NAME_DEADLINE:g} s") from None
        if not found:
            raise OSError("the name has no address")
        for address in found:
            _check(address, port, self._private)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _check(address: str, port: int, private: Sequence[Network]) -> None:
    kind = refusal(address, port, private)
    if kind:
        raise Refused(kind)
