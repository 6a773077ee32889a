"""Decisions of a poll."""

from __future__ import annotations

from datetime import timedelta

from monitor.decide import changes, next_poll_at, replayed_changes
from monitor.errors import Rejected, Unavailable, Unreachable
from monitor.model import Known, Source, SourceState
from tests.support.articles import an_article
from tests.support.clock import START


def a_state(failures: int = 0, interval: int = 900) -> SourceState:
    source = Source(name="s", type="feed", location="http://x/", interval=interval)
    return SourceState(source=source, next_poll_at=START, failures=failures)


def test_an_unknown_item_is_new_and_a_known_text_is_nothing() -> None:
    new = an_article(id="a", content_hash="1")
    same = an_article(id="b", content_hash="1")
    known = {"b": Known(revision=1, content_hash="1")}
    assert changes([new, same], known) == (new,)


def test_a_changed_text_is_the_next_revision() -> None:
    article = an_article(id="a", content_hash="2")
    (revised,) = changes([article], {"a": Known(revision=4, content_hash="1")})
    assert revised.revision == 5


def test_a_text_that_comes_back_is_a_revision_for_a_poll_and_nothing_for_a_replay() -> None:
    article = an_article(id="a", content_hash="old")
    known = {"a": Known(revision=2, content_hash="new", hashes=frozenset({"old", "new"}))}
    assert [found.revision for found in changes([article], known)] == [3]
    assert replayed_changes([article], known) == ()


def test_the_same_item_twice_in_one_poll_counts_once() -> None:
    first, second = an_article(id="a", title="one"), an_article(id="a", title="two")
    assert changes([first, second], {}) == (first,)


def test_a_recording_with_two_revisions_keeps_both_in_order() -> None:
    texts = [
        an_article(id="a", content_hash=text, revision=number)
        for number, text in ((1, "x"), (2, "y"))
    ]
    found = replayed_changes(texts, {})
    assert [(item.content_hash, item.revision) for item in found] == [("x", 1), ("y", 2)]
    known = {"a": Known(revision=2, content_hash="y", hashes=frozenset({"x", "y"}))}
    assert replayed_changes(texts, known) == ()


def test_after_a_success_the_interval_is_moved_by_at_most_a_tenth() -> None:
    delays = {
        (next_poll_at(a_state(), now, None) - now).total_seconds()
        for now in (START + timedelta(seconds=number) for number in range(200))
    }
    assert all(810 <= delay <= 990 for delay in delays)
    assert len(delays) > 100


def test_failures_double_the_pause_up_to_a_day() -> None:
    error = Unavailable("answered 503")
    delays = [
        (next_poll_at(a_state(failures), START, error) - START).total_seconds()
        for failures in (0, 1, 2, 30)
    ]
    assert delays == [900, 1800, 3600, 86_400]


def test_where_no_connection_came_about_it_is_tried_sooner() -> None:
    pause = next_poll_at(a_state(), START, Unreachable("no network")) - START
    assert pause == timedelta(seconds=60)


def test_a_retry_after_is_kept_in_full_up_to_a_week() -> None:
    for wish, pause in ((7200.0, 7200), (9e9, 7 * 86_400), (5.0, 900)):
        found = next_poll_at(a_state(), START, Unavailable("429", retry_after=wish)) - START
        assert found.total_seconds() == pause


def test_a_document_that_is_no_feed_backs_off_too() -> None:
    assert next_poll_at(a_state(1), START, Rejected("HTML")) - START == timedelta(seconds=1800)
