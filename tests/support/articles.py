"""Articles for tests: every field has a value that fits, a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from monitor.model import Article

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def an_article(**fields: Any) -> Article:
    """Return an article of the source "wire"; its id tells it from others."""
    article_id = fields.get("id", "a1")
    return Article(
        **{
            "id": article_id,
            "source": "wire",
            "title": "Harbour reopens after storm",
            "body": "The harbour reopened on Sunday after a week of storms.",
            "url": f"https://news.example/{article_id}",
            "fetched": NOW,
            "content_hash": f"hash of {article_id} {fields.get('revision', 1)}",
            **fields,
        }
    )
