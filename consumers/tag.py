"""Tags articles with the topics whose queries they match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.channels import ARTICLE_DEDUPLICATED, ARTICLE_TAGGED
from monitor.consumer import Consumer, Outgoing, derive, slices
from monitor.events import Event, load
from monitor.model import Article
from monitor.topics.matcher import Matcher


def tag(matcher: Matcher) -> Consumer:
    """Return the consumer that gives each article its topics, all of them, as they are now."""

    async def process(events: Sequence[Event]) -> Sequence[Outgoing]:
        outgoing: list[Outgoing] = []
        async for some in slices(events):
            articles = [load(Article, event.data) for event in some]
            topics = matcher.match(articles)
            outgoing += [
                derive(event, ARTICLE_TAGGED, replace(article, topics=found))
                for event, article, found in zip(some, articles, topics, strict=True)
            ]
        return outgoing

    return Consumer(
        name="tag", reads=ARTICLE_DEDUPLICATED, process=process, sends=(ARTICLE_TAGGED,)
    )
