"""Stores articles: the newest revision of each, once."""

from __future__ import annotations

from collections.abc import Sequence

from monitor import telemetry
from monitor.channels import ARTICLE_TAGGED
from monitor.consumer import Consumer, Outgoing
from monitor.events import Event, load
from monitor.model import Article
from monitor.protocols import Articles, Clock


def store(archive: Articles, clock: Clock) -> Consumer:
    """Return the consumer at the end of the articles' way: it sends nothing."""

    async def process(events: Sequence[Event]) -> Sequence[Outgoing]:
        articles = [load(Article, event.data) for event in events]
        await archive.save_articles(articles, clock.now())
        telemetry.ARTICLES_STORED.inc(len(articles))
        return ()

    return Consumer(name="store", reads=ARTICLE_TAGGED, process=process)
