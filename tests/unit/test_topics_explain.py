"""What each part of a query matched, where, and how that is shown."""

from __future__ import annotations

import pytest

from monitor.model import Article
from monitor.topics.explain import Part, explain
from monitor.topics.highlights import deciding, passages, pieces, quotation, ranges
from monitor.topics.query import parse
from monitor.topics.text import Text
from tests.support.articles import an_article

ARTICLE = an_article(
    title="SCO ministers meet in Astana",
    summary="The defence ministers of the SCO met.",
    body="ASTANA: The ministers of defence of SCO states.\n\nOn trade.",
)


def explained(query: str, article: Article = ARTICLE) -> Part:
    return explain(parse(query).root, Text.of(article))


def found(part: Part) -> list[tuple[str, str]]:
    return [(place.segment, place.raw[place.start : place.end]) for place in part.places]


def marked(query: str, segment: str = "body", article: Article = ARTICLE) -> str:
    text = getattr(article, segment)
    cut = pieces(text, ranges(passages(explained(query, article)), segment))
    return "".join(f"[{piece}]" if on else piece for piece, on in cut)


def test_a_word_is_found_in_every_field_as_it_is_written_there() -> None:
    part = explained("sco")
    assert part.holds
    assert [segment for segment, _ in found(part)] == ["title", "summary", "body"]
    assert {text[:3] for _, text in found(part)} == {"SCO"}
    assert found(explained('"defence ministers"')) == [("summary", "defence ministers")]
    assert found(explained("title:astana").items[0]) == [("title", "Astana")]


def test_every_part_is_told_whatever_the_others_say() -> None:
    part = explained("nato AND (sco OR csto) NOT trade")
    assert not part.holds
    assert [item.holds for item in part.items] == [False, True, False]
    either, without = part.items[1:]
    assert [item.holds for item in either.items] == [True, False]
    assert [item.holds for item in without.items] == [True]


def test_sums_and_counts_are_told() -> None:
    assert explained("atleast(2, sco, nato, csto)").note == "1 of 2"
    assert explained("score>=5:(3*sco 4*nato)").note == "3 of 5"
    assert explained("repeat(4, ministers)").note == "3 of 4"
    assert len(explained("repeat(2, ministers)").places) == 3


def test_the_sides_of_a_proximity_have_their_places() -> None:
    part = explained("ministers NEAR/2 sco")
    assert part.holds
    assert [item.text for item in part.items] == ["ministers", "sco"]
    assert {text for segment, text in found(part) if segment == "title"} == {"SCO ministers"}


def test_what_decides_leaves_out_what_does_not_count() -> None:
    part = explained("(sco OR nato) AND NOT csto AND (trade OR astana)")
    assert [leaf.text for leaf in deciding(part)] == ["sco", "trade", "astana"]
    assert [leaf.text for leaf in deciding(explained("score>=2:(3*sco -1*trade)"))] == ["sco"]
    assert list(deciding(explained("sco AND nato"))) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "sco trade",
            "ASTANA: The ministers of defence of [SCO] states.\n\nOn [trade].",
        ),
        (
            "astana NOT nato",
            "[ASTANA]: The ministers of defence of SCO states.\n\nOn trade.",
        ),
        # "ministers of" and "of defence" overlap: one mark.
        (
            '"ministers of" "of defence"',
            "ASTANA: The [ministers of defence] of SCO states.\n\nOn trade.",
        ),
        # Of a proximity its words are marked, not what stands between them.
        (
            "ministers ONEAR/1 defence",
            "ASTANA: The [ministers] of [defence] of SCO states.\n\nOn trade.",
        ),
        ("title:astana", ARTICLE.body),
        ("nato", ARTICLE.body),
    ],
)
def test_marks_in_a_text(query: str, expected: str) -> None:
    assert marked(query) == expected


def test_pieces_of_a_part_of_a_text() -> None:
    assert pieces("cd ef", [(0, 4), (6, 20)], 3) == [("c", True), ("d ", False), ("ef", True)]
    assert pieces("abc", []) == [("abc", False)]
    assert pieces("", []) == []


def test_a_quotation_is_one_line_and_cut_between_words() -> None:
    body = f"{'word ' * 30}\n\nthe SCO\nmeeting {'more ' * 30}"
    (place,) = explained('"sco meeting"', an_article(title="", body=body)).places
    quote = quotation(place, around=12)
    assert quote.passage == "SCO meeting"
    assert quote.before == "…word the "
    assert quote.after == " more more…"
    assert (
        quotation(explained("harbour", an_article(title="", body="Harbour.")).places[0]).before
        == ""
    )
