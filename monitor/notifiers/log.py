"""Alerts as lines of the service's own log, for whoever watches that already."""

from __future__ import annotations

import logging

from monitor.model import Delivery
from monitor.notifiers.naming import BY_IDS, Naming
from monitor.notifiers.wording import headline, one_line

log = logging.getLogger("monitor.alert")


class LogNotifier:
    """Writes one structured line per alert, on the logger `monitor.alert`."""

    def __init__(self, naming: Naming = BY_IDS) -> None:
        self._naming = naming

    async def send(self, delivery: Delivery) -> None:
        """Log an alert; never raises."""
        alert = delivery.alert
        article, named = alert.article, await self._naming.of(alert)
        facts: dict[str, object] = {
            "title": headline(article),
            "source": article.source,
            "source_name": named.source,
            "url": one_line(article.url, 2_000),
            "topics": list(alert.topics),
            "topic_names": list(named.topics),
            "rule": alert.rule,
            "alert": alert.id,
        }
        if named.page:
            facts["page"] = named.page
        if article.replayed:
            facts["replayed"] = True
        log.info("alert: %s", alert.rule_name or alert.rule, extra=facts)

    async def check(self) -> None:
        """The log is always there."""

    async def close(self) -> None:
        """Nothing is held open."""
