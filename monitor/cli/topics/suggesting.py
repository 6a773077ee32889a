"""`monitor topics suggest`: which words would sharpen a topic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import typer

from monitor.cli.output import print_json, print_table
from monitor.cli.session import Json, execute, load_config, opened_store, out
from monitor.cli.topics.archive import Since, pages_since, start_of
from monitor.cli.topics.lookup import Subject, known_topics, subject_among
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.model import Article
from monitor.protocols import Archive
from monitor.topics.matcher import Matcher
from monitor.topics.suggest import Contrast, Suggestion, terms_in


@dataclass(slots=True)
class _Contrasts:
    """A topic's matches against the rest, and what was marked as wrong against the other ones."""

    matches: Contrast = field(default_factory=Contrast)
    wrong: Contrast = field(default_factory=Contrast)


def suggest(
    topic: Annotated[str, typer.Argument(help="A topic, or a query.")],
    since: Since = "30d",
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many of each.")] = 20,
    json: Json = False,
) -> None:
    """Show words and phrases that are unusually frequent in what a topic matches."""
    start_of(since, SystemClock().now())
    execute(_suggest(load_config(), topic, since, limit, json))


async def _suggest(config: Config, wanted: str, since: str, limit: int, json: bool) -> None:
    async with opened_store(config) as store:
        subject = subject_among(wanted, await known_topics(config, store))
        found = await _contrast(store, subject, since)
    known = terms_in(subject.query.root)
    common = found.matches.common()
    frequent = found.matches.suggestions(limit, known, common)
    misleading = found.wrong.suggestions(limit, common=common)
    if json:
        print_json(
            {
                "topic": subject.label or None,
                "matches": found.matches.articles,
                "others": found.matches.others,
                "frequent": frequent,
                "wrong": found.wrong.articles,
                "frequent_in_wrong": misleading,
            }
        )
        return
    _print_both(found, frequent, misleading)


async def _contrast(store: Archive, subject: Subject, since: str) -> _Contrasts:
    """Count twice over the archive: the terms of the matches, and those in all else."""
    matcher, found = Matcher(), _Contrasts()
    matcher.put(subject.label, subject.query.root)
    wrong = {mark.article_id for mark in await store.wrong_for(subject.label)}
    now = SystemClock().now()
    start = start_of(since, now)
    async for rows in pages_since(store, start, now, "matches"):
        matched, _ = _split(matcher, [row.article for row in rows], wrong)
        found.matches.add(matched)
    for article_id in sorted(wrong):  # whether or not they still match, and however old they are
        row = await store.article(article_id)
        found.wrong.add([row.article] if row else [])
    found.matches.choose()
    found.wrong.choose()
    async for rows in pages_since(store, start, now, "the others"):
        matched, others = _split(matcher, [row.article for row in rows], wrong)
        found.matches.add_others(others)
        found.wrong.add_others(matched)
    return found


def _split(
    matcher: Matcher, articles: Sequence[Article], wrong: set[str]
) -> tuple[list[Article], list[Article]]:
    """Return what a topic matches rightly, and what it does not match; what is wrong is neither."""
    kept = [article for article in articles if article.id not in wrong]
    found = list(zip(kept, matcher.match(kept), strict=True))
    return [item for item, hit in found if hit], [item for item, hit in found if not hit]


def _print_both(
    found: _Contrasts, frequent: Sequence[Suggestion], misleading: Sequence[Suggestion]
) -> None:
    matches, wrong = found.matches, found.wrong
    headings = (
        "in its matches, rare elsewhere",
        f"of {matches.articles} matches",
        f"of {matches.others} others",
        "G²",
    )
    few = f"No term stands out: {matches.articles} against {matches.others} articles."
    print_table(headings, map(_row, frequent), few)
    if wrong.articles:
        headings = (
            "in what is marked as wrong",
            f"of {wrong.articles} wrong",
            f"of {wrong.others} right",
            "G²",
        )
        out.print()
        print_table(headings, map(_row, misleading), "No term stands out in what is wrong.")


def _row(each: Suggestion) -> tuple[object, ...]:
    term = f'"{each.term}"' if " " in each.term else each.term
    return term, each.inside, each.outside, f"{each.score:.0f}"
