"""What a poll found: new, revised, known, and flapping items. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.model import Article, Known, Source

MOST_REVISIONS = 24
"""An item whose text is still changing after this many is one that flaps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The new and the revised articles of a poll, the oldest first, and how many items were what.

    `calmed` items had another text again, and are left alone: they have flapped before.
    """

    articles: tuple[Article, ...] = ()
    new: int = 0
    known: int = 0
    revised: int = 0
    calmed: int = 0


def changes(
    articles: Iterable[Article],
    known: Mapping[str, Known],
    source: Source,
    first: bool,
    now: datetime,
) -> Found:
    """Return what is new and what is revised, each with its revision and its backlog mark.

    The source decides: a text that it showed before and shows again is a revision too. An item
    that has had 24 revisions is not revised any more: what changes so often is a counter or a time
    stamp. `first` says that this is the source's first import, at `now`.
    """
    changed: dict[str, Article] = {}
    seen: set[str] = set()
    new = same = calmed = 0
    for article in articles:
        if article.id in seen:
            continue
        seen.add(article.id)
        before = known.get(article.id)
        if before is None:
            new += 1
            changed[article.id] = _marked(article, 1, source, first, now)
        elif before.content_hash == article.content_hash:
            same += 1
        elif before.revision >= MOST_REVISIONS:
            calmed += 1
        else:
            changed[article.id] = _marked(article, before.revision + 1, source, first, now)
    return Found(
        articles=_oldest_first(changed.values(), now),
        new=new,
        known=same,
        revised=len(changed) - new,
        calmed=calmed,
    )


def _oldest_first(articles: Iterable[Article], now: datetime) -> tuple[Article, ...]:
    """Return articles as if each had come when it was published: listings show what came last
    first. Those without a time come last, in the document's order."""
    return tuple(sorted(articles, key=lambda article: article.published or now))


def _marked(article: Article, revision: int, source: Source, first: bool, now: datetime) -> Article:
    backlog = _is_backlog(article, revision, source, first, now)
    if (article.revision, article.backlog) == (revision, backlog):  # as most news is
        return article
    return replace(article, revision=revision, backlog=backlog)


def _is_backlog(
    article: Article, revision: int, source: Source, first: bool, now: datetime
) -> bool:
    """Return whether an article is stored and tagged only, never alerted.

    That is what a new source already has, and old articles whose text changes later on. On a first
    import nothing says that an undated article is news, so it counts as old.
    """
    if source.backlog is None or not (first or revision > 1):
        return False
    written = article.published or article.updated
    if written is None:
        return first
    return (now - written).total_seconds() > source.backlog


def replayed_changes(
    articles: Iterable[Article], known: Mapping[str, Known]
) -> tuple[Article, ...]:
    """Return the articles of a replay that are not known in any revision.

    A text that was ever there is old news, so replaying twice changes nothing. Recordings hold
    the revisions of one article in order; they are numbered anew after the known ones.
    """
    changed: list[Article] = []
    newest = {key: value.revision for key, value in known.items()}
    hashes = {key: set(value.hashes) | {value.content_hash} for key, value in known.items()}
    for article in articles:
        seen = hashes.setdefault(article.id, set())
        if article.content_hash not in seen:
            seen.add(article.content_hash)
            newest[article.id] = newest.get(article.id, 0) + 1
            changed.append(replace(article, revision=newest[article.id]))
    return tuple(changed)
