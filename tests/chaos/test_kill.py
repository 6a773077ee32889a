"""The whole service killed again and again in the middle of its work: nothing lost or doubled."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest

from tests.support.world import Peers, World, a_world, say, until

SEED = 20260105
KILLS = 20
THROUGH = 120.0
ORPHANS_GONE = 20.0

PAUSE = {True: 0.4, False: 1.5}
"""Seconds of each answer of the feeds, embedded and not."""
HELD = 5.0
"""The same while the feeds are ahead of the kills, so that every kill meets work."""
LIFE = {True: (0.3, 2.2), False: (0.3, 2.0)}
"""Bounds of the seconds for which the service lives after it said that it is ready."""
LASTING = 8
"""Every so many lives, in server mode, one lasts until something was stored: a group of consumers
waits for its dead members until their sessions end, so that in short lives it only polls."""


FEWER = ("scheduler,dedupe,tag", "store,alert,notify,api")
"""Roles of the processes in server mode: starting one takes more than a second of CPU."""


@dataclass
class Story:
    """What happened."""

    seed: int
    kills: int = 0
    at_work: int = 0
    starts: list[float] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"seed {self.seed}, {self.kills} kills of which {self.at_work} at work; start to ready"
            f" {_spread(self.starts)}; kill to the next stored article {_spread(self.recoveries)}"
        )


def _spread(seconds: list[float]) -> str:
    times = sorted(seconds) or [0.0]
    return f"median {times[len(times) // 2]:.1f} s, longest {times[-1]:.1f} s of {len(seconds)}"


async def stored_count(world: World) -> int:
    """Return how many articles are stored."""
    found = await world.stored()
    return len(found.articles) if found else 0


async def grown(world: World, before: int, since: float, story: Story) -> None:
    """Wait until more is stored than before, and note how long after a kill that was."""

    async def holds() -> bool:
        return await stored_count(world) > before

    await until(holds, THROUGH, "one more article stored")
    story.recoveries.append(time.monotonic() - since)


async def live(world: World, chance: random.Random, story: Story, since: float) -> None:
    """Let the service live for a random time after a kill, then kill it."""
    embedded, before = world.peers.embedded, await stored_count(world)
    ahead = len(world.feeds.sent()) / len(world.items) > story.kills / (KILLS + 5)
    world.feeds.pause = HELD if ahead else PAUSE[embedded]
    starting = time.monotonic()
    await world.start()
    story.starts.append(time.monotonic() - starting)
    if not embedded and story.kills % LASTING == LASTING - 1:
        await grown(world, before, since, story)
    with suppress(TimeoutError):
        async with asyncio.timeout(chance.uniform(*LIFE[embedded])):
            if embedded and story.kills:
                await grown(world, before, since, story)
            await asyncio.Event().wait()
    left = len(world.items) - await stored_count(world)
    await world.kill(whole=chance.random() < 0.5)
    story.kills += 1
    story.at_work += left > 0


@pytest.mark.timeout(420)
async def test_20_kills_lose_nothing_and_double_nothing(
    peers: Peers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, story = random.Random(SEED), Story(SEED)
    orphans: list[psutil.Process] = []
    # One feed after the other, or one long life would bring and store all that there is.
    environ = {**peers.environ, "MONITOR_POLLS_IN_FLIGHT": "1"}
    peers = replace(peers, environ=environ, roles=peers.roles if peers.embedded else FEWER)
    started = killed = time.monotonic()
    async with a_world(tmp_path, peers) as world:
        world.receiver.pause = 0.2
        while story.kills < KILLS:
            await live(world, chance, story, killed)
            killed = time.monotonic()
            orphans += world.orphans
        before = await stored_count(world)
        await world.start()
        world.feeds.pause = 0.0
        await grown(world, before, killed, story)
        await world.through(THROUGH)
        await until(lambda: gone(orphans), ORPHANS_GONE, "every parser of the killed gone")
        codes = await world.stop()
        verdict = await world.check()
    mode = "embedded" if peers.embedded else "server"
    seconds = time.monotonic() - started
    say(f"{mode}: {seconds:.0f} s, {story}; {verdict.repeats} repeated sends; {verdict}", capsys)
    assert not verdict.wrong, verdict
    assert story.at_work == KILLS
    assert set(codes) == {0}


async def gone(processes: list[psutil.Process]) -> bool:
    """Return whether none of these runs any more."""
    return not any(process.is_running() for process in processes)
