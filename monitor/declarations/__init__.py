"""What the operator declares in `sources.yaml`, `topics.yaml` and `alerts.yaml`.

Each reader appends what is wrong to a list and returns what is right, so that one start shows
every mistake.
"""

from __future__ import annotations

from monitor.declarations.alerts import (
    ChannelConfig,
    EmailChannel,
    LogChannel,
    RuleEntry,
    StreamChannel,
    TopicEntry,
    WebhookChannel,
    read_alerts,
    read_topics,
)
from monitor.declarations.entries import NAME, sentence
from monitor.declarations.sources import (
    LEAST_INTERVAL,
    LocationKind,
    SourceEntry,
    SourceRules,
    check_source,
    read_sources,
    values_of,
)

__all__ = [
    "LEAST_INTERVAL",
    "NAME",
    "ChannelConfig",
    "EmailChannel",
    "LocationKind",
    "LogChannel",
    "RuleEntry",
    "SourceEntry",
    "SourceRules",
    "StreamChannel",
    "TopicEntry",
    "WebhookChannel",
    "check_source",
    "read_alerts",
    "read_sources",
    "read_topics",
    "sentence",
    "values_of",
]
