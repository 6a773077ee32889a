"""Parsing in processes that can be killed: a feed may loop, swell or crash, the service may not.

The only importer of pebble. The processes are forked from a server that holds the parsers and
nothing else, so one that is killed is replaced within milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import multiprocessing
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import Self

from pebble import ProcessExpired, ProcessPool

from monitor.errors import MonitorError, Rejected, Unavailable
from monitor.model import Article, Document, Source
from monitor.sources import TYPES

WAIT = 10.0
"""Seconds that one document may take."""
MEMORY = 512 * 1024 * 1024
"""Bytes that a process may take beyond what it starts with."""
MAX_TASKS = 200
"""Documents after which a process is replaced, because parsers leak."""
STOP = 4.0
"""Seconds that the processes may take to end."""
_GRACE = 20.0
"""Seconds beyond `WAIT` after which the pool itself, not the document, is stuck."""
_PR_SET_PDEATHSIG = 1  # linux/prctl.h

_main_hidden = threading.Lock()


def parse_document(source: Source, document: Document) -> tuple[Article, ...]:
    """Return the articles of a document; runs in a parser process."""
    return TYPES[source.type].parse(document, source)


class ParserPool:
    """Parses documents in `workers` processes, which start with the first document.

    A document may take `wait` seconds and `memory` bytes. `parse` must be a module's function.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        wait: float = WAIT,
        memory: int = MEMORY,
        parse: Callable[[Source, Document], tuple[Article, ...]] = parse_document,
    ) -> None:
        self._workers = workers
        self._wait = wait
        self._memory = memory
        self._function = parse
        self._pool: ProcessPool | None = None
        # No more than run at once are given to the pool, so that a wait is a parser's own.
        self._slots = asyncio.Semaphore(workers)
        self._running: set[Future[tuple[Article, ...]]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def parse(self, source: Source, document: Document) -> tuple[Article, ...]:
        """Return the articles of a document.

        Raises what the parser raises of MonitorError; Rejected where it takes too long or too
        much memory, crashes or fails; Unavailable where the processes cannot be had.
        """
        async with self._slots:
            # An idle process killed from outside breaks a pool; the next one works.
            with contextlib.suppress(BrokenProcessPool):
                return await self._parse(source, document)
            try:
                return await self._parse(source, document)
            except BrokenProcessPool as error:
                raise Unavailable("the parser processes cannot be started") from error

    async def close(self) -> None:
        """End all processes at once; documents under way fail."""
        pool, self._pool = self._pool, None
        # pebble leaves the waiting ones waiting.
        for future in tuple(self._running):
            future.cancel()
        if pool is not None:
            await _stopped(pool)

    async def _parse(self, source: Source, document: Document) -> tuple[Article, ...]:
        pool = await self._open()
        try:
            future = pool.schedule(self._function, (source, document), timeout=self._wait)
        except RuntimeError as error:
            await self._discard(pool)
            raise BrokenProcessPool("the pool of parser processes broke") from error
        self._running.add(future)
        try:
            async with asyncio.timeout(self._wait + _GRACE):
                return await asyncio.wrap_future(future)
        except MonitorError:
            raise
        except BrokenProcessPool:
            await self._discard(pool)
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise Unavailable("the parser processes were closed") from None
        except Exception as error:
            if isinstance(error, TimeoutError) and future.cancelled():
                await self._discard(pool)
                raise Unavailable("the parser processes do not answer") from error
            raise self._meaning(error) from error
        finally:
            self._running.discard(future)

    def _meaning(self, error: Exception) -> Rejected:
        """Return what a failure says of the document: whatever it is, it is that document's end."""
        match error:
            case TimeoutError():
                return Rejected(f"parsing took longer than {self._wait:g} s")
            case ProcessExpired():
                return Rejected(f"the parser crashed (exit code {error.exitcode})")
            case MemoryError():
                megabytes = self._memory // (1024 * 1024)
                return Rejected(f"parsing needs more than {megabytes} MB of memory")
            case _:
                return Rejected(f"the parser failed: {type(error).__name__}: {error}")

    async def _open(self) -> ProcessPool:
        """Return the pool, a new one where the last one broke."""
        if self._pool is None:
            self._pool = _pool(self._workers, self._memory)
        pool = self._pool
        # The first look starts the fork server, which blocks until that runs.
        if not await asyncio.to_thread(lambda: pool.active):
            await self._discard(pool)
            raise BrokenProcessPool("the pool of parser processes broke")
        return pool

    async def _discard(self, pool: ProcessPool) -> None:
        if self._pool is pool:
            self._pool = None
        await _stopped(pool)


class _ParserProcess(ForkServerProcess):
    """A process that does not run the main module again, as multiprocessing would have it.

    That is the whole service's start, loaded into every parser.
    """

    def start(self) -> None:
        with _main_module_hidden():
            super().start()


class _ParserContext(ForkServerContext):
    Process = _ParserProcess


@contextlib.contextmanager
def _main_module_hidden() -> Iterator[None]:
    """Hide the main module's file, by which multiprocessing finds what to run again."""
    main = vars(sys.modules["__main__"])
    with _main_hidden:
        file = main.pop("__file__", None)
        try:
            yield
        finally:
            if file is not None:
                main["__file__"] = file


def _pool(workers: int, memory: int) -> ProcessPool:
    multiprocessing.set_forkserver_preload(["monitor.sources.preload"])
    return ProcessPool(
        max_workers=workers,
        max_tasks=MAX_TASKS,
        initializer=_begin,
        initargs=(memory,),
        context=_ParserContext(),
    )


async def _stopped(pool: ProcessPool) -> None:
    """Stop a pool in a daemon thread, for `STOP` seconds at most.

    One that hangs there keeps the process from its exit no longer, and its parsers die with it.
    """
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def stop() -> None:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=stop, name="parser pool's end", daemon=True).start()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STOP):
            await done.wait()


def _begin(memory: int) -> None:
    """Prepare a parser process: it dies at once when told to, and with those it works for."""
    # pebble's handler runs only between two steps of Python, which a hanging parser never ends.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        _die_with_the_service()
        # The fork server is the parent here, and without it nobody would hear of our end.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _die_with_the_service() -> None:
    """Have the kernel end this process when the service ends, however either of them hangs.

    The sentinel is a pipe from the service; its end raises SIGIO, which kills (fcntl(2)).
    """
    service = multiprocessing.parent_process()
    if service is None:
        return
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(service.sentinel, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(service.sentinel, fcntl.F_GETFL)
    fcntl.fcntl(service.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)
    if not service.is_alive():
        os._exit(1)
