"""What a poll costs: `python -m tests.benchmarks.polling [--postgres] [--miniflux] [--feeds N]`.

The service as it is composed for `monitor run`, less the reading of its outbox, polls 2,000 feeds
once in each phase: the first import; 304 for all; 304 for all but a tenth, which have a new item;
the same body from servers that always send it; a new item in each. From the second phase on each
source remembers 30 polls and 28 days. CPU counts, since other processes may disturb the wall time:
of our process, by step, of the parsers and of PostgreSQL.

Ten feeds share a host, or as many as `--hosts` says. A host is asked for one at a time, 2 s apart:
the clock skips these pauses, so its connection stays open as it does in earnest.

`--miniflux` has Miniflux poll the same feeds in the same phases afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import os
import pstats
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import uvloop

from monitor import telemetry, visitor
from monitor.app import compose, load_config
from monitor.clock import SystemClock
from monitor.decide.hosts import LEAST_GAP
from monitor.model import Document, Memory, Poll, PollNote
from monitor.service import Service
from monitor.store import items, leasing, polls
from tests.benchmarks.feedhost import address
from tests.benchmarks.meter import Meter
from tests.benchmarks.miniflux import Miniflux
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer

PHASES = {
    "a": "first import",
    "b": "304",
    "c": "a tenth with a new item, else 304",
    "d": "200, the same body",
    "e": "200, a new item",
}
LEASE = 600.0
BATCH = 200
STEPS = {"lease": "lease_turns", "known": "known", "record": "record_polls"}


class HurriedClock(SystemClock):
    """The machine's clock, less the pauses in which hosts are left alone."""

    skipped = 0.0

    def now(self) -> datetime:
        """Return the current time, UTC."""
        return super().now() + timedelta(seconds=self.skipped)

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return super().monotonic() + self.skipped


def watch(service: Service, meter: Meter) -> None:
    """Count the steps of the service."""
    meter.watch(service.web, "fetch", "fetch")  # the fetcher of feeds is the one of pages
    meter.watch(service.parser, "parse", "way to the parsers")
    if service.config.settings.database.startswith("sqlite"):  # whole in a thread
        meter.watch_plain(leasing, "lease_ready", "lease")
        meter.watch_plain(items, "known_of", "known")
        meter.watch_plain(polls, "record", "record")
    else:
        for name, method in STEPS.items():
            meter.watch(service.store, method, name)
    meter.watch_plain(visitor, "changes", "decide")
    meter.watch_plain(visitor, "conclude", "decide")


async def make_due(service: Service, *, grown: bool) -> None:
    """Make every source due now, `grown` with a memory of 30 polls and 28 days."""
    now = service.clock.now()
    turns = await service.store.lease_sources([], now, "benchmark", LEASE)
    due = [
        Poll(
            source=turn.state.source.name,
            host=turn.host,
            next_poll_at=now,
            host_next_at=now,
            memory=_grown(turn.state.memory, now) if grown else turn.state.memory,
        )
        for turn in turns
        if turn.state is not None
    ]
    for at in range(0, len(due), BATCH):
        await service.store.record_polls(due[at : at + BATCH], "benchmark")


def _grown(memory: Memory, now: datetime) -> Memory:
    times = (now - timedelta(hours=hours) for hours in range(30, 0, -1))
    notes = tuple(
        PollNote(at=at, outcome="unchanged", status=304, size=200, known=20, seconds=0.25).pack()
        for at in times
    )
    days = {f"{(now - timedelta(days=days)).date()}": 3 for days in range(27, -1, -1)}
    return replace(memory, polls=notes, days=days)


async def poll_all(service: Service, clock: HurriedClock, feeds: int) -> Counter[str]:
    """Poll every feed, return the outcomes."""
    poller, before = service._poller(), _polls()
    while (outcomes := _polls() - before).total() < feeds:
        if not await poller.poll_due():
            clock.skipped += LEAST_GAP
        while poller._running:
            await asyncio.wait(poller._running)
    assert outcomes.total() == feeds, outcomes
    return outcomes


async def measure(
    service: Service, clock: HurriedClock, meter: Meter, url: str, options: argparse.Namespace
) -> None:
    """Go through the phases and print what each costs."""
    feeds = options.feeds
    now = service.clock.now()
    await service.store.declare(service.config.sources, now)
    page = Document(url=url, body=b"<p>Parsers start with the first document.", fetched=now)
    await asyncio.gather(*(service.parser.extract(page) for _ in range(2)))
    gc.collect()
    gc.freeze()  # as the service does when it has started
    for phase in options.phases:
        await asyncio.to_thread(turn_to, phase, url)
        await make_due(service, grown=phase != "a")
        await service.fetchers["feed"].close()  # nobody keeps a connection for an hour
        profile = cProfile.Profile() if options.profile == phase else None
        before, started = meter.read(), time.perf_counter()
        with profile or nullcontext():
            outcomes = await poll_all(service, clock, feeds)
        wall, spent = time.perf_counter() - started, meter.read()
        each = {name: (at - before.get(name, 0)) / feeds for name, at in spent.items()}
        show(f"({phase}) {PHASES[phase]}", outcomes, wall, each)
        if profile:
            for order in ("tottime", "cumtime"):
                pstats.Stats(profile).sort_stats(order).print_stats(60)


def show(title: str, outcomes: Counter[str], wall: float, spent: dict[str, float]) -> None:
    """Print a phase, in ms a poll."""
    ours, threads, parsers = (spent.pop(name) for name in ("ours", "threads", "parsers"))
    postgres = spent.pop("postgres", None)
    if postgres is None:
        threads -= sum(spent.get(name, 0) for name in STEPS)
    spent["threads"] = threads
    spent["loop, sockets, tasks"] = ours - sum(spent.values())
    server = "" if postgres is None else f", PostgreSQL {postgres * 1e3:.2f}"
    polls = outcomes.total()
    print(
        f"{title}: {(ours + parsers) * 1e3:.2f} ms CPU a poll (ours {ours * 1e3:.2f}, parsers"
        f" {parsers * 1e3:.2f}){server}; {wall:.1f} s, {polls / wall:.0f} polls/s;"
        f" {', '.join(f'{number} {name}' for name, number in sorted(outcomes.items()))}"
    )
    print("    " + ", ".join(f"{name} {seconds * 1e3:.3f}" for name, seconds in spent.items()))
    sys.stdout.flush()


def _polls() -> Counter[str]:
    return Counter(
        {
            sample.labels["outcome"]: int(sample.value)
            for metric in telemetry.POLLS.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        }
    )


def write_config(folder: Path, feeds: int, hosts: int, port: int) -> None:
    """Write a configuration with nothing but the feeds."""
    folder.mkdir(parents=True)
    lines = [
        f"  feed-{number}:"
        f" {{type: feed, url: 'http://{address(number % hosts)}:{port}/feeds/{number}',"
        " interval: 1h, full_text: never}"
        for number in range(feeds)
    ]
    (folder / "sources.yaml").write_text("\n".join(["sources:", *lines, ""]))
    (folder / "topics.yaml").write_text("topics: {}\n")
    (folder / "alerts.yaml").write_text("channels: {}\nrules: {}\n")


async def run(options: argparse.Namespace, folder: Path, postgres: PostgresServer | None) -> None:
    """Start what serves the feeds, and the service; measure."""
    port = free_port()
    hosts = hosts_of(options)
    write_config(folder / "config", options.feeds, hosts, port)
    named = {"postgres": psutil.Process(postgres.pid)} if postgres else {}
    given = {"database_url": postgres.create_database()} if postgres else {}
    config = load_config(
        config_dir=folder / "config",
        data_dir=folder / "data",
        private_networks=("127.0.0.0/8",),
        **given,
    )
    with served(port, options.feeds) as sizes:
        database = config.settings.database.partition(":")[0]
        print(f"{options.feeds} {sizes} on {hosts} hosts, {database}", flush=True)
        meter, clock = Meter(named), HurriedClock()
        service = compose(config, clock)
        if not options.whole:
            watch(service, meter)
        async with service.connected(broker=False):
            url = f"http://127.0.0.1:{port}"
            await measure(service, clock, meter, url, options)


@contextmanager
def served(port: int, feeds: int) -> Iterator[str]:
    """Serve feeds as they are at first; yield their sizes."""
    command = [sys.executable, "-m", "tests.benchmarks.feedhost", str(port), str(feeds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as host:
        try:
            assert host.stdout is not None
            yield host.stdout.readline().strip()
        finally:
            host.kill()


def measure_miniflux(options: argparse.Namespace) -> None:
    """Print what the phases cost Miniflux."""
    port = free_port()
    with PostgresServer() as server, served(port, options.feeds):
        other = Miniflux(server, port, options.feeds, hosts_of(options))
        for phase in options.phases:
            turn_to(phase, f"http://127.0.0.1:{port}")
            other.measure(f"({phase}) {PHASES[phase]}", options.feeds)


def turn_to(phase: str, url: str) -> None:
    """Have the feeds turn to another phase."""
    urllib.request.urlopen(f"{url}/phase/{phase}").close()  # noqa: S310  (ours)


def hosts_of(options: argparse.Namespace) -> int:
    """Return the number of hosts that share the feeds."""
    return int(options.hosts or max(options.feeds // 10, 1))


def main() -> None:
    """Measure SQLite, or PostgreSQL with our own server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--miniflux", action="store_true", help="needs Go and PostgreSQL")
    parser.add_argument("--feeds", type=int, default=2_000)
    parser.add_argument("--hosts", type=int, default=0, help="a tenth of the feeds")
    parser.add_argument("--phases", default="abcde", help="a comes first; some may come again")
    parser.add_argument("--whole", action="store_true", help="no steps, whose counting has a cost")
    parser.add_argument("--profile", choices=PHASES, default="", help="by function, slows it down")
    options = parser.parse_args()
    telemetry.configure_logging("text", "warning")
    os.environ.pop("MONITOR_DATABASE_URL", None)
    with (
        tempfile.TemporaryDirectory(prefix="news-monitor-") as name,
        PostgresServer() if options.postgres else nullcontext() as postgres,
    ):
        uvloop.run(run(options, Path(name), postgres))
    if options.miniflux:
        measure_miniflux(options)


if __name__ == "__main__":
    main()
