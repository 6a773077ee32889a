"""Parsing in processes that can be killed: documents may loop, swell or crash, the service may not.

The processes are forked from a server that holds the parsers and nothing else, so one that is
killed is replaced within milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.context import ForkServerContext, ForkServerProcess
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from monitor.errors import Rejected, Unavailable
from monitor.model import Document, Memory, PageText, Parsed, Source, Survey
from monitor.sources.parserprocess import (
    LENGTH,
    Answer,
    answer_of,
    extract_document,
    parse_document,
    serve,
    survey_document,
)

WAIT = 10.0
"""Seconds that one document may take."""
MEMORY = 512 * 1024 * 1024
"""Bytes that a process may take beyond what it starts with."""
MAX_TASKS = 200
"""Documents after which a process is replaced, because parsers leak."""
STOP = 4.0
"""Seconds that a process may take to end or to start."""
_FROM_OUTSIDE = frozenset((-signal.SIGKILL, -signal.SIGTERM, 255))
"""Exit codes that are not the document's doing; 255 is that of a lost fork server."""

T = TypeVar("T")
_main_hidden = threading.Lock()


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
        parse: Callable[[Source, Document, Memory], Parsed] = parse_document,
    ) -> None:
        self._wait = wait
        self._memory = memory
        self._function = parse
        self._context = ForkServerContext()
        self._slots = asyncio.Semaphore(workers)
        self._idle: list[_Process] = []
        self._busy: set[_Process] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def parse(self, source: Source, document: Document, memory: Memory) -> Parsed:
        """Return what a document holds, in the light of the last poll.

        Raises what the parser raises of MonitorError; Rejected where it takes too long or too
        much memory, crashes or fails; Unavailable where the processes cannot be had."""
        # What no parser reads would take most of the way there.
        memory = replace(memory, days={}, polls=())
        return await self._run(self._function, source, document, memory)

    async def extract(self, document: Document) -> PageText:
        """Return what the page of an article says; raises as `parse`."""
        return await self._run(extract_document, document)

    async def survey(self, document: Document) -> Survey:
        """Return what an unknown document is; raises as `parse`."""
        return await self._run(survey_document, document)

    async def close(self) -> None:
        """End all processes at once; documents under way fail."""
        self._closed = True
        processes = [*self._idle, *self._busy]
        self._idle.clear()
        for process in processes:
            process.kill()
        await asyncio.gather(*(process.ended() for process in processes))

    async def _run(self, function: Callable[..., T], *arguments: object) -> T:
        message = pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL)
        async with self._slots:
            answer = await self._asked(message) or await self._asked(message)
        if answer is None:
            raise Unavailable("the parser processes were killed")
        if answer.error is not None:
            raise answer.error
        if answer.swollen:
            megabytes = self._memory // (1024 * 1024)
            raise Rejected(f"parsing needs more than {megabytes} MB of memory")
        if answer.failure:
            raise Rejected(f"the parser failed: {answer.failure}")
        return cast(T, answer.value)

    async def _asked(self, message: bytes) -> Answer | None:
        """Return a process's answer, None where it was killed from outside."""
        process = await self._taken()
        self._busy.add(process)
        try:
            async with asyncio.timeout(self._wait):
                answer = await process.answer(message)
        except TimeoutError as error:
            raise Rejected(f"parsing took longer than {self._wait:g} s") from error
        except (OSError, EOFError) as error:
            code = await process.ended()
            if self._closed:
                raise Unavailable("the parser processes were closed") from error
            if code in _FROM_OUTSIDE:
                return None
            raise Rejected(f"the parser crashed (exit code {code})") from error
        else:
            if process.tasks < MAX_TASKS and not self._closed:
                self._idle.append(process)
            return answer
        finally:
            self._busy.discard(process)
            if process not in self._idle:
                process.kill()

    async def _taken(self) -> _Process:
        """Return a process that waits for a document."""
        while self._idle:
            process = self._idle.pop()
            if process.alive:
                return process
            process.kill()
        if self._closed:
            raise Unavailable("the parser processes were closed")
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                # The first start waits for the fork server to load the parsers.
                child = await asyncio.to_thread(_started, self._context, theirs, self._memory)
            return _Process(child, *await asyncio.open_connection(sock=ours))
        except (OSError, EOFError) as error:
            ours.close()
            raise Unavailable("the parser processes cannot be started") from error
        except asyncio.CancelledError:
            ours.close()  # a child that has come about all the same ends with it
            raise


class _Process:
    """One parser process, and the way to it."""

    def __init__(
        self, child: ForkServerProcess, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.tasks = 0
        self._child = child
        self._reader = reader
        self._writer = writer

    @property
    def alive(self) -> bool:
        return not self._reader.at_eof() and self._child.is_alive()

    async def answer(self, message: bytes) -> Answer:
        """Return what the process answers; raises OSError or EOFError where it ends instead,
        Rejected where it is no answer."""
        self.tasks += 1
        self._writer.write(LENGTH.pack(len(message)) + message)
        await self._writer.drain()
        (length,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
        return answer_of(await self._reader.readexactly(length))

    def kill(self) -> None:
        """End the process at once, whatever it does."""
        self._writer.close()
        self._child.kill()

    async def ended(self) -> int | None:
        """Wait until the process has ended; return its exit code, None where it goes on."""
        await asyncio.to_thread(self._child.join, STOP)
        return self._child.exitcode


def _started(context: ForkServerContext, channel: socket.socket, memory: int) -> ForkServerProcess:
    context.set_forkserver_preload(["monitor.sources.preload"])
    child = context.Process(target=serve, args=(channel, memory), daemon=True)
    with _main_module_hidden():
        child.start()
    return child


@contextlib.contextmanager
def _main_module_hidden() -> Iterator[None]:
    """Hide the main module's name and file, by which multiprocessing finds what to run again.

    That is the whole service's start, loaded into every parser.
    """
    main: dict[str, Any] = sys.modules["__main__"].__dict__
    with _main_hidden:
        hidden: dict[str, Any] = {
            name: main[name] for name in ("__file__", "__spec__") if name in main
        }
        main.pop("__file__", None)
        main["__spec__"] = None  # multiprocessing reads it as an attribute
        try:
            yield
        finally:
            main.update(hidden)
