"""The checker itself: every fault that is planted must be reported, and nothing else."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.checker import (
    AlertKey,
    Key,
    Rule,
    Stored,
    Subject,
    Verdict,
    expected_alerts,
)
from tests.support.checker import check as compare
from tests.support.feedserver import Item
from tests.support.receivers import Received

SUBJECTS = (Subject("border", (("border talks",),), none_of=("festival",)),)
RULES = (Rule("desk", ("border",), ("hook",)), Rule("all", ("*",), ("page",)))
ITEMS: dict[Key, Item] = {
    ("feed", f"item-{number}"): Item(f"item-{number}", f"Border talks {number}", "Nothing else.")
    for number in range(10)
} | {("feed", "other"): Item("other", "Border", "Talks end with border talks at a festival.")}
EXPECTED = expected_alerts(ITEMS, SUBJECTS, RULES)


class Scene:
    """A run without a fault, as the ledgers have it; a test then plants one."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite+aiosqlite:///{folder}/monitor.db"
        self.file = folder / "monitor.db"
        self.received = [_hook(alert) for alert in sorted(EXPECTED) if alert[0] == "desk"]
        self.dead_letters = {"news.article.fetched.dedupe.dlq": 0}
        self.run(
            "CREATE TABLE article (id, source, item_id)",
            "CREATE TABLE alert (rule, article_id)",
            "CREATE TABLE delivery (state)",
            "CREATE TABLE outbox (sent_at, stored_at)",
        )
        with closing(sqlite3.connect(self.file)) as connection:
            articles = [(f"id {item}", feed, item) for feed, item in ITEMS]
            alerts = [(rule, f"id {item}") for rule, _, item in EXPECTED]
            connection.executemany("INSERT INTO article VALUES (?, ?, ?)", articles)
            connection.executemany("INSERT INTO alert VALUES (?, ?)", alerts)
            connection.executemany("INSERT INTO delivery VALUES (?)", [("sent",)] * len(alerts))
            connection.executemany("INSERT INTO outbox VALUES (?, ?)", [(1, 2)] * len(articles))
            connection.commit()

    def run(self, *statements: str) -> None:
        """Change the database."""
        with closing(sqlite3.connect(self.file)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    async def check(self) -> Verdict:
        """Let the ledgers decide."""
        stored = await Stored.read(self.url)
        return compare(ITEMS, stored, EXPECTED, {"desk"}, self.received, self.dead_letters)


def _hook(alert: AlertKey, *, id_: str = "", excerpt: str = "") -> Received:
    rule, _, item = alert
    data = {"rule": {"id": rule}, "article": {"id": f"id {item}", "excerpt": excerpt}}
    headers = {"Webhook-Id": id_ or f"msg {rule} {item}"}
    return Received("POST", headers, json.dumps({"data": data}).encode())


FIRST: AlertKey = ("desk", "feed", "item-1")
PLANTS: dict[str, Callable[[Scene], object]] = {
    "lost articles": lambda scene: scene.run(
        "DELETE FROM article WHERE item_id = 'other'",
    ),
    "duplicate rows": lambda scene: scene.run(
        "INSERT INTO article VALUES ('id twice', 'feed', 'item-2')"
    ),
    "phantom articles": lambda scene: scene.run(
        "INSERT INTO article VALUES ('id nobody', 'feed', 'never served')"
    ),
    "ids with two bodies": lambda scene: scene.received.append(_hook(FIRST, excerpt="changed")),
    "lost alerts": lambda scene: scene.run(
        "DELETE FROM alert WHERE rule = 'all' AND article_id = 'id item-3'"
    ),
    "phantom alerts": lambda scene: scene.run("INSERT INTO alert VALUES ('all', 'id other')"),
    "duplicate alerts": lambda scene: scene.run("INSERT INTO alert VALUES ('desk', 'id item-1')"),
    "alerts not delivered": lambda scene: scene.received.remove(_hook(FIRST)),
    "deliveries of no alert": lambda scene: scene.received.append(_hook(("all", "", "item-1"))),
    "alerts under two ids": lambda scene: scene.received.append(_hook(FIRST, id_="msg other")),
    "deliveries still open": lambda scene: scene.run("INSERT INTO delivery VALUES ('leased')"),
    "dead deliveries": lambda scene: scene.run("INSERT INTO delivery VALUES ('dead')"),
    "outbox rows not stored": lambda scene: scene.run("INSERT INTO outbox VALUES (1, NULL)"),
    "dead letters": lambda scene: scene.dead_letters.update({"news.article.tagged.store.dlq": 1}),
}


async def test_a_run_without_a_fault_is_clean(tmp_path: Path) -> None:
    verdict = await Scene(tmp_path).check()
    assert not verdict.wrong, verdict
    assert verdict.repeats == 0
    assert len(EXPECTED) == 20


async def test_a_repeat_of_the_same_body_is_counted_and_no_fault(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.received.append(_hook(FIRST))
    verdict = await scene.check()
    assert not verdict.wrong, verdict
    assert verdict.repeats == 1


@pytest.mark.parametrize("fault", PLANTS)
async def test_one_planted_fault_is_reported_and_no_other(fault: str, tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    PLANTS[fault](scene)
    verdict = await scene.check()
    assert {kind: len(found) for kind, found in verdict.wrong.items()} == {fault: 1}


async def test_five_faults_at_once_are_five_reports(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    planted = list(PLANTS)[:5]
    for fault in planted:
        PLANTS[fault](scene)
    assert list((await scene.check()).wrong) == [
        "lost articles",
        "phantom articles",
        "duplicate rows",
        "lost alerts",
        "ids with two bodies",
    ]
