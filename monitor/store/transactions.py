"""Where transactions run: on connections of the event loop, or whole in threads."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, Engine

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine  # SQLite does without

T = TypeVar("T")


class Transactions(ABC):
    """A pool of connections. A transaction's work is a plain function of one of them."""

    @abstractmethod
    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run work in one transaction, and commit it."""

    @abstractmethod
    async def close(self) -> None:
        """Close all connections, once the work under way is done."""


class LoopTransactions(Transactions):
    """On a server: each statement is sent, and the loop goes on meanwhile."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run work in one transaction, and commit it; rolled back where the caller is cancelled."""
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


class ThreadTransactions(Transactions):
    """In a file: a transaction is one call in a thread, since a call for each statement costs more
    than the statement."""

    def __init__(self, engine: Engine, threads: int) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="database")

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run work in one transaction, and commit it: to the end, once it has begun."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, work)

    async def close(self) -> None:
        """Close all connections, once the work under way is done."""
        await asyncio.to_thread(self._close)

    def _run(self, work: Callable[[Connection], T]) -> T:
        with self._engine.begin() as connection:
            return work(connection)

    def _close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._engine.dispose()
