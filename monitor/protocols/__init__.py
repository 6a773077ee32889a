"""The seams: what the service needs of the world, as small protocols.

Storage is several protocols, implemented by one SqlStore, so that a consumer's signature says all
that it can touch.
"""

from __future__ import annotations

from monitor.protocols.edges import (
    Fetcher,
    Getter,
    Notifier,
    Parser,
)
from monitor.protocols.polling import (
    Hubs,
    SourceChanges,
    Sources,
    Turns,
)
from monitor.protocols.storage import (
    Alerts,
    Archive,
    Articles,
    Claims,
    Deliveries,
    Leases,
    Outbox,
    Sightings,
    Store,
    StoredTopics,
    TopicParts,
    Topics,
)
from monitor.protocols.stream import (
    Broker,
    Clock,
    Subscription,
)

__all__ = [
    "Alerts",
    "Archive",
    "Articles",
    "Broker",
    "Claims",
    "Clock",
    "Deliveries",
    "Fetcher",
    "Getter",
    "Hubs",
    "Leases",
    "Notifier",
    "Outbox",
    "Parser",
    "Sightings",
    "SourceChanges",
    "Sources",
    "Store",
    "StoredTopics",
    "Subscription",
    "TopicParts",
    "Topics",
    "Turns",
]
