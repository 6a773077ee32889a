"""A message that parsers hang or die of: it is told and left out, and the mailbox goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import pytest

from monitor.errors import Rejected
from monitor.model import Document, Memory, NotModified, Parsed, Poll, Source, SourceState, Turn
from monitor.protocols import Parser
from monitor.sources.mail import parse
from monitor.sources.mailbox import MAILBOX_TYPE
from monitor.sources.singly import PATIENCE
from monitor.sources.worker import ParserPool
from monitor.store import SqlStore
from monitor.visitor import Visitor
from tests.support.clock import START, FakeClock
from tests.support.mailparsers import HANGS, KILLS, fragile
from tests.support.polls import a_source
from tests.support.simulation import InlineParser

SOURCE = a_source("letters", type="mail", location="imaps://desk@mail.example/INBOX")
TEXT = b"The council met again on Monday and put off the vote on the harbour."


def a_letter(number: int, text: bytes = TEXT, page: str = "") -> bytes:
    """Return a message whose title is its number."""
    head = f"Subject: {number}\r\nMessage-ID: <{number}@gazette.example>\r\n"
    named = f"Archived-At: <{page}>\r\n" if page else ""
    return f"{head}{named}\r\n".encode() + text


@dataclass
class Mailbox:
    """A mailbox as its fetcher tells of it: all messages after the number in the state's etag."""

    letters: Sequence[bytes]
    asked: list[str] = field(default_factory=list)

    async def fetch(self, state: SourceState) -> Document | NotModified:
        self.asked.append(state.memory.etag)
        last = int(state.memory.etag.partition(":")[2] or 0)
        new = [(uid, raw) for uid, raw in enumerate(self.letters, 1) if uid > last]
        if not new:
            return NotModified(etag=state.memory.etag, last_modified="", body_hash="")
        return Document(
            url=SOURCE.location,
            body=msgspec.msgpack.encode(new),
            content_type=MAILBOX_TYPE,
            etag=f"7:{len(self.letters)}",
            status=0,
            fetched=START,
        )

    async def close(self) -> None:
        """Nothing is open."""


async def polls_of(mailbox: Mailbox, parser: Parser, clock: FakeClock, times: int) -> list[Poll]:
    """Poll a mailbox so often, each time with what the poll before has left behind."""
    store = SqlStore.from_url("sqlite://", clock)
    await store.start()
    await store.migrate()
    visitor = Visitor(store, {"mail": mailbox}, InlineWeb(), parser, clock, "newsmonitor/1")
    polls: list[Poll] = []
    memory = Memory()
    for _ in range(times):
        state = SourceState(source=SOURCE, next_poll_at=START, memory=memory)
        polls.append(await visitor.poll(Turn(host="mail.example", state=state)))
        memory = polls[-1].memory
    await store.stop()
    return polls


class InlineWeb:
    """A mailbox needs none."""

    async def get(self, url: str, *, max_bytes: int = 0, user_agent: str = "") -> Document:
        raise AssertionError(url)


def titles(poll: Poll) -> list[str]:
    return [article.title for article in poll.articles]


@pytest.mark.parametrize(
    ("text", "why"),
    [(KILLS, "the parser crashed"), (HANGS, "parsing took longer than 3 s")],
    ids=["kills", "hangs"],
)
async def test_a_message_that_kills_a_parser_is_told_and_left_out(text: bytes, why: str) -> None:
    mailbox = Mailbox([a_letter(1), a_letter(2), a_letter(3, text), a_letter(4), a_letter(5)])
    async with ParserPool(workers=1, wait=3.0, parse=fragile) as pool:
        first, second = await polls_of(mailbox, pool, FakeClock(), 2)
    assert titles(first) == ["1", "2", "4", "5"]
    assert first.memory.last_outcome == "changed"
    assert first.refused is not None
    assert (first.refused.body, first.refused.content_type) == (a_letter(3, text), "message/rfc822")
    assert first.why.startswith(f"message 3 is left out: {why}")
    note = first.memory.notes[-1]
    assert (note.new, note.rejected, note.error) == (4, 1, first.why)
    # The next poll goes on behind it.
    assert mailbox.asked == ["", "7:5"]
    assert (second.refused, second.why, second.memory.last_outcome) == (None, "", "unchanged")


@dataclass
class SlowParser(InlineParser):
    """Takes a while for each message, and more than it has for more than one."""

    clock: FakeClock
    seconds: float

    async def parse(self, source: Source, document: Document, memory: Memory) -> Parsed:
        count = len(msgspec.msgpack.decode(document.body, type=list[tuple[int, bytes]]))
        self.clock.advance(self.seconds)
        if count > 1 or KILLS in document.body:
            raise Rejected("parsing took longer than 10 s")
        return parse(document, source, memory)


@pytest.mark.parametrize("killing", [b"", KILLS], ids=["heavy", "killing"])
async def test_a_poll_is_patient_for_so_long_and_the_next_goes_on(killing: bytes) -> None:
    mailbox = Mailbox([a_letter(number, TEXT + killing) for number in range(1, 6)])
    clock = FakeClock()
    polls = await polls_of(mailbox, SlowParser(clock, PATIENCE / 2), clock, 3)
    assert mailbox.asked == ["", "7:2", "7:4"]
    assert [poll.memory.etag for poll in polls] == ["7:2", "7:4", "7:5"]
    found = [titles(poll) for poll in polls]
    assert found == ([[], [], []] if killing else [["1", "2"], ["3", "4"], ["5"]])
    assert [poll.memory.notes[-1].rejected for poll in polls] == ([2, 2, 1] if killing else [0] * 3)
    if killing:
        assert polls[0].why.count("is left out") == 2


async def test_a_page_that_several_messages_name_is_that_of_none(tmp_path: Path) -> None:
    page = "https://gazette.example/letters/all?x=1"
    mailbox = Mailbox([a_letter(1, page=page), a_letter(2, page=page), a_letter(3, KILLS)])
    clock = FakeClock()
    (poll,) = await polls_of(mailbox, SlowParser(clock, 0.1), clock, 1)
    assert [article.url for article in poll.articles] == ["", ""]


async def test_another_document_is_refused_as_a_whole() -> None:
    class Other(Mailbox):
        async def fetch(self, state: SourceState) -> Document | NotModified:
            document = await super().fetch(state)
            assert isinstance(document, Document)
            return replace(document, content_type="text/html")

    (poll,) = await polls_of(Other([a_letter(1)]), InlineParser(), FakeClock(), 1)
    assert poll.memory.last_outcome == "refused"
    assert poll.memory.etag == ""
