"""Tags articles with the topics whose queries they match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.channels import ARTICLE_DEDUPLICATED, ARTICLE_TAGGED
from monitor.consumer import Consumer, Outgoing, derive
from monitor.events import Event, load
from monitor.model import Article
from monitor.topics.matcher import Matcher


def tag(matcher: Matcher) -> Consumer:
    """Return the consumer that gives each article its topics, all of them, as they are now."""

    async def process(events: Sequence[Event]) -> Sequence[Outgoing]:
        articles = [load(Article, event.data) for event in events]
        topics = matcher.match(articles)
        return [
            derive(event, ARTICLE_TAGGED, replace(article, topics=found))
            for event, article, found in zip(events, articles, topics, strict=True)
        ]

    return Consumer(
        name="tag", reads=ARTICLE_DEDUPLICATED, process=process, sends=(ARTICLE_TAGGED,)
    )
