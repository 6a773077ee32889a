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
    WebhookChannel,
    read_alerts,
    unmade_topics,
)
from monitor.declarations.entries import NAME, NAME_RULE
from monitor.declarations.sources import (
    LEAST_INTERVAL,
    LocationKind,
    SourceEntry,
    SourceRules,
    check_source,
    read_sources,
    values_of,
)
from monitor.declarations.topics import (
    TopicEntry,
    TopicsCheck,
    read_topic_file,
    read_topics,
    taken_over,
)
from monitor.declarations.wording import judged, nearest

__all__ = [
    "LEAST_INTERVAL",
    "NAME",
    "NAME_RULE",
    "ChannelConfig",
    "EmailChannel",
    "LocationKind",
    "LogChannel",
    "RuleEntry",
    "SourceEntry",
    "SourceRules",
    "StreamChannel",
    "TopicEntry",
    "TopicsCheck",
    "WebhookChannel",
    "check_source",
    "judged",
    "nearest",
    "read_alerts",
    "read_sources",
    "read_topic_file",
    "read_topics",
    "taken_over",
    "unmade_topics",
    "values_of",
]
