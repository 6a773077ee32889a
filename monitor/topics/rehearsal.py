"""What changed topics would do to what is stored: the matches that they gain and lose."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import zip_longest

from monitor.model import ArticleRow, Tagging
from monitor.topics.matcher import Matcher


@dataclass(frozen=True, slots=True)
class Headline:
    """A stored article as it is listed."""

    id: str
    title: str
    source: str
    fetched: datetime


@dataclass(slots=True)
class Effect:
    """What becomes of one topic. Days are those on which articles were fetched (UTC).

    `before` counts the stored matches, `after` those of the new query; the headlines are the
    latest ones, at most as many as are kept.
    """

    before: int = 0
    after: int = 0
    gained: int = 0
    lost: int = 0
    gained_headlines: deque[Headline] = field(default_factory=deque)
    lost_headlines: deque[Headline] = field(default_factory=deque)
    kept_headlines: deque[Headline] = field(default_factory=deque)
    days: dict[date, tuple[int, int]] = field(default_factory=dict)
    sources: dict[str, tuple[int, int]] = field(default_factory=dict)


class Rehearsal:
    """Matches topics against stored articles and compares with the tags that these have.

    `matcher` has the topics as they would be, `topics` are their ids, `removed` those that there
    would be no longer. Tags of any other topic stay as they are.
    """

    def __init__(
        self,
        matcher: Matcher,
        topics: Collection[str],
        removed: Collection[str] = (),
        headlines: int = 20,
    ) -> None:
        self._matcher = matcher
        self._about = frozenset(topics) | frozenset(removed)
        self.articles = 0
        self.taggings: list[Tagging] = []
        self.effects: Mapping[str, Effect] = {
            name: Effect(
                gained_headlines=deque(maxlen=headlines),
                lost_headlines=deque(maxlen=headlines),
                kept_headlines=deque(maxlen=headlines),
            )
            for name in sorted(self._about)
        }

    def add(self, rows: Sequence[ArticleRow]) -> None:
        """Match some more articles, in the order in which they were fetched."""
        found = self._matcher.match([row.article for row in rows])
        self.articles += len(rows)
        for row, matched in zip(rows, found, strict=True):
            self._compare(row, frozenset(row.article.topics) & self._about, frozenset(matched))

    def _compare(self, row: ArticleRow, before: frozenset[str], after: frozenset[str]) -> None:
        article = row.article
        day = article.fetched.date()
        for topic in before | after:
            _count(self.effects[topic], day, article.source, topic in before, topic in after)
        headline = Headline(article.id, article.title, article.source, article.fetched)
        for topic in before & after:
            self.effects[topic].kept_headlines.append(headline)
        if before == after:
            return
        for topic in after - before:
            self.effects[topic].gained_headlines.append(headline)
        for topic in before - after:
            self.effects[topic].lost_headlines.append(headline)
        # An article that was stored before topics had versions has none.
        known = dict(zip_longest(article.topics, article.topic_versions, fillvalue=1))
        kept = {topic: known[topic] for topic in article.topics if topic not in self._about}
        new = kept | {topic: self._matcher.version_of(topic) for topic in after}
        topics = tuple(sorted(new))
        versions = tuple(new[topic] for topic in topics)
        self.taggings.append(
            Tagging(
                article_id=article.id,
                revision=article.revision,
                topics=topics,
                versions=versions,
            )
        )


def _count(effect: Effect, day: date, source: str, before: bool, after: bool) -> None:
    effect.before += before
    effect.after += after
    effect.gained += after and not before
    effect.lost += before and not after
    old, new = effect.days.get(day, (0, 0))
    effect.days[day] = (old + before, new + after)
    old, new = effect.sources.get(source, (0, 0))
    effect.sources[source] = (old + before, new + after)
