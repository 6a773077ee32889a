"""The language of a text."""

from __future__ import annotations

import pytest

from monitor.text.language import language_of

ENGLISH = "The harbour reopened on Sunday after a week of storms, the council said."
GERMAN = "Der Hafen wurde am Sonntag nach einer Woche voller Stürme wieder geöffnet."


@pytest.mark.parametrize(
    ("text", "declared", "expected"),
    [
        (ENGLISH, "", "en"),
        (GERMAN, "en-GB", "de"),
        ("Порт вновь открылся в воскресенье после недели штормов.", "en", "ru"),
        ("Kurz", "de-AT", "de"),
        ("Kurz", "EN_us", "en"),
        ("Kurz", "no language", ""),
        ("", "", ""),
        ("12:30 12:45 13:00 13:15 13:30 13:45", "fr", "fr"),
    ],
)
def test_language_of(text: str, declared: str, expected: str) -> None:
    assert language_of(text, declared) == expected
