"""What people call the source and the topics of an alert, and where its article's page is."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from monitor.errors import MonitorError
from monitor.model import Alert
from monitor.notifiers.wording import one_line

log = logging.getLogger(__name__)

LONGEST = 100


class Called(Protocol):
    """What is looked up in the storage."""

    async def titles(self, names: Collection[str] | None = None) -> Mapping[str, str]:
        """Return what each source is called, by name."""

    async def topic_names(self, topic_ids: Collection[str]) -> Mapping[str, str]:
        """Return what each topic is called, by id."""


@dataclass(frozen=True, slots=True)
class Named:
    """An alert in people's words. `page` is "" where nobody can reach it."""

    source: str
    topics: tuple[str, ...]
    page: str = ""


@dataclass(frozen=True, slots=True)
class Naming:
    """Finds the words; without a storage, ids are all there is. `base` is where the pages are."""

    called: Called | None = None
    base: str = ""

    async def of(self, alert: Alert) -> Named:
        """Return what an alert is called; never raises: ids do where the storage is away."""
        source = alert.article.source
        titles: Mapping[str, str] = {}
        names: Mapping[str, str] = {}
        if self.called is not None:
            try:
                titles = await self.called.titles([source])
                names = await self.called.topic_names(alert.topics)
            except MonitorError as error:
                log.debug("an alert goes out without names: %s", error)
        return Named(
            one_line(titles.get(source) or source, LONGEST),
            tuple(one_line(names.get(topic) or topic, LONGEST) for topic in alert.topics),
            f"{self.base}/articles/{quote(alert.article.id, safe='')}" if self.base else "",
        )


BY_IDS = Naming()
