"""Drops copies: the same address, the source's own id or the same text as an article before.

Each article claims its keys, and whoever claimed a key first owns it for ever. The question is
"whose is it?", never "was it seen?": an article that comes again after a crash finds itself as the
owner, and passes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from monitor import telemetry
from monitor.channels import ARTICLE_DEDUPLICATED, ARTICLE_FETCHED
from monitor.consumer import Consumer, Outgoing, derive, slices
from monitor.events import Event, load
from monitor.model import Article, Sighting
from monitor.protocols import Claims, Clock, Outbox, Sightings
from monitor.text.fingerprints import text_fingerprint
from monitor.text.urls import canonical_url

_GLOBAL_ID = ("http://", "https://", "tag:", "urn:")


def claims_of(article: Article) -> tuple[str, ...]:
    """Return the keys under which an article is unique, the most telling first.

    A source's own id counts beyond the source only where its form makes it unique in the world.
    """
    keys = []
    if address := canonical_url(article.url):
        keys.append(f"url:{address}")
    if article.item_id.lower().startswith(_GLOBAL_ID):
        keys.append(f"id:{article.item_id}")
    if fingerprint := text_fingerprint(article):
        keys.append(f"text:{fingerprint}")
    return tuple(keys)


def original_of(
    article: Article, keys: Iterable[str], owners: Mapping[str, str], copies: Mapping[str, str]
) -> str:
    """Return the id of the article that this one is a copy of; its own id where it is none.

    A revision keeps the verdict of its first text: `copies` holds the known copies.
    """
    if article.revision > 1:
        return copies.get(article.id, article.id)
    return next((owners[key] for key in keys if owners[key] != article.id), article.id)


def dedupe(claims: Claims, sightings: Sightings, outbox: Outbox, clock: Clock) -> Consumer:
    """Return the consumer that passes on originals and records copies."""

    async def process(events: Sequence[Event]) -> Sequence[Outgoing]:
        articles: list[Article] = []
        keys: list[tuple[str, ...]] = []
        async for some in slices(events):
            articles += [load(Article, event.data) for event in some]
            keys += [claims_of(article) for article in articles[len(keys) :]]
        wanted: dict[str, str] = {}
        for article, claimed in zip(articles, keys, strict=True):
            for key in claimed:
                wanted.setdefault(key, article.id)
        owners = await claims.claim(wanted)
        revised = [article.id for article in articles if article.revision > 1]
        copies = await sightings.copies(revised) if revised else {}
        outgoing, dropped = [], []
        for event, article, claimed in zip(events, articles, keys, strict=True):
            original = original_of(article, claimed, owners, copies)
            if original == article.id:
                outgoing.append(derive(event, ARTICLE_DEDUPLICATED, article))
            else:
                dropped.append((article, original))
        if dropped:
            await sightings.record_sightings([_sighting(*pair) for pair in dropped])
            await outbox.settle([article for article, _ in dropped], clock.now())
            telemetry.COPIES.inc(len(dropped))
        return outgoing

    return Consumer(
        name="dedupe", reads=ARTICLE_FETCHED, process=process, sends=(ARTICLE_DEDUPLICATED,)
    )


def _sighting(article: Article, original: str) -> Sighting:
    return Sighting(
        article_id=article.id,
        original_id=original,
        source=article.source,
        url=article.url,
        seen=article.fetched,
    )
