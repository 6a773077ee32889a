"""The ledger decides: what was served, against what is stored, alerted and delivered.

Three witnesses that know nothing of each other: the feed server knows what a complete answer
carried, the database is read by plain SQL, and the receiver knows what reached it. Which alerts
there must be is found by an evaluator of its own, which shares no code with the service.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from tests.support.feedserver import Item
from tests.support.receivers import Received

Key = tuple[str, str]
"""A source and the id that it gives its item."""
AlertKey = tuple[str, str, str]
"""A rule, and the key of the article."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A topic as data: of each group one word or phrase must be there, of `none_of` not one, and
    where there is a `title`, one of its words in the title alone."""

    id: str
    groups: tuple[tuple[str, ...], ...]
    none_of: tuple[str, ...] = ()
    title: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        """The same in the query language of the service."""
        parts = [_either(group) for group in self.groups]
        parts += [f"title:{_either(self.title)}"] if self.title else []
        parts += [f"NOT {_either(self.none_of)}"] if self.none_of else []
        return " AND ".join(parts)

    def matches(self, item: Item) -> bool:
        """Return whether an item is about it."""
        title, text = _plain(item.title), _plain(item.text)

        def has(phrase: str) -> bool:
            return f" {phrase} " in title or f" {phrase} " in text

        return (
            all(any(has(phrase) for phrase in group) for group in self.groups)
            and (not self.title or any(f" {phrase} " in title for phrase in self.title))
            and not any(has(phrase) for phrase in self.none_of)
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """A subscription: subjects, or `*`, and the channels that are told."""

    id: str
    subjects: tuple[str, ...]
    channels: tuple[str, ...]


def _either(phrases: Sequence[str]) -> str:
    return "(" + " OR ".join(f'"{phrase}"' for phrase in phrases) + ")"


def _plain(text: str) -> str:
    return f" {' '.join(re.findall('[a-z0-9]+', text.lower()))} "


def expected_alerts(
    items: Mapping[Key, Item], subjects: Sequence[Subject], rules: Sequence[Rule]
) -> set[AlertKey]:
    """Return the alerts that there must be."""
    alerts = set()
    for key, item in items.items():
        found = {subject.id for subject in subjects if subject.matches(item)}
        for rule in rules:
            if found and ("*" in rule.subjects or found & set(rule.subjects)):
                alerts.add((rule.id, *key))
    return alerts


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database holds."""

    articles: Mapping[str, Key]
    alerts: Sequence[tuple[str, str]]
    """Rule and article id of every row."""
    open_deliveries: int
    dead_deliveries: int
    unsent: int
    unstored: int

    @classmethod
    async def read(cls, url: str) -> Stored:
        """Read all of it."""
        articles, alerts, states, outbox = await ask(
            url,
            "SELECT id, source, item_id FROM article",
            "SELECT rule, article_id FROM alert",
            "SELECT state, count(*) FROM delivery GROUP BY state",
            "SELECT sent_at IS NULL, count(*) FROM outbox WHERE stored_at IS NULL"
            " GROUP BY sent_at IS NULL",
        )
        by_state: dict[str, int] = dict(states)
        by_sent = {bool(unsent): int(count) for unsent, count in outbox}
        return cls(
            articles={id_: (source, item) for id_, source, item in articles},
            alerts=[(rule, article) for rule, article in alerts],
            open_deliveries=by_state.get("pending", 0) + by_state.get("leased", 0),
            dead_deliveries=by_state.get("dead", 0),
            unsent=by_sent.get(True, 0),
            unstored=sum(by_sent.values()),
        )


async def ask(url: str, *questions: str) -> list[list[tuple[Any, ...]]]:
    """Return the rows of each SELECT."""
    if url.startswith("sqlite"):
        file = f"file:{url.partition('///')[2]}?mode=ro"
        with closing(sqlite3.connect(file, uri=True, timeout=10)) as connection:
            return [connection.execute(question).fetchall() for question in questions]
    connection = await asyncpg.connect(url.replace("+asyncpg", ""), timeout=10)
    try:
        return [[tuple(row) for row in await connection.fetch(question)] for question in questions]
    finally:
        await connection.close()


@dataclass(frozen=True, slots=True)
class Hook:
    """One request that the receiver got."""

    id: str
    digest: str
    rule: str
    article_id: str

    @classmethod
    def of(cls, received: Received) -> Hook:
        """Read a request."""
        headers = {name.lower(): value for name, value in received.headers.items()}
        data = json.loads(received.body)["data"]
        digest = hashlib.sha256(received.body).hexdigest()
        return cls(headers["webhook-id"], digest, data["rule"]["id"], data["article"]["id"])


@dataclass(slots=True)
class Verdict:
    """What is wrong, by kind; and how many requests were repeats of one with the same body."""

    wrong: dict[str, list[str]] = field(default_factory=dict)
    repeats: int = 0

    def add(self, kind: str, found: Iterable[object]) -> None:
        """Note what was found of one kind of fault."""
        named = sorted(str(each) for each in found)
        if named:
            self.wrong[kind] = named

    def __str__(self) -> str:
        if not self.wrong:
            return "nothing is wrong"
        return "; ".join(
            f"{len(found)} {kind}: {', '.join(found[:3])}" for kind, found in self.wrong.items()
        )


def check(
    served: Collection[Key],
    stored: Stored,
    expected: Collection[AlertKey],
    hooked: Collection[str],
    received: Iterable[Received],
    dead_letters: Mapping[str, int],
) -> Verdict:
    """Compare the ledgers. `hooked` are the rules that tell the receiver."""
    verdict = Verdict()
    rows = Counter(stored.articles.values())
    verdict.add("lost articles", set(served) - set(rows))
    verdict.add("phantom articles", set(rows) - set(served))
    verdict.add("duplicate rows", _repeated(rows))

    nobody = ("?", "?")
    alerts = Counter((rule, *stored.articles.get(id_, nobody)) for rule, id_ in stored.alerts)
    verdict.add("lost alerts", set(expected) - set(alerts))
    verdict.add("phantom alerts", set(alerts) - set(expected))
    verdict.add("duplicate alerts", _repeated(alerts))

    _check_hooks(verdict, stored, {alert for alert in expected if alert[0] in hooked}, received)
    for kind, count in (
        ("deliveries still open", stored.open_deliveries),
        ("dead deliveries", stored.dead_deliveries),
        ("outbox rows not stored", stored.unstored),
    ):
        verdict.add(kind, [count] if count else [])
    verdict.add(
        "dead letters", [f"{name} {count}" for name, count in dead_letters.items() if count]
    )
    return verdict


def _check_hooks(
    verdict: Verdict, stored: Stored, due: set[AlertKey], received: Iterable[Received]
) -> None:
    """Compare what the receiver got with what is due to it."""
    hooks = [Hook.of(each) for each in received]
    bodies, ids = defaultdict(set), defaultdict(set)
    for hook in hooks:
        bodies[hook.id].add(hook.digest)
        ids[(hook.rule, *stored.articles.get(hook.article_id, ("?", "?")))].add(hook.id)
    verdict.add("alerts not delivered", due - set(ids))
    verdict.add("deliveries of no alert", set(ids) - due)
    verdict.add("alerts under two ids", [alert for alert, of in ids.items() if len(of) > 1])
    verdict.add("ids with two bodies", [id_ for id_, of in bodies.items() if len(of) > 1])
    verdict.repeats = len(hooks) - len(bodies)


def _repeated(counts: Counter[Any]) -> list[str]:
    return [f"{key} x {count}" for key, count in counts.items() if count > 1]
