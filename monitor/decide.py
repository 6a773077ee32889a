"""Decisions of a poll, pure: what is new, what is revised, and when to ask again."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.errors import MonitorError, Unavailable, Unreachable
from monitor.model import Article, Known, SourceState

DAY = 86_400
LEAST_PAUSE = 60
LONGEST_RETRY_AFTER = 7 * DAY
JITTER = 0.1


def changes(articles: Iterable[Article], known: Mapping[str, Known]) -> tuple[Article, ...]:
    """Return the new and the revised articles of a poll, each with its revision.

    The source decides: a text that it showed before and shows again is a revision too.
    """
    changed: dict[str, Article] = {}
    for article in articles:
        before = known.get(article.id)
        if before is None:
            changed.setdefault(article.id, replace(article, revision=1))
        elif before.content_hash != article.content_hash:
            changed.setdefault(article.id, replace(article, revision=before.revision + 1))
    return tuple(changed.values())


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


def next_poll_at(state: SourceState, now: datetime, error: MonitorError | None) -> datetime:
    """Return when to poll a source again.

    After a success: its interval, moved by up to 10 % so that sources spread out. After the n-th
    failure in a row: the interval doubled n-1 times, at most a day; where no connection came
    about the publisher was not bothered, so it goes from a minute to the interval. A Retry-After is
    kept in full, up to a week.
    """
    interval = float(state.source.interval)
    if error is None:
        spread = zlib.crc32(f"{state.source.name} {now.isoformat()}".encode()) / 2**31 - 1
        return now + timedelta(seconds=interval * (1 + JITTER * spread))
    doublings = 2.0 ** min(state.failures, 20)
    first = min(interval, LEAST_PAUSE) if isinstance(error, Unreachable) else interval
    longest = interval if isinstance(error, Unreachable) else max(DAY, interval)
    delay = min(first * doublings, longest)
    wish = error.retry_after or 0.0 if isinstance(error, Unavailable) else 0.0
    return now + timedelta(seconds=max(delay, min(wish, LONGEST_RETRY_AFTER)))
