"""What all kinds of feeds have in common: from an item as it was printed to an article."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urljoin

from monitor.model import Article, Document, Hints, Parsed, Source
from monitor.sources.dates import is_absurd, is_ahead, sane, stated_time
from monitor.sources.markup import line_of, text_of
from monitor.sources.repair import MAX_ITEMS, MAX_PERSON
from monitor.text.fingerprints import article_id, content_hash
from monitor.text.headline import host_label, without_outlet
from monitor.text.language import Languages
from monitor.text.normal import (
    MAX_ARTICLE,
    MAX_ITEM_ID,
    MAX_SUMMARY,
    MAX_TITLE,
    clean_line,
    clean_text,
    cut,
)
from monitor.text.urls import link_url

_MAX_AUTHORS = 20
_MAX_CATEGORIES = 50
_MAX_CATEGORY = 200
_TITLE_FROM_TEXT = 120
_UNTITLED = "Untitled"
_OLDEST = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item as its document prints it: strings of which nothing is trusted.

    `title`, `summary` and `content` may hold HTML; `url` and `image` may be relative. A time is
    text, or a datetime where the parser has read it already.
    """

    id: str = ""
    url: str = ""
    title: str = ""
    summary: str = ""
    content: str = ""
    authors: Sequence[str] = ()
    categories: Sequence[str] = ()
    image: str = ""
    published: str | datetime | None = None
    updated: str | datetime | None = None
    language: str = ""


def parsed_of(
    items: Sequence[Item],
    document: Document,
    source: Source,
    *,
    title: str = "",
    language: str = "",
    rejected: int = 0,
    hints: Hints | None = None,
) -> Parsed:
    """Return what a document of these items holds: the newest 2,000 articles, in its order.

    `title` and `language` are what the document says of itself.
    """
    items = _newest([dated(item, document.fetched) for item in with_usable_ids(items)])
    title = clean_line(line_of(title), MAX_TITLE)
    outlets = outlets_of(document, source, title)
    languages = Languages(language)
    articles = [article_of(item, document, source, languages, outlets) for item in items]
    return Parsed(
        articles=newest(articles),
        rejected=rejected,
        hints=hints or Hints(),
        title=title,
        notes=notes_of(items, document.fetched),
    )


def article_of(
    item: Item,
    document: Document,
    source: Source,
    languages: Languages,
    outlets: Sequence[str] = (),
) -> Article:
    """Return the article of an item whose times are read; `languages` knows those of the
    document's other items, `outlets` are names to be cut off its headline."""
    url = absolute(item.url, document.url) or (link_url(item.id) if _is_address(item.id) else "")
    summary = clean_text(text_of(item.summary), MAX_SUMMARY)
    content = "" if item.content == item.summary else item.content
    body = clean_text(text_of(content), MAX_ARTICLE)
    body = "" if body == summary else cut(body, MAX_ARTICLE - len(summary.encode()) - 4 * MAX_TITLE)
    authors = _lines(item.authors, MAX_PERSON, _MAX_AUTHORS)
    categories = _lines(item.categories, _MAX_CATEGORY, _MAX_CATEGORIES)
    image, guid = absolute(item.image, document.url), item_id_of(item.id)
    title = without_outlet(clean_line(line_of(item.title), MAX_TITLE), outlets)
    # An item without a title is an article all the same; what else it has stands for the title.
    title = title or _first_words(summary or body) or url or clean_line(guid) or image
    title = title or ", ".join(authors or categories)[:MAX_TITLE] or _UNTITLED
    # What the item states is its identity: the time of the poll would be another one every time.
    stated = item.published if isinstance(item.published, datetime) else None
    updated = item.updated if isinstance(item.updated, datetime) else None
    return Article(
        id=article_id(source.name, guid, url, title, stated),
        source=source.name,
        title=title,
        fetched=document.fetched,
        content_hash=content_hash(title, summary, body, url, stated),
        url=url,
        item_id=guid,
        summary=summary,
        body=body,
        authors=authors,
        categories=categories,
        image=image,
        language=languages.of(f"{title}\n{summary or body}", item.language),
        published=sane(stated, document.fetched),
        updated=sane(updated, document.fetched),
    )


def item_id_of(text: str) -> str:
    """Return the id that a source gave an item, a long one as its hash: it becomes a key, and
    PostgreSQL refuses one of more than 2,704 bytes."""
    clean = clean_line(text, len(text))
    encoded = clean.encode()
    return clean if len(encoded) <= MAX_ITEM_ID else hashlib.sha256(encoded).hexdigest()


def absolute(url: str, base: str) -> str:
    """Return the http(s) address that `url` is on a page at `base`, "" where it is none."""
    try:
        url = url.strip()
        return link_url(url if _is_address(url) else urljoin(base, url)) if url else ""
    except ValueError:
        return ""


def dated(item: Item, now: datetime) -> Item:
    """Return an item with its times read, None for what is no time or an absurd one.

    An item without a time of publication was published when it was last updated.
    """
    updated = _moment(item.updated, now)
    return replace(item, published=_moment(item.published, now) or updated, updated=updated)


def with_usable_ids(items: Iterable[Item]) -> list[Item]:
    """Return items without the ids that name several of them: some feeds give all the same."""
    items = list(items)
    named: defaultdict[str, set[str]] = defaultdict(set)
    for item in items:
        named[item.id].add(item.url or item.title)
    return [replace(item, id="") if len(named[item.id]) > 1 else item for item in items]


def newest(articles: Iterable[Article]) -> tuple[Article, ...]:
    """Return the newest 2,000, each id once, in their order; the first ones where dates miss."""
    unique = list({article.id: article for article in reversed(list(articles))}.values())[::-1]
    if len(unique) <= MAX_ITEMS:
        return tuple(unique)
    ranked = sorted(unique, key=lambda article: article.published or _OLDEST, reverse=True)
    kept = {article.id for article in ranked[:MAX_ITEMS]}
    return tuple(article for article in unique if article.id in kept)


def _newest(items: list[Item]) -> list[Item]:
    """Return the newest items, twice as many as are kept, since the same may stand there twice:
    to make articles of 50,000 takes longer than a parser has."""
    if len(items) <= 2 * MAX_ITEMS:
        return items
    times = [item.published if isinstance(item.published, datetime) else _OLDEST for item in items]
    ranked = sorted(range(len(items)), key=times.__getitem__, reverse=True)
    return [items[place] for place in sorted(ranked[: 2 * MAX_ITEMS])]


def notes_of(items: Iterable[Item], now: datetime) -> tuple[str, ...]:
    """Return sentences on what is odd about items whose times have been read."""
    times = [item.published for item in items if isinstance(item.published, datetime)]
    ahead = sum(is_ahead(moment, now) for moment in times)
    if not ahead:
        return ()
    dates = "1 item is" if ahead == 1 else f"{ahead} items are"
    return (f"{dates} dated in the future: taken as published at the poll",)


def cut_off(count: int) -> str:
    """Return the sentence on a document that ends before its end, of which so many items were
    read."""
    items = "1 item" if count == 1 else f"{count} items"
    return f"the document is cut off: {items} of it could be read"


def outlets_of(document: Document, source: Source, *titles: str) -> tuple[str, ...]:
    """Return the names that a document's outlet may put into its headlines."""
    return tuple(name for name in (source.title, *titles, host_label(document.url)) if name)


def _moment(value: str | datetime | None, now: datetime) -> datetime | None:
    moment = stated_time(value.strip(), now) if isinstance(value, str) else value
    return None if moment is None or is_absurd(moment, now) else moment


def _is_address(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _lines(texts: Sequence[str], limit: int, most: int) -> tuple[str, ...]:
    # A long line is cut first: its end would cost time and be thrown away.
    found = (clean_line(line_of(text[: 8 * limit]), limit) for text in texts[: 4 * most])
    return tuple(dict.fromkeys(line for line in found if line))[:most]


def _first_words(text: str) -> str:
    line = clean_line(text, _TITLE_FROM_TEXT + 1)
    return line if len(line) <= _TITLE_FROM_TEXT else line[:_TITLE_FROM_TEXT].rstrip() + "…"
