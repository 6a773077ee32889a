"""The seams of storage for everything behind the polls, and all of it together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime
from typing import Protocol

from monitor.model import (
    Alert,
    AlertChannel,
    AlertRow,
    Article,
    ArticleFilter,
    ArticleRow,
    Attempt,
    CatalogChange,
    Delivery,
    OutboxRow,
    OutboxSize,
    SearchPage,
    SearchPlan,
    Sighting,
    Tagging,
    Topic,
    TopicMark,
    WordList,
)
from monitor.protocols.polling import Hubs, SourceChanges, Sources, Turns


class Outbox(Protocol):
    """Articles on their way to the broker."""

    async def unsent(self, limit: int) -> Sequence[OutboxRow]:
        """Return the oldest rows that are not marked sent."""

    async def mark_sent(self, ids: Sequence[int], now: datetime) -> None:
        """Remember that the broker has these."""

    async def resend_unstored(self, sent_before: datetime) -> int:
        """Make rows unsent that were sent before then and never stored; return how many."""

    async def unfinished(self, article_ids: Sequence[str]) -> int:
        """Return how many of these articles have a row that is not stored or settled yet."""

    async def settle(self, articles: Sequence[Article], now: datetime) -> None:
        """Remember that nothing more will come of these (copies, dead letters)."""

    async def prune_outbox(self, stored_before: datetime) -> int:
        """Delete rows that were stored before then; return how many."""

    async def outbox_size(self) -> OutboxSize:
        """Return how much waits."""


class Claims(Protocol):
    """Who owns what: the first writer wins, for ever."""

    async def claim(self, keys: Mapping[str, str]) -> Mapping[str, str]:
        """Return who owns each key; the given owner where nobody did before."""


class Sightings(Protocol):
    """Copies of articles, and what they are copies of."""

    async def copies(self, article_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the original of each article that is a known copy."""

    async def record_sightings(self, sightings: Sequence[Sighting]) -> None:
        """Remember copies; the first record of an article stands."""


class Articles(Protocol):
    """The archive."""

    async def save_articles(self, articles: Sequence[Article], now: datetime) -> None:
        """Store each article unless a newer revision is there; settle its outbox rows."""

    async def articles(self, which: ArticleFilter) -> Sequence[ArticleRow]:
        """Return articles, the latest change first."""

    async def article(self, article_id: str) -> ArticleRow | None:
        """Return one article."""

    async def article_ids(self, start: str, limit: int) -> Sequence[str]:
        """Return ids that begin with lower-case hexadecimal digits, at most `limit`."""

    async def articles_after(self, seq: int, limit: int) -> Sequence[ArticleRow]:
        """Return the changes after `seq`, in their order."""

    async def frequent(self, articles: int, limit: int) -> tuple[Sequence[str], Sequence[str]]:
        """Return the names of the sources and the ids of the topics that the newest articles have
        most often, at most `limit` of each, sorted; `articles` is how many are looked at."""


class Search(Protocol):
    """The archive by its words."""

    async def search(self, plan: SearchPlan, which: ArticleFilter) -> SearchPage:
        """Return the articles that a plan means, the latest change first."""

    async def document_counts(self, words: Sequence[str], first_seq: int = 0) -> Mapping[str, int]:
        """Return how many articles from `first_seq` on have each of some words; `minist*` is a
        prefix."""

    async def newest_since(self, when: datetime, most: int) -> tuple[int, int]:
        """Return the `seq` from which on the articles fetched since `when` stand, but at most so
        many; and how many stand there."""

    async def article_count(self) -> int:
        """Return how many articles there are."""


class StoredTopics(Protocol):
    """The topics of what is stored already, and what users say of them."""

    async def articles_since(
        self, when: datetime, after_seq: int, limit: int
    ) -> Sequence[ArticleRow]:
        """Return articles fetched from `when` on, in the order of (fetched, seq); of those
        fetched just then, only the ones after `after_seq`."""

    async def retag(self, taggings: Sequence[Tagging]) -> int:
        """Give stored articles other topics, without alerts; return how many have changed."""

    async def mark_wrong(self, topic: str, article_ids: Sequence[str], now: datetime) -> set[str]:
        """Remember that articles are wrong for a topic; return those that are not stored."""

    async def unmark_wrong(self, topic: str, article_ids: Sequence[str]) -> int:
        """Forget marks; return how many there were."""

    async def wrong_for(self, topic: str) -> Sequence[TopicMark]:
        """Return what was marked as wrong for a topic, the latest first."""


class Topics(Protocol):
    """What is watched for."""

    async def declare_topics(
        self, topics: Sequence[Topic], lists: Sequence[WordList]
    ) -> Sequence[str]:
        """Make the operator's topics and the word lists those of the files; return the ids of
        topics that were a user's until now."""

    async def add_topic(self, topic: Topic) -> None:
        """Add a user's topic; raises Rejected where the id is taken."""

    async def change_topic(self, topic: Topic) -> None:
        """Replace a user's topic; raises Rejected where there is none, it is declared, or it has
        another version by now."""

    async def remove_topic(self, topic_id: str) -> None:
        """Remove a user's topic; raises as `change_topic`."""

    async def topics(self) -> Sequence[Topic]:
        """Return all topics by id."""

    async def topic(self, topic_id: str) -> Topic | None:
        """Return one topic."""

    async def word_lists(self) -> Sequence[WordList]:
        """Return all word lists by name."""

    async def catalog_revision(self) -> int:
        """Return a number that every change of a topic or a word list raises."""

    async def catalog_since(self, revision: int) -> CatalogChange:
        """Return what has changed after a revision, everything after -1."""

    async def keep_trees(self, trees: Mapping[str, bytes], revision: int) -> None:
        """Remember parsed queries of topics that have not changed after a revision."""

    async def matches_since(self, since: datetime) -> Mapping[str, int]:
        """Return how many articles fetched since then have each topic."""


class TopicParts(Protocol):
    """As much of what is watched for as somebody needs: there may be 100,000 topics."""

    async def topics_by_id(self, after: str, limit: int) -> Sequence[Topic]:
        """Return topics by id, those after one."""

    async def topics_by_name(self, after: str, start: str, limit: int) -> Sequence[Topic]:
        """Return topics by name, as people sort names: those after the topic with an id, and from
        a name on; "" for no such bound."""

    async def topic_names(self, topic_ids: Collection[str]) -> Mapping[str, str]:
        """Return what these topics are called, by id; those there are not are left out."""

    async def catalog_of(self, names: Collection[str]) -> CatalogChange:
        """Return the topics and the word lists of these names, as a change that adds them."""

    async def topics_using(self) -> Sequence[Topic]:
        """Return the topics whose queries may use others by `@name`."""

    async def match_counts(self, topic_ids: Collection[str], since: datetime) -> Mapping[str, int]:
        """Return how many articles fetched since then have each of these topics."""

    async def marks_of(
        self, topic_id: str, before: tuple[datetime, str] | None, limit: int
    ) -> Sequence[TopicMark]:
        """Return what was marked as wrong for a topic, the latest first and then by article;
        `before` is the time and the article of the last mark already shown."""

    async def wrong_topics(self, article_id: str, topic_ids: Collection[str]) -> Set[str]:
        """Return for which of these topics an article was marked as wrong."""


class Alerts(Protocol):
    """Alerts and their deliveries."""

    async def raise_alerts(
        self, alerts: Sequence[tuple[Alert, Sequence[AlertChannel]]], now: datetime
    ) -> None:
        """Store alerts with a delivery for each channel, in one transaction; known ones stand."""

    async def alerts(self, before: int | None, limit: int) -> Sequence[AlertRow]:
        """Return alerts, the latest first; `before` is the `seq` of the last one shown."""

    async def alerts_of(self, article_ids: Sequence[str]) -> Sequence[AlertRow]:
        """Return the alerts of these articles, in the order in which they were raised."""

    async def alerts_after(self, seq: int, limit: int) -> Sequence[AlertRow]:
        """Return the alerts after `seq`, in the order in which they were raised."""

    async def newest(self) -> tuple[int, int]:
        """Return the `seq` of the newest article and of the newest alert, 0 where there is none."""


class Deliveries(Protocol):
    """The queue of sendings."""

    async def lease_deliveries(
        self, now: datetime, owner: str, limit: int, lease: float, without: Sequence[str] = ()
    ) -> Sequence[Delivery]:
        """Lease deliveries that are due, the oldest first, but none to the channels `without`; a
        lapsed lease is due again."""

    async def record_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Record how attempts went, in one transaction; one whose lease has passed to a later
        attempt changes nothing."""

    async def undelivered(self, article_ids: Sequence[str]) -> int:
        """Return how many deliveries of these articles' alerts wait for their first attempt."""


class Leases(Protocol):
    """Who is at work on sources and deliveries."""

    async def lessees(self) -> Sequence[str]:
        """Return the owners of all leases."""

    async def release(self, owners: Sequence[str], now: datetime) -> None:
        """End the leases of these owners: what they had leased is due now."""


class Archive(Articles, Search, StoredTopics, Topics, TopicParts, Alerts, Sources, Hubs, Protocol):
    """What the API and the pages read."""


class Store(
    Turns,
    Sources,
    Hubs,
    SourceChanges,
    Outbox,
    Claims,
    Sightings,
    Articles,
    Search,
    StoredTopics,
    Topics,
    TopicParts,
    Alerts,
    Deliveries,
    Leases,
    Protocol,
):
    """All of storage, as the process that is composed has it."""

    async def start(self) -> None:
        """Connect; raises Unavailable where the database is away."""

    async def migrate(self) -> None:
        """Bring the schema up to date; raises Unavailable."""

    async def ping(self) -> None:
        """Raises Unavailable where the database does not answer."""

    async def stop(self) -> None:
        """Disconnect. Never raises."""
