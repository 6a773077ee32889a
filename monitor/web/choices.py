"""What the filters of the page of articles offer: all sources and topics, or those in the news."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from monitor.protocols import Archive
from monitor.text.words import fold

OFFERED = 200
"""Most sources, and most topics, that a filter offers."""
LOOKED_AT = 1_000
"""The newest articles, whose sources and topics are offered where there are more."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What one filter offers, by what is sent; where that is not the whole, anything may be
    written. `names` is what people call these and all else on the page."""

    offered: Mapping[str, str]
    names: Mapping[str, str]
    whole: bool


async def choices(archive: Archive, sources: Set[str], topics: Set[str]) -> tuple[Choice, Choice]:
    """Return the filters for sources and for topics of a page on which these are named too.
    Raises Unavailable."""
    titles = await archive.titles(limit=OFFERED + 1)
    first = await archive.topics_by_name("", "", OFFERED + 1)
    called = {topic.id: topic.name for topic in first}
    all_sources, all_topics = len(titles) <= OFFERED, len(called) <= OFFERED
    if not (all_sources and all_topics):
        frequent = await archive.frequent(LOOKED_AT, OFFERED)
        if not all_sources:
            titles = await archive.titles(frequent[0])
        if not all_topics:
            called = _by_name(await archive.topic_names(frequent[1]))
    return (
        Choice(titles, {**titles, **await archive.titles(sources - titles.keys())}, all_sources),
        Choice(called, {**called, **await archive.topic_names(topics - called.keys())}, all_topics),
    )


def _by_name(called: Mapping[str, str]) -> dict[str, str]:
    """Return topics by name, as people sort them: capitals and accents do not count."""
    return dict(sorted(called.items(), key=lambda item: (fold(item[1]), item[0])))
