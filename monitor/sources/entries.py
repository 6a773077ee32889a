"""Articles out of the entries of a feed, whichever parser read them: names are feedparser's."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from monitor.model import Article, Document, Source
from monitor.sources.dates import parse_time, sane, time_of
from monitor.sources.markup import line_of, text_of
from monitor.sources.repair import MAX_ITEMS, MAX_PERSON
from monitor.text.fingerprints import article_id, content_hash
from monitor.text.language import language_of
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

Entry = dict[str, Any]


def articles_of(
    entries: Sequence[Entry], document: Document, source: Source, declared: str
) -> list[Article]:
    """Return the articles of entries; `declared` is the feed's own language, "" for none."""
    usable = _usable_ids(entries)
    return [_article(entry, document, source, usable, declared) for entry in entries]


def _article(
    entry: Entry, document: Document, source: Source, usable: frozenset[str], declared: str
) -> Article:
    """Return the article of an entry."""
    url = _link(entry, document.url)
    summary = clean_text(text_of(_string(entry, "summary")), MAX_SUMMARY)
    body, language = _content(entry)
    title = clean_line(line_of(_string(entry, "title")), MAX_TITLE)
    authors, categories, image = _authors(entry), _categories(entry), _image(entry, document.url)
    body = "" if body == summary else cut(body, MAX_ARTICLE - len(summary.encode()) - 4 * MAX_TITLE)
    guid = _guid(entry, usable)
    # An item without a title is an article all the same; what else it has stands for the title.
    title = title or _first_words(summary or body) or url or clean_line(guid) or image
    title = title or ", ".join(authors or categories)[:MAX_TITLE] or _UNTITLED
    published = _time(entry, "published", document.fetched)
    updated = _time(entry, "updated", document.fetched)
    published = published or _time(entry, "created", document.fetched) or updated
    return Article(
        id=article_id(source.name, guid, url, title, published),
        source=source.name,
        title=title,
        fetched=document.fetched,
        content_hash=content_hash(title, summary, body, url, published),
        url=url,
        item_id=guid,
        summary=summary,
        body=body,
        authors=authors,
        categories=categories,
        image=image,
        language=language_of(f"{title}\n{summary or body}", language or declared),
        published=published,
        updated=updated,
    )


def _string(entry: Entry, key: str) -> str:
    # Past the parser's own look-up, which answers with other fields and warns.
    value = dict.get(entry, key)
    return value if isinstance(value, str) else ""


def _list(entry: Entry, key: str) -> list[Entry]:
    value = dict.get(entry, key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def absolute(url: str, base: str) -> str:
    """Return the address that a link leads to, "" where it leads nowhere."""
    try:
        return link_url(urljoin(base, url.strip()))
    except ValueError:
        return ""


def _link(entry: Entry, base: str) -> str:
    """Return the page of an entry: its link, else an id that is an address."""
    links = _list(entry, "links")
    candidates = [_string(entry, "link")]
    candidates += [_string(link, "href") for link in links if link.get("rel") == "alternate"]
    candidates += [_string(entry, "id")]
    for candidate in candidates[:-1]:
        if candidate and (url := absolute(candidate, base)):
            return url
    return link_url(candidates[-1]) if candidates[-1].startswith(("http://", "https://")) else ""


def _content(entry: Entry) -> tuple[str, str]:
    """Return the longest content as text, and the language that it declares."""
    best = max(_list(entry, "content"), key=lambda part: len(_string(part, "value")), default={})
    return clean_text(text_of(_string(best, "value")), MAX_ARTICLE), _string(best, "language")


def _first_words(text: str) -> str:
    line = clean_line(text, _TITLE_FROM_TEXT + 1)
    return line if len(line) <= _TITLE_FROM_TEXT else line[:_TITLE_FROM_TEXT].rstrip() + "…"


def _usable_ids(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the ids that name one item: some feeds give all items the same."""
    links: defaultdict[str, set[str]] = defaultdict(set)
    for entry in entries:
        links[_string(entry, "id")].add(_string(entry, "link") or _string(entry, "title"))
    return frozenset(guid for guid, of in links.items() if guid and len(of) == 1)


def _guid(entry: Entry, usable: frozenset[str]) -> str:
    guid = _string(entry, "id")
    if guid not in usable:
        return ""
    clean = clean_line(guid, len(guid))
    return clean if len(clean) <= MAX_ITEM_ID else hashlib.sha256(clean.encode()).hexdigest()


def _time(entry: Entry, key: str, now: datetime) -> datetime | None:
    moment = time_of(dict.get(entry, f"{key}_parsed"))
    if moment is None:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        moment = parse_time(_string(entry, key), midnight)
    return sane(moment, now)


def _authors(entry: Entry) -> tuple[str, ...]:
    people = _list(entry, "authors")
    names = [_string(person, "name") or _string(person, "email") for person in people]
    found = [clean_line(line_of(name), MAX_PERSON) for name in names or [_string(entry, "author")]]
    return tuple(dict.fromkeys(name for name in found if name))[:_MAX_AUTHORS]


def _categories(entry: Entry) -> tuple[str, ...]:
    tags = (_string(tag, "label") or _string(tag, "term") for tag in _list(entry, "tags"))
    found = (clean_line(line_of(tag), _MAX_CATEGORY) for tag in tags)
    return tuple(dict.fromkeys(name for name in found if name))[:_MAX_CATEGORIES]


def _image(entry: Entry, base: str) -> str:
    pictures = [
        _string(media, "url")
        for media in _list(entry, "media_content")
        if "image" in (_string(media, "medium"), _string(media, "type").partition("/")[0])
    ]
    pictures += [_string(media, "url") for media in _list(entry, "media_thumbnail")]
    pictures += [
        _string(link, "href")
        for link in _list(entry, "links")
        if link.get("rel") == "enclosure" and _string(link, "type").startswith("image/")
    ]
    found = (absolute(picture, base) for picture in pictures if picture)
    return next((picture for picture in found if picture), "")


def newest(articles: list[Article]) -> tuple[Article, ...]:
    """Return the newest 2,000 in the feed's order; where dates are missing the first ones win."""
    unique = list({article.id: article for article in reversed(articles)}.values())[::-1]
    if len(unique) <= MAX_ITEMS:
        return tuple(unique)
    ranked = sorted(unique, key=lambda article: article.published or _OLDEST, reverse=True)
    kept = {article.id for article in ranked[:MAX_ITEMS]}
    return tuple(article for article in unique if article.id in kept)
