"""Connections and transactions: every access to the database goes through `Database`."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, text

from monitor.errors import Unavailable
from monitor.protocols import Clock
from monitor.store.dialect import Pools
from monitor.store.faults import DATABASE_ERRORS, Fault, fault_of, meaning_of, reason_of
from monitor.store.transactions import Transactions
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
        self._pools: Pools | None = None

    async def start(self) -> None:
        """Connect; raises Unavailable."""
        if self._pools is None:
            try:
                self._pools = self.dialect.open(self.url)
            except OSError as error:
                raise Unavailable(f"the database {self.name}: {error}") from error
        await self._run(self._pools.read, self.dialect.prepare, attempts=2)

    async def stop(self) -> None:
        """Close all connections within 5 seconds, also to a server that is dead. Never raises."""
        pools, self._pools = self._pools, None
        if pools is None:
            return
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await pools.write.close()
                await pools.read.close()
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
        return await self._run(self._opened().write, work)

    async def read(self, work: Callable[[Connection], T], *, attempts: int = ATTEMPTS) -> T:
        """Run work that only reads. Raises Unavailable or Rejected."""
        return await self._run(self._opened().read, work, attempts=attempts)

    async def migrate(self, work: Callable[[Connection], None]) -> None:
        """Run work that changes the schema, in one transaction. Raises Unavailable."""
        pools = self._opened()
        if pools.write is pools.read:  # there is only one connection
            await self._run(pools.write, work)
            return
        pool = self.dialect.open_for_migration(self.url)
        try:
            await self._run(pool, work)
        finally:
            await pool.close()

    def _opened(self) -> Pools:
        if self._pools is None:
            raise Unavailable(f"the database {self.name} is not open")
        return self._pools

    async def _run(
        self,
        pool: Transactions,
        work: Callable[[Connection], T],
        *,
        attempts: int = ATTEMPTS,
    ) -> T:
        for attempt in range(1, attempts + 1):
            try:
                return await pool.run(work)
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
