"""Identities of articles and of their texts. All are lower-case hexadecimal SHA-256."""

from __future__ import annotations

import hashlib
from datetime import datetime

from monitor.model import Article
from monitor.text.urls import canonical_url
from monitor.text.words import words

MIN_CHARACTERS = 32
"""A shorter text is not telling: many articles are just "Live updates"."""
MIN_TITLE_WORDS = 8
"""A title that stands alone must be longer: "The week in pictures" comes every week."""


def text_fingerprint(article: Article) -> str:
    """Return what copies of one text share, however they are set; "" where that tells nothing.

    It covers the words of the title and of the body, or of the summary where there is no body.
    """
    title = words(article.title)
    text = words(article.body or article.summary)
    if (not text or text == title) and len(title) < MIN_TITLE_WORDS:
        return ""
    normal = " ".join(title + (text if text != title else []))
    return _digest(normal) if len(normal) >= MIN_CHARACTERS else ""


def article_id(source: str, item_id: str, url: str, title: str, published: datetime | None) -> str:
    """Return the id of an item: of the source's own id, else of its address, else of its title
    and time. 32 hexadecimal digits."""
    if item_id:
        identity: tuple[str, ...] = ("id", item_id)
    elif key := canonical_url(url):
        identity = ("url", key)
    else:
        identity = ("title", " ".join(words(title)), _time(published))
    return _digest(source, *identity)[:32]


def content_hash(title: str, summary: str, body: str, url: str, published: datetime | None) -> str:
    """Return what changes when an item is revised.

    Of the time of publication only the day counts: some feeds stamp every item with the time of
    the request, and each poll would make a revision.
    """
    day = published.date().isoformat() if published else ""
    return _digest(title, summary, body, canonical_url(url), day)


def _time(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _digest(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "replace")
        # The length keeps ("ab", "c") and ("a", "bc") apart.
        digest.update(b"%d:" % len(encoded))
        digest.update(encoded)
    return digest.hexdigest()
