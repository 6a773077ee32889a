"""What an archive needs to know to be searched, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from monitor.model.articles import Article, ArticleRow


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """Of each clause an article must have a word, or one that begins so (`minist*`); of what is
    found by that and by the other conditions, `holds` says whether it is meant. The words are those
    of `monitor.text.words`."""

    clauses: tuple[tuple[str, ...], ...]
    holds: Callable[[Article], bool]
    source: Callable[[str], bool] | None = None
    """Says of a source's name whether its articles may be meant; None where each may."""
    language: Callable[[str], bool] | None = None
    """The same of an article's language."""
    since: datetime | None = None
    """Published, or where that is not known fetched, from then on."""
    until: datetime | None = None
    """And before then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """What was found, the latest change first.

    `before` is the `seq` to go on from, None at the end. Where much had to be looked at for little,
    a page has fewer rows than asked for, or none, and is not the last one. `total` is how many were
    found of which these are some, None where nobody has counted.
    """

    rows: tuple[ArticleRow, ...]
    before: int | None
    total: int | None = None
