"""What the path of an address tells: whether it is an article's, and which words it holds."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

MIN_SLUG_WORDS = 4
"""Words of a path's longest part from which it is a headline, not the name of a section."""

_DATE = re.compile(r"/(?:19|20)\d\d[/_-]?(?:0?[1-9]|1[0-2])(?:[/_-]?(?:[0-2]?\d|3[01]))?(?=[/_-])")
_NUMBER = re.compile(r"(?<!\d)\d{5,}(?!\d)")
_PLACES = re.compile(
    r"/(?:tags?|topics?|authors?|category|categories|search|login|account|subscribe|newsletters?"
    r"|privacy|terms|contact|about|page|rss|feeds?|ads?|jobs|shop)(?:/|$)",
    re.IGNORECASE,
)
_FILE = re.compile(r"\.(?:[sx]?html?|php\d?|aspx?|jsp|amp|cms|ece)$", re.IGNORECASE)
_MEDIA = re.compile(
    r"\.(?:jpe?g|png|gif|svg|webp|css|js|pdf|zip|mp[34]|xml|ico|json|rss)$", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_BREAKS = re.compile(r"[-_+\s]+")
_ID = re.compile(r"^[a-z]?\d+$|^(?=\w*\d)[0-9a-f]{6,}$|^(?=\w*\d\w*\d)\w{8,}$", re.IGNORECASE)


def is_article(url: str) -> bool:
    """Return whether an address looks like that of an article: by a date, a long number or a
    slug of at least 4 words in its path."""
    path = _path(url)
    if len(path) < 4 or _MEDIA.search(path):
        return False
    if len(_words(_longest(path))) >= MIN_SLUG_WORDS:
        return True
    if _PLACES.search(path):
        return False
    return bool(_DATE.search(path) or _NUMBER.search(path))


def title_of(url: str) -> str:
    """Return the words of an address's slug as a headline, "" where it has less than 3.

    >>> title_of("https://gazette.example/2026/01/harbour-reopens-after-storm-10482.html")
    'Harbour reopens after storm'
    """
    parts = [part for part in _BREAKS.split(_longest(_path(url))) if part]
    while parts and _ID.match(parts[-1]) and len(parts[-1]) > 4:
        parts.pop()
    while parts and _ID.match(parts[0]) and len(parts[0]) > 4:
        parts.pop(0)
    title = " ".join(parts)
    return title[:1].upper() + title[1:] if len(_WORD.findall(title)) >= 3 else ""


def is_made(title: str, url: str) -> bool:
    """Return whether a title was made of an address, for want of another one."""
    return title in (url, title_of(url))


def _path(url: str) -> str:
    try:
        return unquote(urlsplit(url).path)
    except ValueError:
        return ""


def _longest(path: str) -> str:
    segments = [_FILE.sub("", segment) for segment in path.split("/")]
    return max(segments, key=lambda segment: len(_words(segment)), default="")


def _words(segment: str) -> list[str]:
    return _WORD.findall(" ".join(_BREAKS.split(segment)))
