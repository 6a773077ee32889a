"""Clean text, and the words of a text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.text.normal import clean_line, clean_text, cut, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The defence-minister’s remarks", ["the", "defence", "minister", "remarks"]),
        ("Russia's and RUSSIA", ["russia", "and", "russia"]),
        ("the U.S. and U.N.-backed forces", ["the", "us", "and", "un", "backed", "forces"]),
        ("don't o’brien allies' 'quoted'", ["don't", "o'brien", "allies", "quoted"]),
        ("snake_case 3.5 F-35s", ["snake", "case", "3", "5", "f", "35s"]),
        ("Straße ﬁnance Ⅳ", ["strasse", "finance", "iv"]),
        ("“Curly” — dash… €5\u00a0bn", ["curly", "dash", "5", "bn"]),
        ("Военная операция’s", ["военная", "операция"]),
        ("上海合作组织 SCO", ["上", "海", "合", "作", "组", "织", "sco"]),
        ("e\u0301tat état", ["état", "état"]),
        ("", []),
        ("... — !", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_words_do_not_depend_on_what_else_is_in_the_text() -> None:
    # ASCII takes another way through the code than the rest.
    text = "The U.S.-led bloc's don't 'quoted' x_y 3.5 A.B. co-op rock'n'roll ''s end."
    assert words(text + " é") == [*words(text), "é"]


@given(st.text(alphabet="ab'’. -_1S\n", max_size=40))
def test_words_are_the_same_on_both_ways(text: str) -> None:
    assert words(f"{text} é")[:-1] == words(text)


@given(st.text(max_size=60))
def test_words_of_words_are_the_same(text: str) -> None:
    found = words(text)
    assert all(found)
    assert not any(char.isspace() for word in found for char in word)
    assert words(text.upper()) is not None


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
