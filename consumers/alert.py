"""Raises alerts: one for each rule and article, with a delivery for each channel of the rule.

The row is written first and the event sent always, so a crash between the two loses neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from uuid import uuid5

from monitor import telemetry
from monitor.channels import ALERT_RAISED, ARTICLE_TAGGED
from monitor.consumer import NAMESPACE, Consumer, Outgoing, derive
from monitor.events import Event, load
from monitor.model import Alert, AlertChannel, AlertRule, Article, ChannelKind
from monitor.protocols import Alerts, Clock
from monitor.topics.evaluate import holds
from monitor.topics.text import Text
from monitor.topics.tree import Node

NO_QUERIES: Mapping[str, Node] = MappingProxyType({})
QUIET = frozenset({ChannelKind.LOG, ChannelKind.STREAM})
"""The kinds of channel that a muted article may still reach."""


def alerts_for(
    article: Article,
    rules: Sequence[AlertRule],
    now: datetime,
    queries: Mapping[str, Node] = NO_QUERIES,
) -> list[Alert]:
    """Return an alert for each rule that waits for one of the article's topics, and whose query,
    by its id in `queries`, the article matches, if it has one.

    What a new source already had is no news, whatever it is about.
    """
    alerts: list[Alert] = []
    if article.backlog:
        return alerts
    for rule in rules:
        topics = article.topics if "*" in rule.topics else rule.topics
        matched = tuple(topic for topic in article.topics if topic in topics)
        if matched and (rule.id not in queries or holds(queries[rule.id], Text.of(article))):
            alerts.append(
                Alert(
                    id=str(uuid5(NAMESPACE, f"alert:{rule.id}:{article.id}")),
                    rule=rule.id,
                    rule_name=rule.name,
                    article=article,
                    topics=matched,
                    raised=now,
                )
            )
    return alerts


def alert(
    rules: Sequence[AlertRule],
    channels: Mapping[str, AlertChannel],
    alerts: Alerts,
    clock: Clock,
    queries: Mapping[str, Node] = NO_QUERIES,
) -> Consumer:
    """Return the consumer that turns tagged articles into alerts."""
    receivers = {rule.id: tuple(channels[name] for name in rule.channels) for rule in rules}

    async def process(events: Sequence[Event]) -> Sequence[Outgoing]:
        now = clock.now()
        raised: list[tuple[Alert, tuple[AlertChannel, ...]]] = []
        outgoing = []
        for event in events:
            article = load(Article, event.data)
            for found in alerts_for(article, rules, now, queries):
                reached = receivers[found.rule]
                if article.muted:
                    reached = tuple(channel for channel in reached if channel.kind in QUIET)
                raised.append((found, reached))
                outgoing.append(derive(event, ALERT_RAISED, found, fact=found.id))
        if raised:
            await alerts.raise_alerts(raised, now)
            telemetry.ALERTS.inc(len(raised))
        return outgoing

    return Consumer(name="alert", reads=ARTICLE_TAGGED, process=process, sends=(ALERT_RAISED,))
