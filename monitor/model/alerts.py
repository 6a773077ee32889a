"""Alert rules, alerts, and their deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.model.articles import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """A standing subscription: articles on any of `topics` reach every one of `channels`.

    `topics` may hold `*`, which is every topic. Where there is a `query`, an article must match
    it as well.
    """

    id: str
    topics: tuple[str, ...]
    channels: tuple[str, ...]
    name: str = ""
    query: str = ""


class ChannelKind(StrEnum):
    """The ways to reach people."""

    LOG = "log"
    STREAM = "stream"
    WEBHOOK = "webhook"
    EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChannel:
    """One named way to reach somebody; its settings and secrets stay in the configuration."""

    id: str
    kind: ChannelKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One match of one rule, with the article as it was then. `id` = uuid5(rule, article)."""

    id: str
    rule: str
    rule_name: str
    article: Article
    topics: tuple[str, ...]
    raised: datetime


class DeliveryState(StrEnum):
    """The life of one sending."""

    PENDING = "pending"
    LEASED = "leased"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One sending of one alert to one channel; `id` is the idempotency key of every attempt."""

    id: str
    alert: Alert
    channel: str
    attempt: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How one attempt went: `sent`, or to be made again at `next_at`, or with neither, dead."""

    delivery: Delivery
    sent: datetime | None = None
    error: str = ""
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStatus:
    """How far one delivery has come, as people see it; `next` says when one that waits is tried."""

    channel: str
    kind: ChannelKind
    state: DeliveryState
    attempts: int
    error: str = ""
    sent: datetime | None = None
    next: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """An alert as it is listed: `seq` grows in the order in which alerts were raised."""

    seq: int
    alert: Alert
    deliveries: tuple[DeliveryStatus, ...] = ()
