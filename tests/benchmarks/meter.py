"""CPU time, by what needed it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Generator
from dataclasses import dataclass, field
from typing import Any

import psutil


@dataclass
class Resumed:
    """Awaits, and counts the CPU nanoseconds that this thread needs for it."""

    waited: Awaitable[Any]
    spent: Counter[str]
    name: str

    def __await__(self) -> Generator[Any, Any, Any]:
        inner, value, error = self.waited.__await__(), None, None
        while True:
            started = time.thread_time_ns()
            try:
                told = inner.send(value) if error is None else inner.throw(error)
            except StopIteration as done:
                return done.value
            finally:
                self.spent[self.name] += time.thread_time_ns() - started
            value = error = None
            try:
                value = yield told
            except BaseException as raised:  # noqa: BLE001  (handed to whom it is for)
                error = raised


@dataclass
class Meter:
    """CPU time, by what needed it: `others` are servers, `steps` are ours, in ns."""

    others: dict[str, psutil.Process]
    steps: Counter[str] = field(default_factory=Counter)

    def watch(self, owner: Any, method: str, name: str) -> None:
        """Count a coroutine function's CPU as a step."""
        function = getattr(owner, method)

        async def counted(*arguments: Any, **named: Any) -> Any:
            return await Resumed(function(*arguments, **named), self.steps, name)

        setattr(owner, method, counted)

    def watch_plain(self, owner: Any, method: str, name: str) -> None:
        """Count a function's CPU as a step."""
        function = getattr(owner, method)

        def counted(*arguments: Any, **named: Any) -> Any:
            started = time.thread_time_ns()
            try:
                return function(*arguments, **named)
            finally:
                self.steps[name] += time.thread_time_ns() - started

        setattr(owner, method, counted)

    def read(self) -> dict[str, float]:
        """Return CPU seconds that were needed so far; the steps are part of `ours`."""
        main = threading.main_thread().native_id
        threads = psutil.Process().threads()
        elsewhere = sum(at.user_time + at.system_time for at in threads if at.id != main)
        parsers = sum(cpu_of(child) for child in _parsers())
        others = {name: cpu_of(process, deep=True) for name, process in self.others.items()}
        now = {"ours": time.process_time(), "threads": elsewhere, "parsers": parsers, **others}
        return {**now, **{name: spent / 1e9 for name, spent in self.steps.items()}}


def _parsers() -> list[psutil.Process]:
    """Return the fork server with its children."""
    return [
        process
        for child in psutil.Process().children()
        if "forkserver" in " ".join(child.cmdline())
        for process in (child, *child.children(recursive=True))
    ]


def cpu_of(process: psutil.Process, *, deep: bool = False) -> float:
    """Return CPU seconds of a process, and of those children that have ended."""
    spent = 0.0
    for member in process.children(recursive=True) if deep else ():
        with contextlib.suppress(psutil.NoSuchProcess):  # it is among those that have ended
            at = member.cpu_times()
            spent += at.user + at.system
    own = process.cpu_times()
    return float(spent + own.user + own.system + own.children_user + own.children_system)
