"""Parsers that behave badly, for parser processes: what they do, the document's body says."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

from monitor.errors import Rejected, Unavailable
from monitor.model import Document, Memory, Parsed, Source
from tests.support.articles import an_article

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
SOURCE = Source(name="wire", type="feed", location="https://news.example/feed.xml")


def ordering(order: bytes) -> Document:
    """Return a document that tells the parser what to do."""
    return Document(url=SOURCE.location, body=order, fetched=NOW)


TAKE_OVER = b"take over "


class Trojan:
    """What a parser answers that a document has taken over: it makes a folder where it is read."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (self.folder,)


def misbehave(source: Source, document: Document, memory: Memory) -> Parsed:
    """Do what the document says; otherwise return one article whose title is the process's id."""
    if document.body.startswith(TAKE_OVER):
        return cast(Parsed, Trojan(document.body.removeprefix(TAKE_OVER).decode()))
    act = _ACTS.get(document.body)
    if act is not None:
        act()
    return Parsed(articles=(an_article(title=str(os.getpid())),))


def _hang() -> None:
    while True:
        pass


def _hang_in_c() -> None:
    # The search never returns to Python, so no handler of a signal ever runs.
    signal.signal(signal.SIGTERM, lambda *_: None)
    re.search("(a+)+b", "a" * 64)


def _swell() -> None:
    # Not one block, which the system refuses before anything else is short of memory.
    hoard = [bytearray(1_000_000) for _ in range(10_000)]
    raise AssertionError(len(hoard))


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _fail() -> None:
    raise RuntimeError("a bug")


def _reject() -> None:
    raise Rejected("this is no feed")


def _tell_main() -> None:
    loaded = hasattr(sys.modules["__mp_main__"], "__file__")
    raise Rejected("the main module" if loaded else "the parsers alone")


def _postpone() -> None:
    raise Unavailable("later", retry_after=7.0)


_ACTS: dict[bytes, Callable[[], None]] = {
    b"hang": _hang,
    b"hang in C": _hang_in_c,
    b"swell": _swell,
    b"crash": _crash,
    b"fail": _fail,
    b"tell main": _tell_main,
    b"reject": _reject,
    b"postpone": _postpone,
}
