"""Drops copies: the same address, the source's own id or the same text as an article before.

Each article claims its keys, and whoever claimed a key first owns it for ever. The question is
"whose is it?", never "was it seen?": an article that comes again after a crash finds itself as the
owner, and passes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from monitor import telemetry
from monitor.channels import ARTICLE_DEDUPLICATED, ARTICLE_FETCHED
from monitor.consumer import Consumer, Outgoing, derive, slices
from monitor.events import Event, load
from monitor.model import Article, Sighting
from monitor.protocols import Claims, Clock, Outbox, Sightings
from monitor.text.fingerprints import text_fingerprint
from monitor.text.urls import canonical_url
from monitor.text.words import words

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
    elif address and article.item_id:
        # A page may have several items, but not of one title: then the source's ids do not last.
        titled = f"{' '.join(words(article.title))} {address}"
        keys.append(f"titled:{sha256(titled.encode('utf-8', 'replace')).hexdigest()}")
    return tuple(keys)


def owner_of(article: Article) -> str:
    """Return how an article signs its claims: its source, then its id."""
    return f"{article.source} {article.id}"


def original_of(article: Article, keys: Iterable[str], owners: Mapping[str, str]) -> str:
    """Return the id of the article that this one is a copy of; its own id where it is none.

    One address for two items of a source is no copy where the source tells them apart by their
    ids: a live page has many of them.
    """
    for key in keys:
        source, _, owner = owners[key].rpartition(" ")
        apart = key.startswith("url:") and source == article.source and article.item_id
        if owner != article.id and not apart:
            return owner
    return article.id


def dedupe(claims: Claims, sightings: Sightings, outbox: Outbox, clock: Clock) -> Consumer:
    """Return the consumer that passes on originals and records copies.

    A revision keeps the verdict of the article's first text: one of a copy claims nothing.
    """

    async def process(events: Sequence[Event]) -> Sequence[Outgoing]:
        articles: list[Article] = []
        keys: list[tuple[str, ...]] = []
        async for some in slices(events):
            articles += [load(Article, event.data) for event in some]
            keys += [claims_of(article) for article in articles[len(keys) :]]
        revised = [article.id for article in articles if article.revision > 1]
        copies = dict(await sightings.copies(revised))
        owners = await claims.claim(_wanted(articles, keys, copies))
        outgoing, dropped = [], []
        for event, article, claimed in zip(events, articles, keys, strict=True):
            if article.revision == 1:
                original = original_of(article, claimed, owners)
                if original != article.id:
                    copies[article.id] = original
            if article.id in copies:
                dropped.append(article)
            else:
                outgoing.append(derive(event, ARTICLE_DEDUPLICATED, article))
        if dropped:
            await _record(dropped, copies)
        return outgoing

    async def _record(dropped: Sequence[Article], copies: dict[str, str]) -> None:
        # What a copy was the first to claim leads on to what it is a copy of.
        further = await sightings.copies(sorted(set(copies.values())))
        found = [_sighting(item, further.get(copies[item.id], copies[item.id])) for item in dropped]
        await sightings.record_sightings(found)
        await outbox.settle(dropped, clock.now())
        telemetry.COPIES.inc(len(dropped))

    return Consumer(
        name="dedupe", reads=ARTICLE_FETCHED, process=process, sends=(ARTICLE_DEDUPLICATED,)
    )


def _wanted(
    articles: Sequence[Article], keys: Sequence[tuple[str, ...]], copies: Mapping[str, str]
) -> dict[str, str]:
    """Return what a batch claims; the first article of the batch comes first."""
    wanted: dict[str, str] = {}
    for article, claimed in zip(articles, keys, strict=True):
        if article.id not in copies:
            for key in claimed:
                wanted.setdefault(key, owner_of(article))
    return wanted


def _sighting(article: Article, original: str) -> Sighting:
    return Sighting(
        article_id=article.id,
        original_id=original,
        source=article.source,
        url=article.url,
        seen=article.fetched,
    )
