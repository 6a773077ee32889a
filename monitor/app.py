"""The composition root: the only module that knows which implementation runs.

Settings in; broker, store, fetchers, notifiers and the service out.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from monitor import __version__, telemetry
from monitor.api import create_app, hosts_for
from monitor.api.server import bind, serving
from monitor.brokers.kafka import KafkaBroker
from monitor.brokers.sqlite import SqliteBroker
from monitor.catalog import Catalog
from monitor.clock import SystemClock
from monitor.config import Config, load
from monitor.cron import next_run
from monitor.declarations import (
    ChannelConfig,
    EmailChannel,
    LocationKind,
    SourceRules,
    WebhookChannel,
)
from monitor.errors import Rejected
from monitor.lifecycle import Lifecycle
from monitor.model import ChannelKind, Topic, WordList
from monitor.notifiers.email import EmailNotifier
from monitor.notifiers.log import LogNotifier
from monitor.notifiers.webhook import WebhookNotifier
from monitor.outbound import Network, Outbound, refusal
from monitor.protocols import Broker, Clock, Fetcher, Notifier
from monitor.service import Service
from monitor.settings import Role, Settings
from monitor.sources import TYPES, Reach
from monitor.sources.files import FileFetcher
from monitor.sources.http import HttpFetcher
from monitor.sources.mailbox import MailFetcher
from monitor.sources.selectors import xpath_of
from monitor.sources.worker import ParserPool
from monitor.store import SqlStore
from monitor.topics.compile import compile_topics
from monitor.websub import Subscriber

log = logging.getLogger(__name__)

BROKERS: Mapping[str, Callable[[str], Broker]] = {
    "sqlite": SqliteBroker.from_url,
    "kafka": KafkaBroker.from_url,
}
LOCATIONS: Mapping[Reach, LocationKind] = {
    Reach.HTTP: "url",
    Reach.MAIL: "url",
    Reach.FILE: "path",
}
PROJECT_PAGE = "https://github.com/news-monitor/news-monitor"


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
        notifiers=notifiers_of(config, clock),
        parser=ParserPool(workers=settings.parser_workers, wait=settings.parse_deadline),
        web=http,
        subscriber=Subscriber(store, outbound, clock, settings.public_url, secrets.token_hex),
        agent=user_agent(settings),
        catalog=Catalog(store, health),
    )


def connect_outbound(settings: Settings, clock: Clock) -> Outbound:
    """Return the one door for all requests to the outside."""
    return Outbound(
        user_agent(settings), clock, _networks(settings), deadline=settings.fetch_deadline
    )


def _networks(settings: Settings) -> tuple[Network, ...]:
    return tuple(ip_network(name) for name in settings.private_networks)


def connect_broker(settings: Settings) -> Broker:
    """Return the broker that the settings name, not started."""
    return BROKERS[settings.broker.partition("://")[0]](settings.broker)


def connect_store(settings: Settings, clock: Clock | None = None) -> SqlStore:
    """Return the store that the settings name, not started."""
    return SqlStore.from_url(settings.database, clock)


async def serve(config: Config, started: Callable[[str], None]) -> None:
    """Run the roles of the settings until SIGTERM; `started` gets the page's address.

    Health is served from the first moment, also while the database and the broker are away.
    Raises ConfigError where the port is taken.
    """
    settings = config.settings
    roles = frozenset(settings.roles)
    if not settings.contact:
        log.warning("publishers are not told whom to write to: set MONITOR_CONTACT")
    listener = bind(settings.host, settings.port)
    service = compose(config)
    life = service.life
    life.health.starting = True
    life.listen()
    web = create_app(
        None,
        life.health,
        clock=service.clock,
        pages=Role.API in roles,
        allowed_hosts=hosts_for(settings.host),
        public_url=settings.public_url,
        source_rules=config.source_rules,
    )
    beat = asyncio.ensure_future(life.beat())
    async with serving(web, listener), service.opened() as ready:
        if ready:
            web.state.store = service.store
            # What is there now stays, and the garbage collector need not look at it every time.
            gc.collect()
            gc.freeze()
            life.health.starting = False
            started(f"http://{settings.host}:{listener.getsockname()[1]}")
            await life.run(service.run(roles))
    await beat


def user_agent(settings: Settings) -> str:
    """Return what publishers see: the version, the project's page and the operator's contact."""
    contact = f"; {settings.contact}" if settings.contact else ""
    return f"newsmonitor/{__version__} (+{PROJECT_PAGE}{contact})"


def notifiers_of(config: Config, clock: Clock) -> dict[str, tuple[ChannelKind, Notifier]]:
    """Return the notifier of each channel; `stream` has none, its delivery is the stored row."""
    found = {}
    for name, channel in config.channels.items():
        notifier = _notifier(channel, config.settings, clock)
        if notifier is not None:
            found[name] = (ChannelKind(channel.type), notifier)
    return found


def _notifier(channel: ChannelConfig, settings: Settings, clock: Clock) -> Notifier | None:
    if isinstance(channel, WebhookChannel):
        secret = channel.secret.get_secret_value()
        return WebhookNotifier(channel.url, secret, connect_outbound(settings, clock), clock)
    if isinstance(channel, EmailChannel):
        url = settings.smtp_url.get_secret_value()
        return EmailNotifier(url, settings.smtp_sender, channel.to, clock)
    return LogNotifier() if channel.type == "log" else None


def _cron_problem(cron: str) -> str | None:
    try:
        next_run(cron, SystemClock().now())
    except ValueError as error:
        return str(error)
    return None


def _links_problem(selector: str) -> str | None:
    try:
        xpath_of(selector)
    except Rejected as error:
        return str(error).removeprefix("links: ")
    return None


def _topic_problems(topics: Sequence[Topic], lists: Sequence[WordList]) -> Mapping[str, str]:
    errors = compile_topics(topics, lists).errors
    return {name: str(error) for name, error in errors.items()}
