"""The domain's types: frozen values without I/O, decoded and checked at every edge."""

from __future__ import annotations

from monitor.model.alerts import (
    Alert,
    AlertChannel,
    AlertRow,
    AlertRule,
    Attempt,
    ChannelKind,
    Delivery,
    DeliveryState,
    DeliveryStatus,
)
from monitor.model.articles import (
    Article,
    ArticleFilter,
    ArticleRow,
    OutboxRow,
    OutboxSize,
    Sighting,
)
from monitor.model.documents import (
    Document,
    Finding,
    Hints,
    Known,
    NotModified,
    PageText,
    Parsed,
    Survey,
)
from monitor.model.owner import (
    Owner,
)
from monitor.model.search import SearchPage, SearchPlan
from monitor.model.sources import (
    Condition,
    Failure,
    FullText,
    Memory,
    PollNote,
    Source,
    SourceChange,
    SourceState,
)
from monitor.model.tagging import Tagging, TopicMark
from monitor.model.topics import CatalogChange, Expectations, Priority, Topic, WordList
from monitor.model.turns import (
    Asked,
    HostReport,
    HubSubscription,
    PageVisit,
    PendingPage,
    Poll,
    Push,
    Robots,
    Turn,
)

__all__ = [
    "Alert",
    "AlertChannel",
    "AlertRow",
    "AlertRule",
    "Article",
    "ArticleFilter",
    "ArticleRow",
    "Asked",
    "Attempt",
    "CatalogChange",
    "ChannelKind",
    "Condition",
    "Delivery",
    "DeliveryState",
    "DeliveryStatus",
    "Document",
    "Expectations",
    "Failure",
    "Finding",
    "FullText",
    "Hints",
    "HostReport",
    "HubSubscription",
    "Known",
    "Memory",
    "NotModified",
    "OutboxRow",
    "OutboxSize",
    "Owner",
    "PageText",
    "PageVisit",
    "Parsed",
    "PendingPage",
    "Poll",
    "PollNote",
    "Priority",
    "Push",
    "Robots",
    "SearchPage",
    "SearchPlan",
    "Sighting",
    "Source",
    "SourceChange",
    "SourceState",
    "Survey",
    "Tagging",
    "Topic",
    "TopicMark",
    "Turn",
    "WordList",
]
