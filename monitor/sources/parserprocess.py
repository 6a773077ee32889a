"""The inside of a parser process: it reads documents one after another until it is killed.

Messages are pickles after their length in 8 bytes, big-endian, over a socket. Answers come from
where hostile documents are read, so nothing but data is taken out of them.
"""

from __future__ import annotations

import ctypes
import fcntl
import io
import multiprocessing
import os
import pickle
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from monitor.errors import MonitorError, Rejected
from monitor.model import Document, Memory, PageText, Parsed, Source, Survey
from monitor.sources import DOCUMENT_READERS, TYPES

LENGTH = struct.Struct(">Q")
_OF_DATA = ("monitor.errors", "datetime", __name__)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a document: a value, an error that was raised on purpose, or neither and why.
    `swollen` says that the memory ran out."""

    value: object = None
    error: MonitorError | None = None
    failure: str = ""
    swollen: bool = False


class _Data(pickle.Unpickler):
    """Reads a pickle of data: of our types, our errors and times."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a type; raises UnpicklingError for anything else, which a pickle could call."""
        if module in _OF_DATA or module.startswith("monitor.model."):
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise pickle.UnpicklingError(f"{module}.{name}")


def answer_of(payload: bytes) -> Answer:
    """Return the answer of a parser process. Raises Rejected where it is none."""
    try:
        answer = _Data(io.BytesIO(payload)).load()
    except Exception as error:  # a pickle can fail in any way
        raise Rejected(f"the parser answered with what is no answer: {error}") from error
    if not isinstance(answer, Answer):
        raise Rejected("the parser answered with what is no answer")
    return answer


def parse_document(source: Source, document: Document, memory: Memory) -> Parsed:
    """Return what a document holds."""
    source_type = TYPES[memory.chosen_type or source.type]
    if source_type.resolves:
        raise Rejected(f"what is behind {source.location} is not found yet")
    return source_type.parse(document, source, memory)


def extract_document(document: Document) -> PageText:
    """Return what an article's page says."""
    text: PageText = import_module(DOCUMENT_READERS[0]).extract(document)
    return text


def survey_document(document: Document) -> Survey:
    """Return what an unknown document is."""
    survey: Survey = import_module(DOCUMENT_READERS[1]).survey(document)
    return survey


def serve(channel: socket.socket, memory: int) -> None:
    """Answer messages, each a function of a module and its arguments, until the channel ends."""
    _begin(memory)
    with channel, channel.makefile("rb") as incoming:
        while head := incoming.read(LENGTH.size):
            function, arguments = pickle.loads(incoming.read(*LENGTH.unpack(head)))  # noqa: S301
            payload = _answer(function, arguments)
            channel.sendall(LENGTH.pack(len(payload)) + payload)


def _answer(function: Callable[..., object], arguments: tuple[object, ...]) -> bytes:
    try:
        return pickle.dumps(Answer(value=function(*arguments)))
    except MemoryError:
        return pickle.dumps(Answer(swollen=True))
    except MonitorError as error:
        return pickle.dumps(Answer(error=error))
    except Exception as error:  # noqa: BLE001  (whatever it is, it is that document's end)
        return pickle.dumps(Answer(failure=f"{type(error).__name__}: {error}"))


def _begin(memory: int) -> None:
    """Prepare a parser process: it dies at once when told to, and with those it works for."""
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
