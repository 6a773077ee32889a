"""The words of a text."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.text.words import exact_words, located, spaced_words, words


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
        ("e\u0301tat état", ["etat", "etat"]),
        ("İstanbul Łódź Æsir Άθως", ["istanbul", "lodz", "aesir", "αθωσ"]),
        ("ёлка йод", ["елка", "йод"]),
        ("العَرَبِيَّة أخبار شـــكر", ["العربية", "اخبار", "شكر"]),
        ("שָׁלוֹם", ["שלום"]),
        ("हिन्दी समाचार, தமிழ்", ["हिन्दी", "समाचार", "தமிழ்"]),
        ("ภาษา 日本語の", ["ภ", "า", "ษ", "า", "日", "本", "語", "の"]),
        ("Việt Nam’s 한한국어", ["viet", "nam", "한", "한", "국", "어"]),
        ("나토가 NATO에", ["나", "토", "가", "nato", "에"]),
        ("L’OTAN et l'Ukraine", ["l", "otan", "et", "l", "ukraine"]),
        ("qu'elle lorsqu’Athènes", ["qu", "elle", "lorsqu", "athenes"]),
        ("dell'Ucraina Sull’UE", ["dell", "ucraina", "sull", "ue"]),
        ("d'A.B. de l'U.R.S.S.", ["d", "ab", "de", "l", "urss"]),
        ("Verteidigungs\u00admini\u00adster EU\u2060s", ["verteidigungsminister", "eus"]),
        ("e\u00ad\u0301tat \u00ad end\u00ad", ["etat", "end"]),
        ("Oʻzbekiston O‘zbekiston ʿAli", ["o'zbekiston", "o'zbekiston", "ali"]),
        ("ایران ايران کرد كرد", ["ايران", "ايران", "كرد", "كرد"]),
        ("", []),
        ("... — !", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_words_do_not_depend_on_what_else_is_in_the_text() -> None:
    # ASCII takes another way through the code than the rest.
    text = "The U.S.-led bloc's don't 'quoted' x_y 3.5 A.B. l'UE co-op rock'n'roll ''s end."
    assert words(text + " é") == [*words(text), "e"]


@given(st.text(alphabet="abld'’. -_1S\n", max_size=40))
@example("1'a.S.")
def test_words_are_the_same_on_both_ways(text: str) -> None:
    assert words(f"{text} é")[:-1] == words(text)


@given(st.text(max_size=60))
def test_words_of_words_are_the_same(text: str) -> None:
    found = words(text)
    assert all(found)
    assert not any(char.isspace() for word in found for char in word)
    assert words(text.upper()) is not None


@given(st.text(max_size=60) | st.text(alphabet="ab'’. -_1SÉ\n", max_size=40))
def test_spaced_words_are_the_same(text: str) -> None:
    found = spaced_words(text).decode()
    assert found.split() == words(text)
    assert not any(sign.isspace() and sign != " " for sign in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the U.S. and SCO's État", ["the", "US", "and", "SCO", "État"]),
        ("ﬁnance Ⅳ Ёлка", ["finance", "IV", "Ёлка"]),
        ("NATO'S DON'T", ["NATO", "DON'T"]),
        ("l'OTAN NA\u00adTO", ["l", "OTAN", "NATO"]),
    ],
)
def test_exact_words_keep_case_and_accents(text: str, expected: list[str]) -> None:
    assert exact_words(text) == expected


@given(
    st.text(max_size=60)
    | st.text(
        alphabet="aÉё'’sl. -U\u00ad\u2060\u0301\u1112\u1161हिの\u0e32\u200d\ufdfaﬁʼnـ", max_size=30
    )
)
@example("0\u1dc0\u00a8")  # combining marks of other blocks
@example("0`0")  # an apostrophe in ASCII
@example("\u106eJ'0")  # one that is elided, behind such a sign
@example("''l'x _l'x")
@example("0‘S\u106e")  # a possessive before a sign that is a word of its own
def test_all_three_give_the_same_tokens_at_the_same_places(text: str) -> None:
    folded, exact, places = words(text), exact_words(text), located(text)
    assert len(folded) == len(exact) == len(places)
    for token, original, (start, end) in zip(folded, exact, places, strict=True):
        assert token
        assert words(original) in ([token], []) or token in words(original)
        assert 0 <= start < end <= len(text)
    assert places == sorted(places)


def test_places_are_those_of_the_original() -> None:
    text = "“Ça va”, said the U.S. envoy’s ﬁancée at 上海"
    assert [text[start:end] for start, end in located(text)] == [
        "Ça", "va", "said", "the", "U.S.", "envoy", "ﬁancée", "at", "上", "海",
    ]  # fmt: skip
