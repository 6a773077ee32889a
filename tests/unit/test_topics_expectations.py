"""Topics tested like code."""

from __future__ import annotations

from monitor.topics.expectations import Expectation, Outcome, check, check_all
from monitor.topics.query import parse
from tests.support.articles import an_article

SCO = parse('(sco OR "shanghai cooperation") AND defence NOT unix').root
MEETS = an_article(title="SCO defence ministers meet", body="")
SUES = an_article(id="2", title="SCO sues over Unix", body="The defence rests.")


def outcome(wanted: bool, *articles: object) -> list[Outcome]:
    return check(Expectation("sco", wanted, "entry.txt", tuple(articles)), SCO)  # type: ignore[arg-type]


def test_what_is_as_wanted_passes() -> None:
    assert outcome(True, MEETS) == [Outcome("sco", True, "entry.txt")]
    assert outcome(False, SUES) == [Outcome("sco", False, "entry.txt")]
    assert outcome(True, MEETS)[0].passed


def test_a_miss_says_what_is_missing() -> None:
    (missed,) = outcome(True, SUES)
    assert not missed.passed
    assert missed.reason == "must match and does not"
    assert missed.details == ("unix would have to be absent",)


def test_a_false_match_says_what_matched() -> None:
    (matched,) = outcome(False, MEETS)
    assert matched.reason == "must not match and does"
    assert matched.details == ("matched by sco, defence",)


def test_every_article_of_a_file_counts_for_itself() -> None:
    first, second = outcome(True, MEETS, SUES)
    assert (first.passed, second.passed) == (True, False)
    assert first.label == "entry.txt: SCO defence ministers meet"


def test_what_cannot_be_read_is_not_met_whatever_is_expected() -> None:
    for wanted in (True, False):
        (found,) = check(Expectation("sco", wanted, "a.txt", problem="a.txt: no such file"), SCO)
        assert (found.passed, found.unreadable) == (False, True)
        assert found.reason == "a.txt: no such file"


def test_a_long_text_is_shortened_to_one_line() -> None:
    (found,) = check(Expectation("sco", True, "SCO defence\n" + "word " * 50, (MEETS,)), SCO)
    assert len(found.label) <= 80
    assert found.label.startswith("SCO defence word")


def test_each_expectation_is_held_against_its_own_topic() -> None:
    expectations = [
        Expectation("sco", True, "a", (MEETS,)),
        Expectation("nato", True, "b", (MEETS,)),
    ]
    found = check_all(expectations, {"sco": SCO, "nato": parse("nato").root})
    assert [each.passed for each in found] == [True, False]
