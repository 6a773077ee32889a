"""Tags articles with the topics whose queries they match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from monitor.channels import ARTICLE_DEDUPLICATED, ARTICLE_TAGGED
from monitor.consumer import Consumer, Outgoing, derive, slices
from monitor.events import Event, load
from monitor.model import Article


class Tagger(Protocol):
    """What knows the topics as they are now."""

    async def match(
        self, articles: Sequence[Article]
    ) -> Sequence[tuple[tuple[str, ...], tuple[int, ...]]]:
        """Return for each article the ids of its topics, and their versions."""


def tag(tagger: Tagger) -> Consumer:
    """Return the consumer that gives each article its topics, all of them, as they are now."""

    async def process(events: Sequence[Event]) -> Sequence[Outgoing]:
        outgoing: list[Outgoing] = []
        async for some in slices(events):
            articles = [load(Article, event.data) for event in some]
            topics = await tagger.match(articles)
            outgoing += [
                derive(
                    event, ARTICLE_TAGGED, replace(article, topics=found, topic_versions=versions)
                )
                for event, article, (found, versions) in zip(some, articles, topics, strict=True)
            ]
        return outgoing

    return Consumer(
        name="tag", reads=ARTICLE_DEDUPLICATED, process=process, sends=(ARTICLE_TAGGED,)
    )
