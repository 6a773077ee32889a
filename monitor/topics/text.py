"""An article as queries see it: its fields as segments of words, and its values."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from urllib.parse import urlsplit

from monitor.model import Article
from monitor.text.words import exact_words, words
from monitor.topics.tree import LEAD_WORDS, Field, Zone

COUNTRY_OF = {"uk": "gb", "ac": "sh", "eu": ""}
"""Country-code domains that are not the ISO 3166 code."""
GENERIC = frozenset({"co", "io", "tv", "ai", "me", "fm", "ws", "cc", "to", "ly", "gg", "la"})
"""Country-code domains that are sold to everybody: they say nothing of a country."""


class Segment:
    """One field of an article, or a part of one: no phrase reaches beyond it."""

    def __init__(self, name: str, raw: str, folded: list[str] | None = None) -> None:
        self.name = name
        self.raw = raw
        self._at: dict[str, list[int]] = {}
        if folded is not None:
            self.folded = folded

    @cached_property
    def folded(self) -> list[str]:
        """The words, as `words` gives them."""
        return words(self.raw)

    @cached_property
    def exact(self) -> list[str]:
        """The same words with case and accents."""
        return exact_words(self.raw)[: len(self.folded)]

    @cached_property
    def distinct(self) -> frozenset[str]:
        """The folded words, each once."""
        return frozenset(self.folded)

    def at(self, word: str) -> Sequence[int]:
        """Return where a folded word stands, in order."""
        found = self._at.get(word)
        if found is None:
            found, start = [], -1
            with suppress(ValueError):  # a list is searched faster than a dictionary is filled
                while True:
                    start = self.folded.index(word, start + 1)
                    found.append(start)
            self._at[word] = found
        return found


class Text:
    """An article with everything that a query may ask of it, worked out when it is asked."""

    def __init__(self, article: Article, now: datetime | None = None) -> None:
        self._article = article
        self._zones: dict[Zone, tuple[Segment, ...]] = {}
        self.now = now or article.fetched
        self.published = article.published or article.fetched

    @classmethod
    def of(cls, article: Article, now: datetime | None = None) -> Text:
        """Return the text of an article; `now` is the moment of a search, else of its fetch."""
        return cls(article, now)

    def segments(self, zone: Zone) -> Sequence[Segment]:
        """Return the segments of a zone: of `TEXT` the title, the summary and the body."""
        found = self._zones.get(zone)
        if found is None:
            found = self._zones[zone] = self._make(zone)
        return found

    @property
    def raw(self) -> tuple[str, str, str]:
        """Title, summary and body as they are written."""
        return self._article.title, self._article.summary, self._article.body

    def value(self, field: Field) -> str:
        """Return the value of a field, casefolded; "" where the article has none."""
        article = self._article
        match field:
            case Field.SOURCE:
                return article.source.casefold()
            case Field.LANGUAGE:
                return article.language.casefold().partition("-")[0]
            case Field.DOMAIN:
                return self._host.removeprefix("www.")
            case Field.COUNTRY:
                last = self._host.rpartition(".")[2]
                return "" if len(last) != 2 or last in GENERIC else COUNTRY_OF.get(last, last)

    @cached_property
    def vocabulary(self) -> set[str]:
        """The folded words of title, summary and body."""
        title, summary, body = self.segments(Zone.TEXT)
        found = set(body.folded)
        found.update(title.folded, summary.folded)
        return found

    @cached_property
    def lines(self) -> str:
        """The words of title, summary and body between single spaces, a line for each: a phrase is
        found as text, which is faster than by places, and lines keep phrases within them."""
        return "\n".join([f" {' '.join(segment.folded)} " for segment in self.segments(Zone.TEXT)])

    @cached_property
    def _host(self) -> str:
        try:
            return (urlsplit(self._article.url).hostname or "").rstrip(".")
        except ValueError:
            return ""

    def _make(self, zone: Zone) -> tuple[Segment, ...]:
        article = self._article
        match zone:
            case Zone.TEXT:
                return (
                    Segment("title", article.title, words(article.title)),
                    Segment("summary", article.summary, words(article.summary)),
                    Segment("body", article.body, words(article.body)),
                )
            case Zone.TITLE:
                return (self.segments(Zone.TEXT)[0],)
            case Zone.BODY:
                return tuple(self.segments(Zone.TEXT)[1:])
            case Zone.LEAD:
                title, summary, body = self.segments(Zone.TEXT)
                start = body if body.folded else summary
                return title, Segment(start.name, start.raw, start.folded[:LEAD_WORDS])
            case Zone.AUTHOR:
                return tuple(Segment("author", author) for author in article.authors)
            case Zone.TAG:
                return tuple(Segment("tag", category) for category in article.categories)
            case Zone.PLACE:
                return (Segment("place", article.place),)
            case Zone.URL:
                return (Segment("url", article.url),)
