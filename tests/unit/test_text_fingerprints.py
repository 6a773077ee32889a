"""Identities of articles and texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor.text.fingerprints import article_id, content_hash, text_fingerprint
from tests.support.articles import an_article

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
TEXT = "The harbour reopened on Sunday, after a week of storms."


def test_copies_set_differently_share_a_fingerprint() -> None:
    one = an_article(title="Harbour reopens", body=TEXT, summary="Another summary")
    other = an_article(
        id="b", source="paper", title="HARBOUR  REOPENS", body=TEXT.replace(",", " –").upper()
    )
    assert text_fingerprint(one) == text_fingerprint(other) != ""


def test_the_summary_stands_in_for_the_body() -> None:
    one = an_article(title="Harbour reopens", body="", summary=TEXT)
    assert text_fingerprint(one) == text_fingerprint(an_article(title="Harbour reopens", body=TEXT))


def test_another_text_has_another_fingerprint() -> None:
    one = an_article(body=TEXT)
    assert text_fingerprint(one) != text_fingerprint(an_article(body=TEXT + " Ships waited."))
    assert text_fingerprint(one) != text_fingerprint(an_article(title="Other", body=TEXT))


def test_texts_that_tell_nothing_have_none() -> None:
    assert text_fingerprint(an_article(title="Live", body="Updates follow.")) == ""
    assert text_fingerprint(an_article(title="The week in pictures from abroad", body="")) == ""
    assert text_fingerprint(an_article(title=TEXT[:31], body=TEXT[:31])) == ""
    assert text_fingerprint(an_article(title=TEXT, body="", summary="")) != ""


def test_an_article_is_its_id_else_its_address_else_its_title_and_time() -> None:
    by_id = article_id("wire", "g1", "https://a.example/1", "Title", NOON)
    assert by_id == article_id("wire", "g1", "https://a.example/2", "New title", None)
    by_url = article_id("wire", "", "https://a.example/1?utm_source=x", "Title", NOON)
    assert by_url == article_id("wire", "", "http://www.a.example/1/", "New title", None)
    by_title = article_id("wire", "", "", "Title", NOON)
    assert by_title == article_id("wire", "", "", "TITLE!", NOON)
    assert by_title != article_id("wire", "", "", "Title", NOON + timedelta(days=1))
    ids = {by_id, by_url, by_title, article_id("paper", "g1", "", "", None)}
    assert len(ids) == 4
    assert all(len(each) == 32 for each in ids)


def test_the_parts_of_a_hash_do_not_run_together() -> None:
    assert content_hash("ab", "c", "", "", None) != content_hash("a", "bc", "", "", None)


def test_a_revision_is_another_text_not_another_minute() -> None:
    url = "https://a.example/1"
    first = content_hash("Title", "Summary", "Body", url, NOON)
    later = NOON + timedelta(minutes=9)
    assert content_hash("Title", "Summary", "Body", url + "?utm_source=x", later) == first
    assert content_hash("Title", "Summary", "Body.", url, NOON) != first
    assert content_hash("Title", "Summary", "Body", url, NOON + timedelta(days=1)) != first
