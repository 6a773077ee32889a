"""A thread with one SQLite connection, which runs functions as transactions for event loops."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from monitor.errors import Unavailable

log = logging.getLogger(__name__)

T = TypeVar("T")

PAGE_SIZE = 16_384
BUSY = 2.0  # seconds that SQLite itself waits for another writer
PATIENCE = 15.0  # seconds after which a locked or full file is reported
PAUSE = 0.05
GROUP = 64  # how many waiting functions share one commit at most

_TRANSIENT = ("locked", "busy")


@dataclass(slots=True)
class _Job:
    """One function to run. Without `durable` a power cut, though no kill, may undo it."""

    function: Callable[[sqlite3.Connection], Any]
    durable: bool
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None


class SqliteThread:
    """Runs functions one after the other, each in a transaction; callers only ever await.

    Functions that wait at the same time share one commit, and so one flush of the disk. Where
    that fails each is run again alone: a function must have no effect but on the connection.
    """

    def __init__(self, path: Path | None, *, readonly: bool = False) -> None:
        self._path = path
        self._readonly = readonly
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._stopping = False
        self._synchronous = True

    async def start(self) -> None:
        """Open the file; raises Unavailable where it cannot be opened."""
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = loop.create_future()
        self._closed: asyncio.Future[None] = loop.create_future()
        name = f"sqlite-{'reader' if self._readonly else 'writer'}"
        # A daemon, so that a disk which never answers cannot keep the process from its exit.
        threading.Thread(
            target=self._main, args=(loop, opened, self._closed), name=name, daemon=True
        ).start()
        await opened

    async def stop(self, wait: float) -> None:
        """Finish what was asked for and close the file, within `wait` seconds; never raises."""
        if self._stopping:
            return
        self._stopping = True
        self._jobs.put(None)
        try:
            async with asyncio.timeout(wait):
                await self._closed
        except TimeoutError:
            log.warning("the disk did not answer in %.0f s; %s stays open", wait, self._name)

    async def run(self, function: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        """Run a function in a transaction and return what it returns, after the commit.

        Raises what the function raises, and Unavailable where the file is locked, full or broken.
        """
        if self._stopping:
            raise Unavailable(f"{self._name} is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(function, durable, loop, future))
        return await future

    @property
    def _name(self) -> str:
        return f"the log {self._path or ':memory:'}"

    def _main(
        self,
        loop: asyncio.AbstractEventLoop,
        opened: asyncio.Future[None],
        closed: asyncio.Future[None],
    ) -> None:
        try:
            connection = self._connect()
        except (sqlite3.Error, OSError) as error:
            self._stopping = True
            _settle(loop, opened, error=self._unavailable(error))
            return
        _settle(loop, opened)
        try:
            while (job := self._jobs.get()) is not None:
                self._work(connection, job)
        finally:
            with contextlib.suppress(sqlite3.Error):  # nobody is left who could be told
                connection.close()
            _settle(loop, closed)

    def _connect(self) -> sqlite3.Connection:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + PATIENCE
        while True:
            connection = sqlite3.connect(
                self._path or ":memory:", timeout=BUSY, isolation_level=None, cached_statements=256
            )
            try:
                connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA journal_size_limit = 67108864")
                if self._readonly:
                    connection.execute("PRAGMA query_only = ON")
            except sqlite3.Error as error:
                connection.close()
                # Two processes that create a file at once: the change to WAL does not wait.
                if not _transient(error) or time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE)
            else:
                return connection

    def _work(self, connection: sqlite3.Connection, first: _Job) -> None:
        jobs = [first]
        while len(jobs) < GROUP:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._jobs.put(None)
                break
            jobs.append(job)
        error = self._attempt(connection, jobs)
        if error is not None and len(jobs) > 1:
            for job in jobs:
                _report(job, self._attempt(connection, [job]))
        else:
            for job in jobs:
                _report(job, error)

    def _attempt(
        self, connection: sqlite3.Connection, jobs: Sequence[_Job]
    ) -> BaseException | None:
        """Run jobs in one transaction; return what went wrong, None where it is committed."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self._transact(connection, jobs)
            except sqlite3.Error as error:
                self._undo(connection)
                if _transient(error) and not self._stopping and time.monotonic() < deadline:
                    time.sleep(PAUSE)
                    continue
                if isinstance(error, sqlite3.ProgrammingError | sqlite3.IntegrityError):
                    return error
                return self._unavailable(error)
            except BaseException as error:  # noqa: BLE001  the caller gets it, not this thread
                self._undo(connection)
                return error
            return None

    def _transact(self, connection: sqlite3.Connection, jobs: Sequence[_Job]) -> None:
        durable = any(job.durable for job in jobs)
        if durable != self._synchronous and not self._readonly:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._synchronous = durable
        connection.execute("BEGIN" if self._readonly else "BEGIN IMMEDIATE")
        for job in jobs:
            job.result = job.function(connection)
        connection.execute("COMMIT")

    def _undo(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            try:
                connection.execute("ROLLBACK")
            except sqlite3.Error:
                log.warning("rolling back %s failed", self._name, exc_info=True)

    def _unavailable(self, error: Exception) -> Unavailable:
        unavailable = Unavailable(f"{self._name}: {error}")
        unavailable.__cause__ = error
        return unavailable


def _transient(error: sqlite3.Error) -> bool:
    return isinstance(error, sqlite3.OperationalError) and any(
        word in str(error) for word in _TRANSIENT
    )


def _report(job: _Job, error: BaseException | None) -> None:
    _settle(job.loop, job.future, job.result, error)


def _settle(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[Any],
    result: Any = None,
    error: BaseException | None = None,
) -> None:
    """Give a result to a future of another thread's loop."""
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(_resolve, future, result, error)


def _resolve(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
