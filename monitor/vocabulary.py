"""The words of the newest articles, so far as the archive's index tells at once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from monitor.model import ArticleFilter
from monitor.protocols import Archive
from monitor.topics.evaluate import count_fitting
from monitor.topics.matcher import frequencies_of
from monitor.topics.patterns import literal_prefix
from monitor.topics.tree import Fuzzy, Stem, Wildcard

DAYS = timedelta(days=30)
MOST = 50_000
"""The newest articles that are asked about at most, so that an answer stays quick."""
SAMPLE = 1_000
"""The newest of these, whose words are read to see for how many a pattern stands."""


class NewestWords:
    """A vocabulary for `monitor.topics.advice`: it may keep silent, but what it tells is so."""

    def __init__(self, archive: Archive, first_seq: int, articles: int) -> None:
        self.articles = articles
        self._archive = archive
        self._first_seq = first_seq
        self._sample: Collection[str] | None = None

    @classmethod
    async def of(cls, archive: Archive, now: datetime) -> NewestWords:
        """Return the words of the articles of the last 30 days. Raises Unavailable."""
        return await cls.since(archive, now - DAYS)

    @classmethod
    async def since(cls, archive: Archive, when: datetime) -> NewestWords:
        """Return the words of the articles fetched from a moment on. Raises Unavailable."""
        return cls(archive, *await archive.newest_since(when, MOST))

    async def count(self, words: Collection[str]) -> Mapping[str, int]:
        """Return how many articles hold each of these folded words. Raises Unavailable."""
        return await self._archive.document_counts(list(words), self._first_seq)

    async def expand(self, word: Stem | Wildcard | Fuzzy, limit: int) -> int:
        """Return for how many words one stands, at the least. Raises Unavailable."""
        if self._sample is None:
            rows = await self._archive.articles(ArticleFilter(limit=min(SAMPLE, self.articles)))
            read = [row.article for row in rows]
            self._sample = await asyncio.to_thread(frequencies_of, read)
        number = count_fitting(word, self._sample, limit)
        if number or self.articles <= SAMPLE:
            return number
        # The others may hold one. The index knows how words begin, and nothing else of patterns.
        if not isinstance(word, Wildcard):
            return 1
        prefix = f"{literal_prefix(word.pattern)}*"
        return min((await self.count([prefix]))[prefix], 1)
