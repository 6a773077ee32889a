"""The composition root: the only module that knows which implementation runs.

Settings in; broker, store, fetchers, notifiers and the service out. An implementation is imported
where it is chosen: every command starts here, and most need none of Kafka's client, the database's
and the web server, which take two seconds of a slow core to load.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from monitor import PROJECT_PAGE, __version__, telemetry
from monitor.clock import SystemClock
from monitor.config import Config, load
from monitor.declarations import (
    ChannelConfig,
    EmailChannel,
    LocationKind,
    SourceRules,
    WebhookChannel,
)
from monitor.errors import Rejected
from monitor.model import ChannelKind, Topic, WordList
from monitor.protocols import Broker, Clock, Fetcher, Notifier, Parser, Store
from monitor.settings import Role, Settings
from monitor.sources import TYPES, Reach
from monitor.sources.twice import followed_twice

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from monitor.notifiers.naming import Naming
    from monitor.outbound import Network, Outbound
    from monitor.service import Service

log = logging.getLogger(__name__)


def _sqlite(url: str) -> Broker:
    from monitor.brokers.sqlite import SqliteBroker

    return SqliteBroker.from_url(url)


def _kafka(url: str) -> Broker:
    from monitor.brokers.kafka import KafkaBroker

    return KafkaBroker.from_url(url)


BROKERS: Mapping[str, Callable[[str], Broker]] = {"sqlite": _sqlite, "kafka": _kafka}
LOCATIONS: Mapping[Reach, LocationKind] = {
    Reach.HTTP: "url",
    Reach.MAIL: "url",
    Reach.FILE: "path",
}


def load_config(**overrides: Any) -> Config:
    """Read and check the whole configuration; raises ConfigError with every problem."""
    return load(source_rules(), _topic_problems, **overrides)


def source_rules() -> SourceRules:
    """Return what sources are held against: the types that there are, and what their keys mean."""
    types = {name: LOCATIONS[kind.reach] for name, kind in TYPES.items()}
    return SourceRules(types, check_cron=_cron_problem, check_links=_links_problem)


def compose(config: Config, clock: Clock | None = None) -> Service:
    """Return the service of a configuration, with the system's clock where none is given;
    nothing is opened yet."""
    from monitor.catalog import Catalog
    from monitor.lifecycle import Lifecycle
    from monitor.outbound import refusal
    from monitor.service import Service
    from monitor.sources.files import FileFetcher
    from monitor.sources.http import HttpFetcher
    from monitor.sources.mailbox import MailFetcher
    from monitor.websub import Subscriber

    clock, settings = clock or SystemClock(), config.settings
    outbound, store = connect_outbound(settings, clock), connect_store(settings, clock)
    health = telemetry.Health()
    http = HttpFetcher(outbound, clock, max_bytes=settings.feed_max_bytes)
    by_reach: Mapping[Reach, Fetcher] = {
        Reach.HTTP: http,
        Reach.FILE: FileFetcher(clock=clock),
        Reach.MAIL: MailFetcher(
            clock=clock,
            environ=os.environ,
            allowed=lambda address: not refusal(address, 443, _networks(settings)),
        ),
    }
    return Service(
        config=config,
        life=Lifecycle(clock, health),
        broker=connect_broker(settings),
        store=store,
        clock=clock,
        fetchers={name: by_reach[kind.reach] for name, kind in TYPES.items()},
        notifiers=notifiers_of(config, clock, store),
        parser=connect_parser(settings),
        web=http,
        subscriber=Subscriber(store, outbound, clock, settings.public_url, secrets.token_hex),
        agent=user_agent(settings),
        catalog=Catalog(store, health),
    )


def connect_outbound(settings: Settings, clock: Clock) -> Outbound:
    """Return the one door for all requests to the outside."""
    from monitor.outbound import Outbound

    return Outbound(
        user_agent(settings), clock, _networks(settings), deadline=settings.fetch_deadline
    )


def _networks(settings: Settings) -> tuple[Network, ...]:
    return tuple(ip_network(name) for name in settings.private_networks)


def connect_broker(settings: Settings) -> Broker:
    """Return the broker that the settings name, not started."""
    return BROKERS[settings.broker.partition("://")[0]](settings.broker)


def connect_parser(settings: Settings) -> Parser:
    """Return the pool of processes that parse; they start with the first document."""
    from monitor.sources.worker import ParserPool

    return ParserPool(workers=settings.parser_workers, wait=settings.parse_deadline)


def connect_store(settings: Settings, clock: Clock | None = None) -> Store:
    """Return the store that the settings name, not started."""
    from monitor.store import SqlStore

    return SqlStore.from_url(settings.database, clock)


async def serve(config: Config, started: Callable[[str, int], None]) -> None:
    """Run the roles of the settings until SIGTERM; `started` gets the page's address, and how many
    sources are followed.

    Health is served from the first moment, also while the database and the broker are away.
    Raises ConfigError where the port is taken.
    """
    from monitor.api.server import bind, serving

    settings = config.settings
    roles = frozenset(settings.roles)
    if not settings.contact:
        log.warning("publishers are not told whom to write to: set MONITOR_CONTACT")
    listener = bind(settings.host, settings.port)
    service = compose(config)
    life = service.life
    life.health.starting = True
    life.listen()
    web = _web(service, roles)
    beat = asyncio.ensure_future(life.beat())
    async with serving(web, listener), service.opened() as ready:
        if ready and (Role.SCHEDULER not in roles or await _declare(service)):
            web.state.store = service.store
            # What is there now stays, and the garbage collector need not look at it every time.
            gc.collect()
            gc.freeze()
            life.health.starting = False
            locations = await service.store.locations()
            if Role.SCHEDULER in roles:  # who polls tells it; of 50,000 it takes 2 s to find out
                for sentence in await asyncio.to_thread(followed_twice, locations):
                    log.warning("%s", sentence)
            started(f"http://{settings.host}:{listener.getsockname()[1]}", len(locations))
            await life.run(service.run(roles))
    await beat


async def _declare(service: Service) -> bool:
    """Make the sources of the file those of the database; False where told to stop first."""
    declare = partial(service.store.declare, service.config.sources, service.clock.now())
    return await service.life.wait_for("database", declare)


def _web(service: Service, roles: Collection[Role]) -> Starlette:
    """Return what is served: the API and the pages where that is a role, else the probes alone."""
    from monitor.api.security import hosts_for

    settings, health = service.config.settings, service.life.health
    hosts = hosts_for(settings.host, settings.allowed_hosts)
    if Role.API not in roles:
        from monitor.api.probes import create_probes

        return create_probes(health, clock=service.clock, allowed_hosts=hosts)
    from monitor.api.app import create_app

    return create_app(
        None,
        health,
        clock=service.clock,
        allowed_hosts=hosts,
        public_url=settings.public_url,
        source_rules=service.config.source_rules,
    )


def user_agent(settings: Settings) -> str:
    """Return what publishers see: the version, the project's page and the operator's contact."""
    contact = f"; {settings.contact}" if settings.contact else ""
    return f"newsmonitor/{__version__} (+{PROJECT_PAGE}{contact})"


def notifiers_of(
    config: Config, clock: Clock, store: Store | None = None
) -> dict[str, tuple[ChannelKind, Notifier]]:
    """Return the notifier of each channel; `stream` has none, its delivery is the stored row.

    Without a store, people are told ids instead of names.
    """
    from monitor.notifiers.naming import Naming

    naming, found = Naming(store, _pages(config.settings)), {}
    for name, channel in config.channels.items():
        notifier = _notifier(channel, config.settings, clock, naming)
        if notifier is not None:
            found[name] = (ChannelKind(channel.type), notifier)
    return found


def _pages(settings: Settings) -> str:
    """Return where people reach the pages; "" where hubs alone are answered by the public name."""
    if not settings.public_url:
        return ""
    from monitor.api.security import hosts_for

    answered = hosts_for(settings.host, settings.allowed_hosts)
    host = urlsplit(settings.public_url).hostname
    return settings.public_url if not answered or host in answered else ""


def _notifier(
    channel: ChannelConfig, settings: Settings, clock: Clock, naming: Naming
) -> Notifier | None:
    if isinstance(channel, WebhookChannel):
        from monitor.notifiers.webhook import WebhookNotifier

        secret = channel.secret.get_secret_value()
        return WebhookNotifier(channel.url, secret, connect_outbound(settings, clock), clock)
    if isinstance(channel, EmailChannel):
        from monitor.notifiers.email import EmailNotifier

        url = settings.smtp_url.get_secret_value()
        return EmailNotifier(url, settings.smtp_sender, channel.to, clock, naming=naming)
    if channel.type == "log":
        from monitor.notifiers.log import LogNotifier

        return LogNotifier(naming)
    return None


def _cron_problem(cron: str) -> str | None:
    from monitor.cron import next_run

    try:
        next_run(cron, SystemClock().now())
    except ValueError as error:
        return str(error)
    return None


def _links_problem(selector: str) -> str | None:
    from monitor.sources.selectors import xpath_of

    try:
        xpath_of(selector)
    except Rejected as error:
        return str(error).removeprefix("links: ")
    return None


def _topic_problems(
    topics: Sequence[Topic], lists: Sequence[WordList]
) -> Mapping[str, Sequence[str]]:
    from monitor.topics.compile import compile_topics
    from monitor.topics.mistakes import BrokenUse

    return {
        name: [mistake.sentence for mistake in error.mistakes]
        for name, error in compile_topics(topics, lists).errors.items()
        if not isinstance(error, BrokenUse)
    }
