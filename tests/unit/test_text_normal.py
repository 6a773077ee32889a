"""Clean text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.text.normal import clean_line, clean_text, cut


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a\x00b\x07c", "abc"),
        ("a\ud800b", "ab"),
        ("\ufeffe\u0301", "é"),
        ("one  two\t three \n\n\n\n four\r\nfive\rsix", "one two three\n\nfour\nfive\nsix"),
        ("  \n ", ""),
    ],
)
def test_clean_text(text: str, clean: str) -> None:
    assert clean_text(text) == clean


def test_a_title_is_one_line_that_reads_one_way() -> None:
    assert clean_line("a\u202egnp.exe\u2066\n\tb\r\nERROR forged") == "agnp.exe b ERROR forged"
    assert len(clean_line("x" * 5_000)) == 1_000


def test_a_text_is_cut_between_characters() -> None:
    assert cut("ééé", 5) == "éé"
    assert cut("ééé", 6) == "ééé"
    assert clean_text("é" * 100, 11) == "é" * 5


@given(st.text(max_size=80))
def test_clean_text_is_stable_and_storable(text: str) -> None:
    for clean in (clean_text, clean_line):
        once = clean(text)
        assert clean(once) == once
        assert "\x00" not in once
        assert unicodedata.is_normalized("NFC", once)
        once.encode()
