"""One process of the service: which roles it runs, on whatever broker and store it was given."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from consumers.alert import alert
from consumers.dedupe import dedupe
from consumers.notify import Courier, notify
from consumers.store import store as store_articles
from consumers.tag import tag
from monitor import process, telemetry
from monitor.catalog import Catalog
from monitor.channels import CHANNELS, READERS, Channel, group_of
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.consumer import Consumer
from monitor.errors import DeadLetterLimitExceeded, Rejected, Stalled, Unavailable
from monitor.events import Record, load
from monitor.lifecycle import Lifecycle
from monitor.model import AlertChannel, Article, ChannelKind, Poll
from monitor.poller import OUTBOX_FULL, Poller, lease_for
from monitor.protocols import Broker, Clock, Fetcher, Getter, Notifier, Parser, Store
from monitor.relay import Relay
from monitor.replay import ReplayResult, read_fixtures, replay
from monitor.runner import Runner
from monitor.scheduler import Ticker
from monitor.settings import Role
from monitor.topics.compile import queries_of_rules
from monitor.visitor import Visitor
from monitor.websub import Subscriber

log = logging.getLogger(__name__)

TICK = 1.0
RECONCILE = 60.0
RELEASE = 5.0
SUBSCRIBE = 60.0
PING = 5.0
MEASURE = 15.0
LOOK = 0.05


@dataclass(slots=True)
class Service:
    """Everything that runs, composed. `owner` names this process in leases.

    `fetchers` are by source type, `web` gets any other address, `notifiers` are by channel;
    `parser` is a pool of processes, `subscriber` keeps the subscriptions at hubs, `catalog` the
    topics; `agent` is what publishers see of us.
    """

    config: Config
    life: Lifecycle
    broker: Broker
    store: Store
    clock: Clock
    fetchers: Mapping[str, Fetcher]
    notifiers: Mapping[str, tuple[ChannelKind, Notifier]]
    parser: Parser
    web: Getter
    subscriber: Subscriber
    agent: str
    catalog: Catalog
    owner: str = field(default_factory=process.owner)
    recorded: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[bool]:
        """Wait for the database and the broker; the block gets False where told to stop first."""
        life = self.life
        async with self._closing():
            yield (
                await life.wait_for("database", self._open_store)
                and await life.wait_for("broker", self._open_broker)
            )

    @asynccontextmanager
    async def connected(self, *, broker: bool = True) -> AsyncIterator[None]:
        """Connect at once, as a command does; raises Unavailable."""
        async with self._closing():
            await self._open_store()
            if broker:
                await self._open_broker()
            yield

    @asynccontextmanager
    async def _closing(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            closing = {"broker": self.broker.stop(), "database": self.store.stop()}
            closing |= {
                f"channel '{name}'": item.close() for name, (_, item) in self.notifiers.items()
            }
            closing |= {f"fetcher '{name}'": item.close() for name, item in self.fetchers.items()}
            closing["parser"] = self.parser.close()
            await asyncio.gather(*(self.life.close(*item) for item in closing.items()))

    async def run(self, roles: frozenset[Role]) -> None:
        """Run roles, and watch over what they stand on, until told to stop."""
        courier, config = self._courier(), self.config
        consumers = [item for role, item in self._consumers(courier).items() if role in roles]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.life.watch("database", self.store.ping, PING))
            tasks.create_task(self._measure(consumers))
            if Role.TAG in roles:
                await self.catalog.declare(config.topics, config.lists, config.rules)
                tasks.create_task(self.catalog.keep(self.life))
            if Role.SCHEDULER in roles:
                tasks.create_task(self._run_scheduler())
            if Role.NOTIFY in roles:
                tasks.create_task(courier.run())
            for consumer in consumers:
                tasks.create_task(self._consume(consumer))

    async def poll_named(
        self, names: Sequence[str], progress: Callable[[str], None] | None = None
    ) -> list[tuple[Poll, int]]:
        """Poll sources now, due or not; all of them without names. Raises Unavailable.

        Returns each poll with the number of its new articles, which wait in the outbox.
        `progress` is told the name of each source that is done.
        """
        now, poller = self.clock.now(), self._poller()
        await self.store.declare(self.config.sources, now)
        turns = await self.store.lease_sources(names, now, self.owner, poller.lease)
        return await poller.poll_turns(turns, progress)

    async def replay_files(
        self, paths: Sequence[Path], *, deliver: bool, work: bool
    ) -> ReplayResult:
        """Replay fixtures and recordings; with `work` the stream runs here until they are through.

        Raises Unavailable.
        """
        reading = await read_fixtures(paths, self.parser, self.clock)
        new = await replay(reading.articles, self.store, deliver=deliver)
        if work:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._relay().run())
                tasks.create_task(self.run(frozenset(Role) - {Role.SCHEDULER, Role.API}))
                try:
                    await self._until_through([article.id for article in new])
                finally:
                    self.life.stop.set()
        alerts = await self.store.alerts_of([article.id for article in new])
        return ReplayResult(len(reading.articles), new, tuple(alerts), reading.problems)

    async def _until_through(self, article_ids: Sequence[str]) -> None:
        """Wait until articles are stored, and what follows from them is delivered or put off."""
        groups = [(channel, group_of(name)) for name, channel in READERS]
        while not self.life.stop.is_set():
            for part, (status, text) in self.life.health.parts.items():
                if status == "down" and part.startswith("consumer"):
                    raise Rejected(text)
            try:
                if not await self._waiting(article_ids, groups):
                    return
            except Unavailable as error:
                log.debug("looking again: %s", error)
            await self.life.pause(LOOK)

    async def _waiting(
        self, article_ids: Sequence[str], groups: Sequence[tuple[Channel, str]]
    ) -> int:
        """Return how much of these articles' way through the stream is left; 0 at its end."""
        return (
            await self.store.unfinished(article_ids)
            or sum([await self.broker.lag(*group) for group in groups])
            or await self.store.undelivered(article_ids)
        )

    async def _run_scheduler(self) -> None:
        """Poll, relay and reconcile until told to stop."""
        relay, poller = self._relay(), self._poller()
        jobs: dict[Callable[[], Awaitable[object]], float] = {
            poller.poll_due: TICK,
            poller.release_pages: RELEASE,
            partial(poller.take_pushes, self.store): TICK,
            self.subscriber.run_once: SUBSCRIBE,
            partial(_reconcile, relay, poller): RECONCILE,
        }
        ticker = Ticker(jobs, SystemClock().now())  # it ticks in real time, whatever ours is
        ticker.start()
        try:
            await relay.run()
        finally:
            await ticker.stop()
        await poller.drain()

    async def _consume(self, consumer: Consumer) -> None:
        life = self.life
        limit = self.config.settings.batch_size
        runner = Runner(
            consumer, self.broker, self.clock, life.health, life.stop, self._settle, limit=limit
        )
        try:
            await runner.run()
        except DeadLetterLimitExceeded as error:
            log.error("%s", error)
        except Stalled as error:
            life.give_up(error)

    async def _settle(self, dead: Record) -> None:
        """Take a dead letter's article out of the outbox's accounts: `dlq replay` revives it."""
        with suppress(Rejected):  # what is no article has no row there
            await self.store.settle([load(Article, dead.value)], self.clock.now())

    async def _measure(self, consumers: Sequence[Consumer]) -> None:
        """Measure the lag of this process's consumers until told to stop."""
        while not self.life.stop.is_set():
            for consumer in consumers:
                try:
                    lag = await self.broker.lag(consumer.reads, group_of(consumer.name))
                    telemetry.LAG.labels(consumer.name).set(lag)
                except Unavailable as error:
                    log.debug("lag of %s: %s", consumer.name, error)
            await self.life.pause(MEASURE)

    def _consumers(self, courier: Courier) -> Mapping[Role, Consumer]:
        """Return the steps of the stream, by role."""
        store, clock, config = self.store, self.clock, self.config
        channels = {
            name: AlertChannel(id=name, kind=ChannelKind(channel.type))
            for name, channel in config.channels.items()
        }
        queries = queries_of_rules(config.rules, config.topics, config.lists)
        return {
            Role.DEDUPE: dedupe(store, store, store, clock),
            Role.TAG: tag(self.catalog),
            Role.STORE: store_articles(store, clock),
            Role.ALERT: alert(config.rules, channels, store, clock, queries),
            Role.NOTIFY: notify(courier),
        }

    def _courier(self) -> Courier:
        health, stop = self.life.health, self.life.stop
        return Courier(self.store, self.notifiers, self.clock, health, self.owner, stop)

    def _relay(self) -> Relay:
        life = self.life
        way = (Role.DEDUPE, Role.TAG, Role.STORE)
        readers = [(channel, group_of(name)) for name, channel in READERS if name in way]
        return Relay(
            self.store, self.broker, self.clock, life.health, life.stop, self.recorded, readers
        )

    def _poller(self) -> Poller:
        settings = self.config.settings
        visitor = Visitor(
            store=self.store,
            fetchers=self.fetchers,
            web=self.web,
            parser=self.parser,
            clock=self.clock,
            agent=self.agent,
        )
        return Poller(
            store=self.store,
            visitor=visitor,
            clock=self.clock,
            health=self.life.health,
            owner=self.owner,
            recorded=self.recorded,
            at_once=settings.polls_in_flight,
            lease=lease_for(settings.fetch_deadline, settings.parse_deadline),
        )

    async def _open_store(self) -> None:
        await self.store.start()
        await self.store.migrate()
        # What a killed process of this machine had leased need not wait for its leases to end.
        dead = [name for name in await self.store.lessees() if process.left_by_the_dead(name)]
        await self.store.release(dead, self.clock.now())

    async def _open_broker(self) -> None:
        await self.broker.start()
        for difference in await self.broker.ensure(CHANNELS):
            log.warning("%s", difference)


async def _reconcile(relay: Relay, poller: Poller) -> None:
    size = await relay.reconcile()
    if size is not None:
        poller.outbox_full = size.unsent > OUTBOX_FULL
    await poller.forget_hosts()
