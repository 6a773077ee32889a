"""What the page of articles lists: the latest ones, or what a query finds, marked and counted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from monitor.model import Article, ArticleFilter, ArticleRow, SearchPage
from monitor.protocols import Archive
from monitor.search import RANKED, Order, find, meaning_of
from monitor.topics.explain import explain
from monitor.topics.highlights import Range, deciding, passages, pieces, ranges
from monitor.topics.query import QueryError
from monitor.topics.text import Text
from monitor.topics.tree import Node
from monitor.web.matches import Pieces

PAGE = 50
EXCERPTS = 2
BEFORE, AFTER = 60, 150
"""Characters of an excerpt before and after what was found."""


@dataclass(frozen=True, slots=True)
class Found:
    """An article's title with what a query found in it marked, and excerpts of its text."""

    title: Pieces
    excerpts: tuple[Pieces, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of articles.

    `older` is the `seq` from which the next page goes on, None on the last one. Of a search, `told`
    says how many there are, `found` has what is marked by article, and `mistake` is what is wrong
    with the query.
    """

    rows: Sequence[ArticleRow] = ()
    older: int | None = None
    told: str = ""
    found: Mapping[str, Found] = field(default_factory=dict)
    mistake: str = ""


async def latest(archive: Archive, which: ArticleFilter) -> Listing:
    """List the latest articles; `which` has room for one more than a page. Raises Unavailable."""
    rows = await archive.articles(which)
    return Listing(rows[:PAGE], rows[PAGE - 1].seq if len(rows) > PAGE else None)


async def search_page(
    archive: Archive, query: str, which: ArticleFilter, now: datetime, order: Order
) -> Listing:
    """List what a query finds; `which` has room for one more than a page. Raises Unavailable."""
    try:
        root = await meaning_of(archive, query)
    except QueryError as error:
        return Listing(mistake=str(error))
    page = await find(archive, root, which, now, order)
    rows, older = page.rows[:PAGE], page.before
    if len(page.rows) > PAGE:
        older = rows[-1].seq if order is Order.NEWEST else None

    def marked() -> dict[str, Found]:
        return {row.article.id: found_in(row.article, root, now) for row in rows}

    # In a thread: fifty long articles take some tenths of a second.
    return Listing(rows, older, told_of(page, order, which.before), await asyncio.to_thread(marked))


def told_of(page: SearchPage, order: Order, before: int | None = None) -> str:
    """Return how many articles were found, as far as that is known; "" where there are none.

    `before` is the `seq` that all of them lie before, None on the first page.
    """
    count = len(page.rows)
    if order is Order.BEST and page.total is not None and page.total > PAGE:
        all_of = f"the newest {page.total:,}" if page.total >= RANKED else f"{page.total:,}"
        return f"The best {PAGE} of {all_of} articles found"
    if not count:
        return ""
    noun = f"{'older ' if before is not None else ''}article{'' if count == 1 else 's'}"
    partly = page.before is not None if order is Order.NEWEST else page.total is None
    so_far = ", older ones not looked at yet" if partly else ""
    if count > PAGE:
        return f"More than {PAGE} {noun} found{so_far if order is Order.BEST else ''}"
    return f"{count} {noun} found{so_far}"


def found_in(article: Article, root: Node, now: datetime) -> Found:
    """Return what a query found in an article; without a passage in its text, how that begins."""
    part = explain(root, Text.of(article, now))
    places = list(passages(part))
    title = pieces(article.title, ranges(places, "title"))
    in_body, in_summary = ranges(places, "body"), ranges(places, "summary")
    of_summary = not article.body or (in_summary and not in_body)
    name, text, marks = (
        ("summary", article.summary, in_summary) if of_summary else ("body", article.body, in_body)
    )
    firsts = [
        next(((p.start, p.end) for p in passages(leaf) if p.segment == name), None)
        for leaf in deciding(part)
    ]
    chosen = list(_windows(text, [first for first in firsts if first] or [(0, 0)]))
    return Found(title, tuple(_excerpt(text, window, marks) for window in chosen if text.strip()))


def _windows(text: str, places: Sequence[Range]) -> Iterator[Range]:
    """Yield what is shown around the first places that do not lie close to each other, in the
    text's order."""
    windows: list[Range] = []
    for start, end in places:
        if any(first <= start < last for first, last in windows):
            continue
        windows.append((_word_start(text, start), _word_end(text, end)))
        if len(windows) == EXCERPTS:
            break
    at = 0
    for start, end in sorted(windows):
        if end > at:
            yield max(start, at), end
        at = max(at, end)


def _word_start(text: str, place: int) -> int:
    """Return where an excerpt begins, between two words where there are any."""
    start = max(0, place - BEFORE)
    space = text.find(" ", start, place)
    return start if start == 0 or space < 0 else space + 1


def _word_end(text: str, place: int) -> int:
    end = min(len(text), place + AFTER)
    space = text.rfind(" ", place, end)
    return end if end == len(text) or space < 0 else space


def _excerpt(text: str, window: Range, marks: list[Range]) -> Pieces:
    start, end = window
    cut = pieces(text[start:end], marks, start)
    head: Pieces = [("… ", False)] if start else []
    tail: Pieces = [(" …", False)] if end < len(text.rstrip()) else []
    return head + cut + tail
