"""The topics in config/topics.yaml tag articles as a person would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.declarations import read_topics
from monitor.topics.compile import matcher_of
from monitor.topics.matcher import Matcher
from tests.support.articles import an_article

ROOT = Path(__file__).parents[2]
LABELLED = ROOT / "tests" / "fixtures" / "topics"
PROVIDED = ROOT / "config" / "fixtures" / "sco-meeting-2024-04-26.txt"


TOPICS, LISTS = read_topics(ROOT / "config", lambda *_: {}, [])


def labelled() -> Iterator[Any]:
    for path in (LABELLED / "sco-defence-meetings.yaml",):
        labels = yaml.safe_load(path.read_text(encoding="utf-8"))
        for label, belongs in (("belong", True), ("do_not_belong", False)):
            for entry in labels[label]:
                yield pytest.param(path.stem, entry, belongs, id=entry["title"])


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return matcher_of(TOPICS, LISTS)


@pytest.mark.parametrize(("topic", "entry", "belongs"), list(labelled()))
def test_a_labelled_article(
    matcher: Matcher, topic: str, entry: dict[str, str], belongs: bool
) -> None:
    (found,) = matcher.match([an_article(title=entry["title"], body=entry["body"])])
    assert (topic in found) is belongs


@pytest.mark.parametrize(
    ("file", "count", "least"),
    [
        ("sixty-on-sco", 60, 0.98),
        ("eighty-on-sco", 80, 0.95),
        *((f"thirty-on-sco-{n}", 30, 0.95) for n in range(1, 6)),
        ("forty-on-sco-1", 40, 0.95),
        ("forty-on-sco-2", 40, 0.88),
    ],
)
def test_articles_that_were_written_before_the_topic_was_fitted_to_them(
    matcher: Matcher, file: str, count: int, least: float
) -> None:
    articles = yaml.safe_load((LABELLED / f"{file}.yaml").read_text(encoding="utf-8"))
    found = {
        label: [
            "sco-defence-meetings"
            in matcher.match([an_article(title=entry["title"], body=entry["body"])])[0]
            for entry in entries
        ]
        for label, entries in articles.items()
    }
    right, missed = sum(found["belong"]), found["belong"].count(False)
    wrong = sum(found["do_not_belong"])
    assert len(found["belong"]) + len(found["do_not_belong"]) == count
    assert 2 * right / (2 * right + wrong + missed) >= least


@pytest.mark.parametrize("title_apart", [True, False])
def test_the_provided_article(matcher: Matcher, title_apart: bool) -> None:
    title, _, body = PROVIDED.read_text(encoding="utf-8").partition("\n")
    article = an_article(title=title, body=body) if title_apart else an_article(body=title + body)
    assert "sco-defence-meetings" in matcher.match([article])[0]


def test_american_spelling_is_the_same(matcher: Matcher) -> None:
    title, _, body = PROVIDED.read_text(encoding="utf-8").partition("\n")
    body = body.replace("Defence", "Defense").replace("Organisation", "Organization")
    assert matcher.match([an_article(title=title, body=body)]) == [("sco-defence-meetings",)]


def test_every_alert_rule_names_shipped_topics_and_channels() -> None:
    alerts = yaml.safe_load((ROOT / "config" / "alerts.yaml").read_text(encoding="utf-8"))
    topics = {topic.id for topic in TOPICS}
    for rule in alerts["rules"].values():
        assert set(rule["topics"]) <= topics | {"*"}
        assert set(rule["channels"]) <= set(alerts["channels"])
