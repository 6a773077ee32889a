"""The topics in config/topics.yaml tag articles as a person would."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from monitor.declarations import read_topics
from monitor.topics.matcher import Matcher
from tests.support.articles import an_article
from tests.support.matchers import matcher_of

ROOT = Path(__file__).parents[2]
LABELLED = ROOT / "tests" / "fixtures" / "topics"
PROVIDED = ROOT / "config" / "fixtures" / "sco-meeting-2024-04-26.txt"


TOPICS, LISTS = read_topics(ROOT / "config", lambda *_: {}, [])


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return matcher_of(TOPICS, LISTS)


@pytest.mark.parametrize(
    ("file", "count", "least"),
    [
        ("thirty-six-on-sco", 36, 0.94),
        ("sixty-on-sco", 60, 0.98),
        ("eighty-on-sco", 80, 0.97),
        ("thirty-on-sco-1", 30, 0.90),
        ("thirty-on-sco-2", 30, 0.85),
        ("thirty-on-sco-3", 30, 0.95),
        ("thirty-on-sco-4", 30, 0.95),
        ("thirty-on-sco-5", 30, 0.95),
        ("forty-on-sco-1", 40, 0.96),
        ("forty-on-sco-2", 40, 0.93),
        ("hundred-and-twenty-on-sco", 120, 0.96),
        ("hundred-and-ten-on-sco", 110, 0.96),
        ("seventy-two-on-sco", 72, 0.96),
    ],
)
def test_labelled_articles_are_told_apart(
    matcher: Matcher, file: str, count: int, least: float
) -> None:
    labels = yaml.safe_load((LABELLED / f"{file}.yaml").read_text(encoding="utf-8"))
    articles = [
        (an_article(title=entry["title"], body=entry["body"]), label == "belong")
        for label, entries in labels.items()
        for entry in entries
    ]
    found = matcher.match([article for article, _ in articles])
    pairs = [
        ("sco-defence-meetings" in topics, belongs)
        for topics, (_, belongs) in zip(found, articles, strict=True)
    ]
    right, wrong = pairs.count((True, True)), pairs.count((True, False))
    assert len(pairs) == count
    assert 2 * right / (2 * right + wrong + pairs.count((False, True))) >= least


@pytest.mark.parametrize("title_apart", [True, False])
def test_the_provided_article(matcher: Matcher, title_apart: bool) -> None:
    title, _, body = PROVIDED.read_text(encoding="utf-8").partition("\n")
    article = an_article(title=title, body=body) if title_apart else an_article(body=title + body)
    assert "sco-defence-meetings" in matcher.match([article])[0]


def test_american_spelling_is_the_same(matcher: Matcher) -> None:
    title, _, body = PROVIDED.read_text(encoding="utf-8").partition("\n")
    body = body.replace("Defence", "Defense").replace("Organisation", "Organization")
    assert "sco-defence-meetings" in matcher.match([an_article(title=title, body=body)])[0]


def test_every_alert_rule_names_shipped_topics_and_channels() -> None:
    alerts = yaml.safe_load((ROOT / "config" / "alerts.yaml").read_text(encoding="utf-8"))
    topics = {topic.id for topic in TOPICS}
    for rule in alerts["rules"].values():
        assert set(rule["topics"]) <= topics | {"*"}
        assert set(rule["channels"]) <= set(alerts["channels"])
