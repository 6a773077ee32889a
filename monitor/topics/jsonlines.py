"""Articles from JSON lines: `{"id", "title", "text", "language"}`, or events of a recording."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from monitor.errors import Rejected
from monitor.events import load, load_line
from monitor.model import Article

SOURCE = "file"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the article that it holds with its id as it is written, or what is wrong."""

    number: int
    id: str | int = ""
    article: Article | None = None
    problem: str = ""


class _Plain(msgspec.Struct):
    """The keys that a line may have; others are ignored. All but one text may be missing, and
    any of them may be empty: an article without words matches nothing, and is no mistake."""

    id: str | int = ""
    title: str | msgspec.UnsetType | None = msgspec.UNSET
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    language: str | None = ""
    summary: str | msgspec.UnsetType | None = msgspec.UNSET
    body: str | msgspec.UnsetType | None = msgspec.UNSET
    url: str | None = ""
    source: str | None = ""
    place: str | None = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    published: datetime | None = None
    specversion: str = ""


_decode = msgspec.json.Decoder(_Plain).decode


def read_lines(lines: Iterable[bytes], now: datetime) -> Iterator[Line]:
    """Yield what each line holds; empty ones are left out. Plain articles are fetched `now`."""
    for number, line in enumerate(lines, 1):
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line.strip():
            continue
        try:
            yield _read(number, line, now)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield Line(number, problem=f"not a line of JSON that holds an article: {error}")
        except Rejected as error:
            yield Line(number, problem=str(error))


def _read(number: int, line: bytes, now: datetime) -> Line:
    found = _decode(line)
    if found.specversion:
        article = load(Article, load_line(line).data)
        if article.fetched.tzinfo is None:
            raise Rejected("its times have no time zone")
        return Line(number, article.id, article)
    texts = (found.title, found.text, found.summary, found.body)
    if all(text is msgspec.UNSET for text in texts):
        raise Rejected("it holds no article: give it a title or a text")
    # A line without an id is named by its number, so that it can be found again.
    given = found.id if found.id != "" else number
    return Line(number, given, _article(found, str(given), now))


def _article(found: _Plain, article_id: str, now: datetime) -> Article:
    published = found.published
    if published is not None and published.tzinfo is None:
        published = published.replace(tzinfo=UTC)
    return Article(
        id=article_id,
        source=found.source or SOURCE,
        title=found.title or "",
        fetched=now,
        content_hash="",
        url=found.url or "",
        summary=found.summary or "",
        body=found.text or found.body or "",
        authors=found.authors,
        categories=found.categories,
        language=found.language or "",
        place=found.place or "",
        published=published,
    )
