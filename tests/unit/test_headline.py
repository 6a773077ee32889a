"""Headlines without the outlet's name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.text.headline import host_label, without_outlet

NAMES = ("The Harbour Gazette | World news", "BBC", "gazette", "新华网")


@pytest.mark.parametrize(
    ("title", "headline"),
    [
        ("Ministers meet in Astana - Harbour Gazette", "Ministers meet in Astana"),
        ("Ministers meet in Astana | The Harbour Gazette", "Ministers meet in Astana"),
        ("Ministers meet in Astana — HARBOUR GAZETTE", "Ministers meet in Astana"),
        ("Ministers meet in Astana – Gazette.com", "Ministers meet in Astana"),
        ("Ministers meet in Astana · HarbourGazette", "Ministers meet in Astana"),
        ("Ministers meet in Astana | Gazette | BBC", "Ministers meet in Astana"),
        ("The Harbour Gazette | Ministers meet in Astana", "Ministers meet in Astana"),
        ("Harbour Gazette: Ministers meet in Astana", "Ministers meet in Astana"),
        ("Ministers meet in Astana : BBC", "Ministers meet in Astana"),
        (
            "Storm – the worst in years – closes port - BBC",
            "Storm – the worst in years – closes port",
        ),
        ("上海合作组织国防部长在阿斯塔纳举行会议_新华网", "上海合作组织国防部长在阿斯塔纳举行会议"),
        ("上海合作组织国防部长在阿斯塔纳举行会议-新华网", "上海合作组织国防部长在阿斯塔纳举行会议"),
    ],
)
def test_the_name_is_cut(title: str, headline: str) -> None:
    assert without_outlet(title, NAMES) == headline


@pytest.mark.parametrize(
    "title",
    [
        "Storm closes port – and the bridge",
        "Ministers meet - World news",
        "What we know about the self-styled BBC",
        "BBC: how the broadcaster lost a decade",
        "Ministers accuse the state broadcaster: BBC",
        "A look back at ten years - the BBC in numbers",
        "Live updates - BBC",
        "Morning briefing | Gazette",
        "Read the Gazette-BBC report on ports",
        "Jean-Luc Moreau: a life in politics",
        "Harbour Gazette",
        "",
    ],
)
def test_what_may_be_the_headlines_own_stays(title: str) -> None:
    assert without_outlet(title, NAMES) == title


def test_without_names_nothing_is_cut() -> None:
    assert without_outlet("Ministers meet in Astana - BBC", ("", " - ")) == (
        "Ministers meet in Astana - BBC"
    )


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("https://www.gazette.example/a", "gazette"),
        ("https://news.gazette.co.uk", "gazette"),
        ("https://gazette.uk/", "gazette"),
        ("http://127.0.0.1/a", ""),
        ("http://localhost/", ""),
        ("http://[bad", ""),
        ("/news/desk.txt", ""),
    ],
)
def test_what_an_address_calls_its_outlet(url: str, label: str) -> None:
    assert host_label(url) == label


@given(st.text(max_size=60), st.text(max_size=20), st.sampled_from([" - ", " | ", "｜", ": "]))
def test_what_is_left_is_a_part_of_the_headline(title: str, name: str, sign: str) -> None:
    for whole in (title + sign + name, name + sign + title):
        assert without_outlet(whole, [name]) in whole
