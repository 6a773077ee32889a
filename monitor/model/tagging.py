"""The topics of what is stored already: new tags for it, and what users say of the old ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagging:
    """The topics that one revision of a stored article is to have, all of them, and the version
    of each, in the same order."""

    article_id: str
    revision: int
    topics: tuple[str, ...]
    versions: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicMark:
    """An article that a user called wrong for a topic."""

    topic: str
    article_id: str
    marked: datetime
