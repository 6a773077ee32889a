"""Connections and transactions: every access to the database goes through `Database`."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from monitor.errors import Unavailable
from monitor.protocols import Clock
from monitor.store.dialect import Engines
from monitor.store.faults import DATABASE_ERRORS, Fault, fault_of, meaning_of, reason_of
from monitor.store.url import dialect_of

log = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 4
PING_SECONDS = 2.0
STOP_SECONDS = 5.0
_PAUSE = 0.05


class Database:
    """One database: runs whole transactions, again where that may help.

    The work of a transaction is a plain function of a connection. It must bear being run twice:
    where the connection was lost at the commit, nobody knows whether the commit came through.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        """Check the URL; raises ConfigError."""
        self.url, self.dialect = dialect_of(url)
        self.name = self.url.render_as_string(hide_password=True)
        self.clock = clock
        self._engines: Engines | None = None

    async def start(self) -> None:
        """Connect; raises Unavailable."""
        if self._engines is None:
            try:
                self._engines = self.dialect.open(self.url)
            except OSError as error:
                raise Unavailable(f"the database {self.name}: {error}") from error
        engines = self._engines
        await self._run(engines.read, engines.read_gate, self.dialect.prepare, attempts=2)

    async def stop(self) -> None:
        """Close all connections within 5 seconds, also to a server that is dead. Never raises."""
        engines, self._engines = self._engines, None
        if engines is None:
            return
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await engines.write.dispose()
                await engines.read.dispose()
        except DATABASE_ERRORS as error:
            log.warning("the database %s did not close: %s", self.name, reason_of(error))

    async def ping(self) -> None:
        """Ask the database for an answer within 2 seconds; raises Unavailable."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self.read(_ping, attempts=1)
        except TimeoutError as error:
            raise Unavailable(f"the database {self.name} does not answer") from error

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run work in one transaction and commit it. Raises Unavailable or Rejected."""
        engines = self._opened()
        return await self._run(engines.write, engines.write_gate, work)

    async def read(self, work: Callable[[Connection], T], *, attempts: int = ATTEMPTS) -> T:
        """Run work that only reads. Raises Unavailable or Rejected."""
        engines = self._opened()
        return await self._run(engines.read, engines.read_gate, work, attempts=attempts)

    @property
    def shared(self) -> AsyncEngine | None:
        """The engine that everything has to use where there is only one connection."""
        engines = self._opened()
        return engines.write if engines.write is engines.read else None

    async def migrate(self, work: Callable[[Connection], None]) -> None:
        """Run work that changes the schema, in one transaction. Raises Unavailable."""
        engines = self._opened()
        engine = self.shared or self.dialect.open_for_migration(self.url)
        try:
            await self._run(engine, engines.write_gate, work)
        finally:
            if engine is not engines.write:
                await engine.dispose()

    def _opened(self) -> Engines:
        if self._engines is None:
            raise Unavailable(f"the database {self.name} is not open")
        return self._engines

    async def _run(
        self,
        engine: AsyncEngine,
        gate: AbstractAsyncContextManager[object],
        work: Callable[[Connection], T],
        *,
        attempts: int = ATTEMPTS,
    ) -> T:
        for attempt in range(1, attempts + 1):
            try:
                async with gate, engine.begin() as connection:
                    return await connection.run_sync(work)
            except DATABASE_ERRORS as error:
                if fault_of(error) is Fault.RETRY and attempt < attempts:
                    await self.clock.sleep(_pause(attempt))
                    continue
                meaning = meaning_of(error, self.name)
                if meaning is None:
                    raise
                raise meaning from error
        raise AssertionError("at least one attempt")


def _pause(attempt: int) -> float:
    """Return seconds, at random so that two that met do not meet again."""
    return random.uniform(0.5, 1.5) * _PAUSE * float(3**attempt)  # noqa: S311


def _ping(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))
