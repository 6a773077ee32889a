"""What changed topics would do to what is stored."""

from __future__ import annotations

from datetime import timedelta

from monitor.model import ArticleRow, Tagging
from monitor.topics.matcher import Matcher
from monitor.topics.query import parse
from monitor.topics.rehearsal import Headline, Rehearsal
from tests.support.articles import NOW, an_article

DAY = timedelta(days=1)


def row(
    article_id: str, body: str, topics: tuple[str, ...] = (), days: int = 0, source: str = "wire"
) -> ArticleRow:
    article = an_article(
        id=article_id, title=f"Title of {article_id}", body=body, topics=topics,
        fetched=NOW - days * DAY, source=source, revision=3,
    )  # fmt: skip
    return ArticleRow(seq=1, article=article, stored=NOW)


def rehearsal(removed: tuple[str, ...] = (), headlines: int = 20, **queries: str) -> Rehearsal:
    matcher = Matcher()
    for name, query in queries.items():
        matcher.put(name, parse(query).root)
    return Rehearsal(matcher, queries, removed, headlines)


ROWS = [
    row("old", "a storm", ("storms", "ships"), days=2),
    row("lost", "calm", ("storms",), days=1),
    row("new", "a storm", (), source="bbc"),
    row("other", "a ferry", ("ships",)),
]


def test_gained_and_lost_are_held_against_what_is_stored() -> None:
    found = rehearsal(storms="storm")
    found.add(ROWS[:2])
    found.add(ROWS[2:])
    effect = found.effects["storms"]
    assert found.articles == 4
    assert (effect.before, effect.after, effect.gained, effect.lost) == (2, 2, 1, 1)
    assert list(effect.gained_headlines) == [Headline("new", "Title of new", "bbc", NOW)]
    assert [each.id for each in effect.lost_headlines] == ["lost"]
    today = NOW.date()
    assert effect.days == {today - 2 * DAY: (1, 1), today - DAY: (1, 0), today: (0, 1)}
    assert effect.sources == {"wire": (2, 1), "bbc": (0, 1)}


def test_other_topics_of_an_article_stay() -> None:
    found = rehearsal(storms="calm")
    found.add(ROWS)
    assert found.taggings == [
        Tagging(article_id="old", revision=3, topics=("ships",), versions=(1,)),
    ]


def test_versions_follow_the_topics() -> None:
    matcher = Matcher()
    matcher.put("storms", parse("calm").root, 4)
    found = Rehearsal(matcher, ["storms"])
    article = an_article(body="calm", topics=("ships", "zoo"), topic_versions=(3, 2))
    found.add([ArticleRow(seq=1, article=article, stored=NOW)])
    (tagging,) = found.taggings
    assert tagging.topics == ("ships", "storms", "zoo")
    assert tagging.versions == (3, 4, 2)


def test_a_topic_that_is_gone_loses_everything() -> None:
    found = rehearsal(removed=("ships",), storms="storm OR calm")
    found.add(ROWS)
    assert (found.effects["ships"].before, found.effects["ships"].after) == (2, 0)
    assert {each.article_id: each.topics for each in found.taggings} == {
        "old": ("storms",),
        "new": ("storms",),
        "other": (),
    }


def test_the_latest_headlines_are_kept_and_all_are_counted() -> None:
    found = rehearsal(headlines=2, storms="storm")
    found.add([row(f"a{number}", "storm", days=9 - number) for number in range(5)])
    effect = found.effects["storms"]
    assert effect.gained == 5
    assert [each.id for each in effect.gained_headlines] == ["a3", "a4"]


def test_a_topic_without_any_match_has_no_effect() -> None:
    found = rehearsal(storms="hurricane")
    found.add(ROWS[3:])
    effect = found.effects["storms"]
    assert (effect.before, effect.after, effect.days) == (0, 0, {})
    assert found.taggings == []
