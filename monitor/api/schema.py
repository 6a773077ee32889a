"""The API's answers. Times are ISO 8601 in UTC with a Z; a missing text is an empty string."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from monitor.model import (
    AlertRow,
    Article,
    ArticleRow,
    ChannelKind,
    DeliveryState,
    DeliveryStatus,
)


class Answer(BaseModel):
    """What all answers have in common."""

    model_config = ConfigDict(frozen=True)


class ArticleItem(Answer):
    """An article as it is listed, without its body."""

    id: str
    seq: int = Field(description="Grows with every change of any article.")
    title: str
    summary: str
    url: str = Field(description="Where the publisher shows it; empty where there is no page.")
    source: str = Field(description="Name of the source, as in /api/v1/sources.")
    published: datetime | None
    updated: datetime | None
    fetched: datetime = Field(description="When the poll saw it.")
    stored: datetime = Field(description="When it reached the archive.")
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    language: str
    place: str
    topics: tuple[str, ...] = Field(description="Ids of topics, as in /api/v1/topics.")
    revision: int = Field(description="Counts the texts the source has shown, from 1.")
    replayed: bool = Field(description="Came from a recording or a fixture.")
    copies: int = Field(description="How many copies of it were dropped.")
    alerted: tuple[str, ...] = Field(description="Ids of the alert rules that it met.")

    @classmethod
    def of(cls, row: ArticleRow) -> ArticleItem:
        """Return the answer for a row."""
        return cls(**_article(row))


class ArticleDetail(ArticleItem):
    """An article with all that is known of it."""

    body: str
    image: str

    @classmethod
    def of(cls, row: ArticleRow) -> ArticleDetail:
        """Return the answer for a row."""
        return cls(**_article(row), body=row.article.body, image=row.article.image)


def _article(row: ArticleRow) -> dict[str, Any]:
    article = row.article
    plain = ("id", "title", "summary", "url", "source", "published", "updated", "fetched")
    more = ("authors", "categories", "language", "place", "topics", "revision", "replayed")
    return {name: getattr(article, name) for name in plain + more} | {
        "seq": row.seq,
        "stored": row.stored,
        "copies": row.copies,
        "alerted": row.alerted,
    }


class Page(Answer):
    """One page of a listing; none is without an end."""

    next: str | None = Field(description="`cursor` of the next page; null on the last one.")


class ArticlePage(Page):
    """One page of articles, the latest change first."""

    items: tuple[ArticleItem, ...]


class AlertedArticle(Answer):
    """The article of an alert, as it was when the alert was raised."""

    id: str
    title: str
    source: str
    url: str
    published: datetime | None
    revision: int
    replayed: bool

    @classmethod
    def of(cls, article: Article) -> AlertedArticle:
        """Return the answer for an article."""
        return cls(
            id=article.id,
            title=article.title,
            source=article.source,
            url=article.url,
            published=article.published,
            revision=article.revision,
            replayed=article.replayed,
        )


class AlertedItem(Answer):
    """An alert as far as it marks its article: of a rule without a `stream` channel."""

    article: str
    rule: str
    rule_name: str

    @classmethod
    def of(cls, row: AlertRow) -> AlertedItem:
        """Return the answer for a row."""
        alert = row.alert
        return cls(article=alert.article.id, rule=alert.rule, rule_name=alert.rule_name)


class DeliveryItem(Answer):
    """One sending of an alert."""

    channel: str
    kind: ChannelKind
    state: DeliveryState
    attempts: int
    error: str = Field(description="What went wrong last; empty where nothing did.")
    sent: datetime | None
    next: datetime | None = Field(description="When it is tried, while it is `pending`.")

    @classmethod
    def of(cls, status: DeliveryStatus) -> DeliveryItem:
        """Return the answer for a delivery."""
        return cls(
            channel=status.channel,
            kind=status.kind,
            state=status.state,
            attempts=status.attempts,
            error=status.error,
            sent=status.sent,
            next=status.next,
        )


class AlertItem(Answer):
    """One match of one alert rule, and how far its deliveries have come."""

    id: str
    seq: int = Field(description="Grows in the order in which alerts were raised.")
    rule: str
    rule_name: str
    raised: datetime
    topics: tuple[str, ...]
    article: AlertedArticle
    deliveries: tuple[DeliveryItem, ...]

    @classmethod
    def of(cls, row: AlertRow) -> AlertItem:
        """Return the answer for a row."""
        alert = row.alert
        return cls(
            id=alert.id,
            seq=row.seq,
            rule=alert.rule,
            rule_name=alert.rule_name,
            raised=alert.raised,
            topics=alert.topics,
            article=AlertedArticle.of(alert.article),
            deliveries=tuple(DeliveryItem.of(status) for status in row.deliveries),
        )


class AlertPage(Page):
    """One page of alerts, the latest first."""

    items: tuple[AlertItem, ...]


class PartItem(Answer):
    """How one part of the process is."""

    status: Literal["ok", "degraded", "down"]
    text: str


class HealthItem(Answer):
    """How the process is: only `ok` and `degraded` can do their work."""

    status: Literal["ok", "degraded", "starting", "down", "draining"]
    parts: dict[str, PartItem]
