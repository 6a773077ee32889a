"""What a poll found: new, revised, calmed, backlog; and what a replay finds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitor.decide import Found, changes, replayed_changes
from monitor.model import Article, Known
from tests.support.articles import NOW, an_article
from tests.support.follower import a_source


def found(
    *articles: Article, known: dict[str, Known] | None = None, first: bool = False, **source: Any
) -> Found:
    return changes(articles, known or {}, a_source(**source), first, NOW)


def test_an_unknown_item_is_new_and_a_known_text_is_nothing() -> None:
    new = an_article(id="a", content_hash="1")
    same = an_article(id="b", content_hash="1")
    known = {"b": Known(revision=1, content_hash="1")}
    assert found(new, same, known=known) == Found(articles=(new,), new=1, known=1)


def test_a_changed_text_is_the_next_revision() -> None:
    article = an_article(id="a", content_hash="2")
    result = found(article, known={"a": Known(revision=4, content_hash="1")})
    assert [item.revision for item in result.articles] == [5]
    assert (result.new, result.revised) == (0, 1)


def test_a_text_that_comes_back_is_a_revision_for_a_poll_and_nothing_for_a_replay() -> None:
    article = an_article(id="a", content_hash="old")
    known = {"a": Known(revision=2, content_hash="new", hashes=frozenset({"old", "new"}))}
    assert [item.revision for item in found(article, known=known).articles] == [3]
    assert replayed_changes([article], known) == ()


def test_the_same_item_twice_in_one_poll_counts_once() -> None:
    first, second = an_article(id="a", title="one"), an_article(id="a", title="two")
    assert found(first, second) == Found(articles=(first,), new=1)


def test_the_oldest_goes_first_so_that_listings_begin_with_what_is_new() -> None:
    times = {"new": NOW, "middle": NOW - timedelta(hours=1), "old": NOW - timedelta(days=1)}
    dated = [an_article(id=name, published=time) for name, time in times.items()]
    undated = [an_article(id=name, published=None) for name in ("first", "second")]
    assert [item.id for item in found(*dated).articles] == ["old", "middle", "new"]
    assert [item.id for item in found(*reversed(dated)).articles] == ["old", "middle", "new"]
    assert [item.id for item in found(*undated).articles] == ["first", "second"]


def test_an_item_that_flaps_is_revised_24_times_and_then_left_alone() -> None:
    known: dict[str, Known] = {}
    outcomes = []
    for number in range(30):
        article = an_article(id="a", content_hash=f"{number} views")
        result = found(article, known=known)
        outcomes.append((result.new, result.revised, result.calmed))
        for item in result.articles:
            known["a"] = Known(revision=item.revision, content_hash=item.content_hash)
    assert outcomes == [(1, 0, 0)] + [(0, 1, 0)] * 23 + [(0, 0, 1)] * 6


OLD, FRESH = NOW - timedelta(days=2), NOW - timedelta(hours=2)


@pytest.mark.parametrize(
    ("published", "first", "revised", "backlog", "expected"),
    [
        (OLD, True, False, 86_400, True),
        (FRESH, True, False, 86_400, False),
        (NOW - timedelta(days=1), True, False, 86_400, False),
        (None, True, False, 86_400, True),
        (OLD, True, False, None, False),
        (None, True, False, None, False),
        (FRESH, True, False, 0, True),
        (OLD, False, False, 86_400, False),
        (None, False, False, 86_400, False),
        (OLD, False, True, 86_400, True),
        (FRESH, False, True, 86_400, False),
        (None, False, True, 86_400, False),
        (OLD, False, True, None, False),
    ],
)
def test_what_a_new_source_already_has_is_backlog(
    published: Any, first: bool, revised: bool, backlog: int | None, expected: bool
) -> None:
    article = an_article(published=published)
    known = {article.id: Known(revision=1, content_hash="before")} if revised else {}
    (item,) = found(article, known=known, first=first, backlog=backlog).articles
    assert item.backlog is expected


def test_an_article_without_a_time_of_publication_is_as_old_as_its_update() -> None:
    article = an_article(updated=FRESH)
    assert not found(article, first=True).articles[0].backlog
    assert found(replace(article, published=OLD), first=True).articles[0].backlog


def test_a_recording_with_two_revisions_keeps_both_in_order() -> None:
    texts = [
        an_article(id="a", content_hash=text, revision=number)
        for number, text in ((1, "x"), (2, "y"))
    ]
    result = replayed_changes(texts, {})
    assert [(item.content_hash, item.revision) for item in result] == [("x", 1), ("y", 2)]
    known = {"a": Known(revision=2, content_hash="y", hashes=frozenset({"x", "y"}))}
    assert replayed_changes(texts, known) == ()
