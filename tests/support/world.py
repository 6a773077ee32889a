"""A whole world for one test: feeds, the service in one or more processes, and a receiver.

Only the service is what it is in production, started by its command line; the feeds and the
receiver are servers of the test's own process, so that they outlive what a test kills.
"""

from __future__ import annotations

import asyncio
import base64
import os
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import psutil
import pytest
import yaml

from monitor.channels import dead_letter_channels
from monitor.errors import Unavailable
from tests.support.brokers import running
from tests.support.checker import Key, Rule, Stored, Subject, Verdict, check, expected_alerts
from tests.support.feedserver import FeedServer, Item
from tests.support.kafka import KafkaServer
from tests.support.postgres import PostgresServer
from tests.support.receivers import WebhookReceiver
from tests.support.service import ServiceProcess

FEEDS = 40
EACH = 50
FEED = {"interval": "60s", "full_text": "never", "backlog": "none"}
"""Keys of each feed: its items are old and have no pages."""
SERVER_ROLES = ("scheduler", "dedupe,tag", "store,alert,notify,api")

SUBJECTS = (
    Subject("defence", (("defence minister", "joint exercise"), ("astana", "bishkek"))),
    Subject("border", (("border talks", "border treaty"),), none_of=("orchestra", "festival")),
    Subject("grain", (("grain", "wheat"), ("export", "exports")), none_of=("brewery",)),
    Subject("strike", (("strike", "walkout"), ("railway", "port workers"))),
    Subject("flood", (("flood", "floods"),), title=("river", "delta")),
    Subject("election", (("run off", "recount"), ("ballot", "ballots")), none_of=("club",)),
    Subject("chips", (("chip", "chips"), ("sanctions",), ("licence", "waiver"))),
    Subject("vaccine", (("vaccine",), ("trial", "trials"))),
    Subject("satellite", (("satellite",),), none_of=("town", "office")),
    Subject("reactor", (("reactor",), ("restart", "shut down")), title=("reactor",)),
)
RULES = (
    Rule("everything", ("*",), ("page",)),
    Rule("desk", ("defence", "border", "strike", "chips", "reactor"), ("hook", "log")),
    Rule("border-watch", ("border", "defence", "satellite", "flood"), ("hook", "page")),
    Rule("science", ("vaccine", "satellite"), ("log",)),
)
HOOKED = {rule.id for rule in RULES if "hook" in rule.channels}
_WORDS = """
    council mayor budget garden bridge museum weather school market harbour street library village
    painter forest train teacher winter summer meeting letter doctor evening visitors
""".split()  # noqa: SIM905


@dataclass(frozen=True)
class Peers:
    """What the service stands on: nothing for the embedded mode, else a Kafka and a PostgreSQL."""

    environ: Mapping[str, str] = field(default_factory=dict)
    kafka: KafkaServer | None = None
    postgres: PostgresServer | None = None
    roles: Sequence[str] = ("",)
    """The roles of each process."""

    @property
    def embedded(self) -> bool:
        """Whether all is in one process."""
        return self.kafka is None


def server_peers(kafka: KafkaServer, postgres: PostgresServer) -> Peers:
    """Return what server mode stands on, with an empty database."""
    url = postgres.create_database()
    environ = {"MONITOR_BROKER_URL": kafka.url, "MONITOR_DATABASE_URL": url}
    return Peers(environ, kafka, postgres, SERVER_ROLES)


@pytest.fixture(
    params=[
        "embedded",
        pytest.param("server", marks=[pytest.mark.kafka, pytest.mark.postgres]),
    ]
)
def peers(request: pytest.FixtureRequest) -> Peers:
    """Either mode, with a Kafka and a database of the test's own."""
    if request.param == "embedded":
        return Peers()
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    return server_peers(request.getfixturevalue("mortal_kafka"), postgres)


async def until(holds: Callable[[], Awaitable[bool]], within: float, what: str) -> float:
    """Wait until a condition holds; return the seconds that took. Fails after `within`."""
    started = time.monotonic()
    while not await holds():
        assert time.monotonic() - started < within, f"after {within:g} s: not {what}"
        await asyncio.sleep(0.1)
    return time.monotonic() - started


def say(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Print a line of measurements that pytest does not hold back."""
    with capsys.disabled():
        print(f"\n{line}")


def make_items(feeds: int = FEEDS, each: int = EACH, *, first: int = 0) -> dict[Key, Item]:
    """Return items by feed and guid: about subjects, almost about them, or about nothing."""
    chance = random.Random(first)
    items = {}
    for number in range(first, first + feeds * each):
        title = [*chance.sample(_WORDS, 6), str(number)]
        text = [*chance.sample(_WORDS, 12), f"paragraph {number}"]
        if chance.random() < 0.7:
            _plant(chance, chance.choice(SUBJECTS), title, text)
        item = Item(f"item-{number}", " ".join(title).capitalize(), " ".join(text).capitalize())
        items[f"feed-{number % feeds}", item.guid] = item
    return items


def _plant(chance: random.Random, subject: Subject, title: list[str], text: list[str]) -> None:
    """Write about a subject; in two of five cases something is missing, or speaks against it."""
    parts = [chance.choice(group) for group in subject.groups]
    fault = chance.random()
    if fault < 0.15:
        parts.pop()
    elif fault < 0.3 and subject.none_of:
        parts.append(chance.choice(subject.none_of))
    elif fault < 0.4:
        # A phrase is none across two fields, and half a word is none at all.
        first, *rest = parts.pop().split()
        title.append(f"{first}{'' if rest else 'ish'}")
        text[:0] = rest
    if subject.title and chance.random() < 0.7:
        title.insert(0, chance.choice(subject.title))
    for part in parts:
        where = chance.choice((title, text))
        where.insert(chance.randrange(len(where)), part)


@dataclass
class World:
    """One of it. `items` is all that is published; tests may publish more."""

    folder: Path
    peers: Peers
    feeds: FeedServer
    receiver: WebhookReceiver
    items: dict[Key, Item]
    services: Sequence[ServiceProcess]
    orphans: list[psutil.Process] = field(default_factory=list)

    @property
    def database(self) -> str:
        """The URL of its database."""
        own = f"sqlite+aiosqlite:///{self.folder}/data/monitor.db"
        return self.peers.environ.get("MONITOR_DATABASE_URL", own)

    @property
    def broker(self) -> str:
        """The URL of its broker."""
        own = f"sqlite:///{self.folder}/data/stream.db"
        return self.peers.environ.get("MONITOR_BROKER_URL", own)

    def publish(self, items: Mapping[Key, Item]) -> None:
        """Put more into the feeds."""
        self.items.update(items)
        for (feed, _), item in items.items():
            self.feeds.add(feed, item)

    async def start(self, *, ready: bool = True) -> None:
        """Start every process of the service."""
        await asyncio.gather(*(service.start(ready=ready) for service in self.services))

    async def kill(self, *, whole: bool = True) -> None:
        """Kill every process with signal 9; without `whole` the parsers are left to find out."""
        self.orphans = []
        for service in self.services:
            if service.process is None or service.process.returncode is not None:
                continue
            with suppress(psutil.NoSuchProcess):
                self.orphans += psutil.Process(service.process.pid).children(recursive=True)
                service.process.kill()
        for orphan in self.orphans if whole else ():
            with suppress(psutil.NoSuchProcess):
                orphan.kill()
        for service in self.services:
            if service.process is not None:
                await asyncio.wait_for(service.process.wait(), 10)

    async def stop(self) -> list[int]:
        """Send SIGTERM to all at the same time; return their exit codes."""
        return list(await asyncio.gather(*(service.stop() for service in self.services)))

    async def stored(self) -> Stored | None:
        """Return what the database holds; None where it has no tables yet."""
        try:
            return await Stored.read(self.database)
        except (sqlite3.OperationalError, asyncpg.UndefinedTableError):
            return None

    async def through(self, within: float) -> float:
        """Wait until all that is published is stored and what follows is delivered."""
        expected = len(expected_alerts(self.items, SUBJECTS, RULES))

        async def holds() -> bool:
            found = await self.stored()
            return (
                found is not None
                and len(found.articles) >= len(self.items)
                and len(found.alerts) >= expected
                and not found.unstored + found.open_deliveries
            )

        return await until(holds, within, "all stored and delivered")

    async def check(self) -> Verdict:
        """Let the ledgers decide."""
        served = self.feeds.sent()
        items = {key: item for key, item in self.items.items() if key in served}
        return check(
            served,
            await Stored.read(self.database),
            expected_alerts(items, SUBJECTS, RULES),
            HOOKED,
            [each for each in self.receiver.received if each.method == "POST"],
            await dead_letters(self.broker),
        )

    def write_config(self) -> None:
        """Write the three files of the configuration."""
        secret = "whsec_" + base64.b64encode(os.urandom(32)).decode()
        sources = {
            feed: {"type": "feed", "url": self.feeds.url(feed), **FEED}
            for feed in sorted({feed for feed, _ in self.items})
        }
        topics = {subject.id: {"query": subject.query} for subject in SUBJECTS}
        hook = {"type": "webhook", "url": self.receiver.url, "secret": secret}
        rules = {
            rule.id: {"topics": list(rule.subjects), "channels": list(rule.channels)}
            for rule in RULES
        }
        channels = {"log": {"type": "log"}, "page": {"type": "stream"}, "hook": hook}
        config = self.folder / "config"
        config.mkdir(parents=True)
        for name, content in (
            ("sources", {"sources": sources}),
            ("topics", {"topics": topics}),
            ("alerts", {"channels": channels, "rules": rules}),
        ):
            (config / f"{name}.yaml").write_text(yaml.safe_dump(content))


async def dead_letters(broker: str) -> dict[str, int]:
    """Return how many dead letters each channel holds."""
    with suppress(Unavailable):
        async with running(broker) as opened:
            return {
                channel.name: await opened.lag(channel, "checker")
                for channel in dead_letter_channels()
            }
    raise AssertionError("the broker is away: its dead letters cannot be counted")


@asynccontextmanager
async def a_world(
    folder: Path, peers: Peers, items: dict[Key, Item] | None = None
) -> AsyncIterator[World]:
    """Make a world whose service is not started yet; no process of it outlives the block."""
    items = make_items() if items is None else items
    services = [
        ServiceProcess(folder / "config", folder / "data", roles, peers.environ)
        for roles in peers.roles
    ]
    async with FeedServer(hosts=True) as feeds, WebhookReceiver() as receiver:
        world = World(folder, peers, feeds, receiver, {}, services)
        world.publish(items)
        world.write_config()
        try:
            yield world
        except AssertionError as error:
            for service in services:
                error.add_note(f"{service.roles or 'all roles'}: {service.last_words()}")
            raise
        finally:
            await world.kill()
