"""What the service stands on goes away, freezes or is not there yet; and orders to stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.kafka import KafkaServer
from tests.support.postgres import PostgresServer
from tests.support.service import ServiceProcess
from tests.support.world import Peers, World, a_world, make_items, say, server_peers, until

OUTAGE = 60.0
SOON = 60.0
DRAINED = 150.0
STOPS_WITHIN = 10.0
STOPS_FROZEN_WITHIN = 20.0
AT_ONCE = 1.5


@pytest.fixture
def mortal_postgres(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """A PostgreSQL for one test alone, which may kill or freeze it; skips as the shared one."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def mortal_peers(mortal_kafka: KafkaServer, mortal_postgres: PostgresServer) -> Peers:
    """Server mode on servers that the test may kill."""
    return server_peers(mortal_kafka, mortal_postgres)


async def health(service: ServiceProcess) -> tuple[int, dict[str, Any]]:
    """Return status and body of /readyz; 0 where nobody answers."""
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{service.url}/readyz") as answer,
        ):
            body: dict[str, Any] = await answer.json()
            return answer.status, body
    except (aiohttp.ClientError, TimeoutError):
        return 0, {}


@dataclass
class Watch:
    """What /livez and /readyz said while somebody looked."""

    livez: set[int] = field(default_factory=set)
    readyz: set[int] = field(default_factory=set)
    words: set[str] = field(default_factory=set)


@asynccontextmanager
async def watched(service: ServiceProcess) -> AsyncIterator[Watch]:
    """Ask for the health of a process again and again while the block runs."""
    seen, done = Watch(), asyncio.Event()

    async def look() -> None:
        while not done.is_set():
            seen.livez.add(await service.status("/livez"))
            status, body = await health(service)
            seen.readyz.add(status)
            seen.words.add(body.get("status", "silent"))
            await asyncio.sleep(0.25)

    looking = asyncio.ensure_future(look())
    try:
        yield seen
    finally:
        done.set()
        await looking


@pytest.mark.kafka
@pytest.mark.postgres
async def test_polling_goes_on_while_kafka_is_away_and_nothing_is_lost(
    mortal_peers: Peers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kafka = mortal_peers.kafka
    assert kafka is not None
    one_by_one = {**mortal_peers.environ, "MONITOR_POLLS_IN_FLIGHT": "1"}
    peers = replace(mortal_peers, environ=one_by_one)
    async with a_world(tmp_path, peers, make_items(20, 10)) as world:
        world.feeds.pause = 4.0  # one after the other, so that a round of polls takes 80 s
        await world.start()
        await until(lambda: holds(world, stored=20), SOON, "articles stored")
        scheduler, consumers = world.services[0], world.services[1]
        async with watched(scheduler) as polling, watched(consumers) as consuming:
            before, asked = await world.stored(), len(world.feeds.asked)
            await asyncio.to_thread(kafka.kill)
            polled = {each.feed for each in world.feeds.asked}
            new = make_items(20, 5, first=1_000).items()
            world.publish({key: item for key, item in new if key[0] not in polled})
            await asyncio.sleep(OUTAGE)
            during, requests = await world.stored(), len(world.feeds.asked) - asked
            await asyncio.to_thread(kafka.start)
        world.feeds.pause = 0.0
        back = await world.through(DRAINED)
        codes, verdict = await world.stop(), await world.check()
    assert before is not None
    assert during is not None
    say(
        f"Kafka away for {OUTAGE:g} s: {requests} polls and {during.unsent} rows unsent meanwhile,"
        f" all through {back:.1f} s after it was back; exits {codes}; {verdict}",
        capsys,
    )
    assert requests >= OUTAGE / 4.0 * 0.7
    assert during.unsent >= before.unsent + 100
    for seen in (polling, consuming):
        assert seen.livez == {200}
        assert seen.readyz == {200}
        assert "degraded" in seen.words
    assert not verdict.wrong, verdict
    assert set(codes) == {0}


@pytest.mark.kafka
@pytest.mark.postgres
async def test_a_start_without_peers_says_what_it_waits_for_and_comes_up_with_them(
    mortal_peers: Peers, tmp_path: Path
) -> None:
    kafka, postgres = mortal_peers.kafka, mortal_peers.postgres
    assert kafka is not None
    assert postgres is not None
    await asyncio.to_thread(kafka.kill)
    await asyncio.to_thread(postgres.stop)
    async with a_world(tmp_path, mortal_peers, make_items(4, 10)) as world:
        await world.start(ready=False)
        service = world.services[0]
        await until(lambda: alive(service), SOON, "/livez answers")
        async with watched(service) as seen:
            await until(lambda: waits_for(service, "database"), SOON, "it waits for the database")
            await asyncio.to_thread(postgres.start)
            await until(lambda: waits_for(service, "broker"), SOON, "it waits for the broker")
        log = service.log.read_text()
        await asyncio.to_thread(kafka.start)
        await asyncio.gather(*(each.wait_ready(SOON) for each in world.services))
        await world.through(SOON)
        codes, verdict = await world.stop(), await world.check()
    for part in ("database", "broker"):
        assert f'"{part} is down: waiting for it: ' in log
    assert seen.livez == {200}
    assert seen.readyz == {503}, "ready before it was"
    assert not verdict.wrong, verdict
    assert set(codes) == {0}


async def test_sigterm_under_load_finishes_in_time_and_repeats_nothing(
    peers: Peers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with a_world(tmp_path, peers) as world:
        world.receiver.pause = 0.2
        await world.start()
        await until(lambda: holds(world, stored=300, delivering=True), SOON, "under load")
        times = await stop_times(world)
        stopped = await world.stored()
        await world.start()
        await world.through(DRAINED)
        again, verdict = await stop_times(world), await world.check()
    say(f"{len(times)} process(es): SIGTERM under load {times}, at rest {again}; {verdict}", capsys)
    assert stopped is not None
    assert len(stopped.articles) < len(world.items), "the load was over"
    assert max(times) < STOPS_WITHIN
    assert not verdict.wrong, verdict
    assert verdict.repeats == 0


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.parametrize("insistent", [False, True], ids=["once", "twice"])
async def test_sigterm_while_kafka_and_postgresql_are_frozen(
    insistent: bool, mortal_peers: Peers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kafka, postgres = mortal_peers.kafka, mortal_peers.postgres
    assert kafka is not None
    assert postgres is not None
    async with a_world(tmp_path, mortal_peers) as world:
        world.feeds.pause = 0.2
        await world.start()
        await until(lambda: holds(world, stored=100), SOON, "under load")
        kafka.pause()
        postgres.pause()
        try:
            if insistent:
                for service in world.services:
                    assert service.process is not None
                    service.process.terminate()
                await asyncio.sleep(1.0)
            times = await stop_times(world, code=143 if insistent else 0)
        finally:
            postgres.resume()
            kafka.resume()
    say(f"SIGTERM {'twice' if insistent else 'once'}, frozen peers: exits after {times} s", capsys)
    assert max(times) < (AT_ONCE if insistent else STOPS_FROZEN_WITHIN)
    for service in world.services:
        assert "Traceback" not in service.log.read_text(), service.last_words()


async def stop_times(world: World, code: int = 0) -> list[float]:
    """Send SIGTERM to all; return after how many seconds each was gone, with this exit code."""
    started = time.monotonic()

    async def stop(service: ServiceProcess) -> float:
        assert await service.stop(60) == code, service.last_words()
        return round(time.monotonic() - started, 1)

    return list(await asyncio.gather(*(stop(service) for service in world.services)))


async def holds(world: World, *, stored: int, delivering: bool = False) -> bool:
    """Return whether so many articles are stored, and deliveries are under way if they must."""
    found = await world.stored()
    if found is None or len(found.articles) < stored:
        return False
    return found.open_deliveries > 0 or not delivering


async def alive(service: ServiceProcess) -> bool:
    """Return whether /livez says so."""
    return await service.status("/livez") == 200


async def waits_for(service: ServiceProcess, part: str) -> bool:
    """Return whether /readyz says that it waits for a part."""
    status, body = await health(service)
    text = body.get("parts", {}).get(part, {}).get("text", "")
    return status == 503 and text.startswith("waiting for it")
