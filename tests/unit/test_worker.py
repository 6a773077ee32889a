"""Parser processes: whatever a document does to one, the next document is parsed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import psutil
import pytest

from monitor.errors import Rejected, Unavailable
from monitor.model import Memory, Source
from monitor.sources import TYPES
from monitor.sources.parserprocess import parse_document
from monitor.sources.worker import MAX_TASKS, ParserPool
from tests.support.parsers import NOW, SOURCE, TAKE_OVER, misbehave, ordering

ROOT = Path(__file__).parents[2]
MEMORY = 128 * 1024 * 1024


@pytest.fixture
async def pool() -> AsyncIterator[ParserPool]:
    async with ParserPool(wait=1.0, memory=MEMORY, parse=misbehave) as pool:
        yield pool


async def pid_of(pool: ParserPool) -> int:
    """Return the id of a process that has just parsed a document."""
    parsed = await pool.parse(SOURCE, ordering(b""), Memory())
    return int(parsed.articles[0].title)


async def test_a_feed_becomes_articles() -> None:
    body = (ROOT / "tests" / "fixtures" / "feeds" / "rss.xml").read_bytes()
    async with ParserPool() as pool:
        parsed = await pool.parse(SOURCE, ordering(body), Memory())
    assert parsed == parse_document(SOURCE, ordering(body), Memory())
    assert {article.fetched for article in parsed.articles} == {NOW}


def test_every_type_has_a_parser_or_resolves_to_one_that_has() -> None:
    for name, source_type in TYPES.items():
        assert source_type.description
        assert source_type.resolves == (not source_type.parser), name
        assert source_type.resolves or callable(source_type.parse), name


def test_a_source_is_parsed_as_what_it_was_resolved_to() -> None:
    site = Source(name="site", type="site", location="https://news.example")
    document = ordering((ROOT / "tests" / "fixtures" / "feeds" / "rss.xml").read_bytes())
    assert parse_document(site, document, Memory(chosen_type="feed")).articles
    with pytest.raises(Rejected, match="not found yet"):
        parse_document(site, document, Memory())


async def test_a_process_is_replaced_after_so_many_documents() -> None:
    async with ParserPool(workers=1, parse=misbehave) as pool:
        ids = [await pid_of(pool) for _ in range(MAX_TASKS + 1)]
    assert len(set(ids[:-1])) == 1
    assert ids[-1] != ids[0]


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (b"hang", "took longer than 1 s"),
        (b"hang in C", "took longer than 1 s"),
        (b"swell", "needs more than 128 MB of memory"),
        (b"crash", r"the parser crashed \(exit code -11\)"),
        (b"fail", "the parser failed: RuntimeError: a bug"),
        (b"reject", "^this is no feed$"),
    ],
)
async def test_a_bad_document_is_rejected_and_the_next_one_parsed(
    pool: ParserPool, order: bytes, reason: str
) -> None:
    assert await pid_of(pool)
    with pytest.raises(Rejected, match=reason):
        await pool.parse(SOURCE, ordering(order), Memory())
    assert await pid_of(pool)


async def test_an_answer_is_data_and_runs_nothing(pool: ParserPool, tmp_path: Path) -> None:
    folder = tmp_path / "owned"
    with pytest.raises(Rejected, match=r"answered with what is no answer: .*mkdir"):
        await pool.parse(SOURCE, ordering(TAKE_OVER + str(folder).encode()), Memory())
    assert not folder.exists()
    assert await pid_of(pool)


async def test_errors_arrive_as_they_were_raised(pool: ParserPool) -> None:
    with pytest.raises(Unavailable, match=r"^later$") as failure:
        await pool.parse(SOURCE, ordering(b"postpone"), Memory())
    assert failure.value.retry_after == 7.0


async def test_more_bad_documents_than_processes(pool: ParserPool) -> None:
    orders = [b"hang", b"", b"crash", b"", b"hang", b"swell", b"", b"fail"]
    documents = [pool.parse(SOURCE, ordering(order), Memory()) for order in orders]
    outcomes = await asyncio.gather(*documents, return_exceptions=True)
    assert [isinstance(outcome, Rejected) for outcome in outcomes] == [
        order != b"" for order in orders
    ]


async def test_idle_processes_may_be_killed(pool: ParserPool) -> None:
    first = psutil.Process(await pid_of(pool))
    everyone = _parsers()
    assert first in everyone
    for process in everyone:
        with contextlib.suppress(psutil.NoSuchProcess):  # the pool itself may be faster
            process.kill()
    psutil.wait_procs(everyone, timeout=10)
    assert await pid_of(pool) != first.pid


async def test_the_fork_server_may_be_killed(pool: ParserPool) -> None:
    first = psutil.Process(await pid_of(pool))
    server = first.parent()
    assert server is not None
    server.kill()
    psutil.wait_procs([first], timeout=10)
    assert await pid_of(pool) != first.pid


async def test_a_parser_does_not_load_the_program_that_it_works_for(
    pool: ParserPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with `python -m`: its main module has a name by which another process finds it."""
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__spec__", ModuleSpec("tests.support.news", None))
    with pytest.raises(Rejected, match="the parsers alone"):
        await pool.parse(SOURCE, ordering(b"tell main"), Memory())
    assert main.__spec__ is not None


async def test_closing_ends_processes_and_documents_at_once() -> None:
    async with ParserPool(wait=60.0, parse=misbehave) as pool:
        process = psutil.Process(await pid_of(pool))
        hanging = [
            asyncio.ensure_future(pool.parse(SOURCE, ordering(b"hang"), Memory())) for _ in range(3)
        ]
        await asyncio.wait(hanging, timeout=0.2)
    assert not psutil.wait_procs([process], timeout=5)[1]
    for outcome in await asyncio.gather(*hanging[:2], return_exceptions=True):
        assert isinstance(outcome, Unavailable)
    hanging[2].cancel()
    with contextlib.suppress(asyncio.CancelledError, Unavailable):
        await hanging[2]


async def test_a_cancelled_document_frees_its_process() -> None:
    async with ParserPool(workers=1, wait=60.0, parse=misbehave) as pool:
        first = await pid_of(pool)
        hanging = asyncio.ensure_future(pool.parse(SOURCE, ordering(b"hang"), Memory()))
        await asyncio.wait([hanging], timeout=0.2)
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        assert await pid_of(pool) != first


SERVICE = """
import asyncio, contextlib, signal

# As at a terminal: a shell starts what it puts into the background with interrupts ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

from monitor.model import Memory
from monitor.sources.worker import ParserPool
from tests.support.parsers import SOURCE, TAKE_OVER, misbehave, ordering

async def main():
    async with ParserPool(wait=600.0, parse=misbehave) as pool:
        parsed = await pool.parse(SOURCE, ordering(b""), Memory())
        hanging = asyncio.ensure_future(pool.parse(SOURCE, ordering(b"hang"), Memory()))
        await asyncio.wait([hanging], timeout=0.2)
        print(parsed.articles[0].title, flush=True)
        await hanging

with contextlib.suppress(KeyboardInterrupt):
    asyncio.run(main())
"""


@contextlib.contextmanager
def service() -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    """Run a service whose parser hangs; yield it and all its processes."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVICE],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline().strip().isdigit()
            yield running, psutil.Process(running.pid).children(recursive=True)
        finally:
            running.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_parsers_die_with_the_service(number: signal.Signals) -> None:
    with service() as (running, family):
        assert len(family) >= 3  # a parser, the fork server and the resource tracker
        running.send_signal(number)
        running.wait(10)
        assert not psutil.wait_procs(family, timeout=10)[1]


def test_an_interrupt_from_the_terminal_is_quiet() -> None:
    with service() as (running, family):
        os.killpg(running.pid, signal.SIGINT)
        _, errors = running.communicate(timeout=10)
        assert "Traceback" not in errors
        assert running.returncode == 0
        assert not psutil.wait_procs(family, timeout=10)[1]


def _parsers() -> list[psutil.Process]:
    """Return the parser processes of this process: the children of its fork server.

    Not its other grandchildren: a database server of other tests has some too.
    """
    children = psutil.Process().children(recursive=False)
    servers = [child for child in children if "forkserver" in " ".join(child.cmdline())]
    return [parser for server in servers for parser in server.children()]
