"""Every channel of the stream, in the order in which an article passes it.

A channel is a Kafka topic (AsyncAPI's word), so that "topic" is free for the news subject.
"""

from __future__ import annotations

from dataclasses import dataclass

DAY = 86_400
DLQ_HEADERS = 16_384
"""Bytes that the reasons of a dead letter may add to its record."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A partitioned log. `retention` in seconds, `max_bytes` bounds one record."""

    name: str
    partitions: int = 6
    retention: int = 7 * DAY
    max_bytes: int = 1_048_576


ARTICLE_FETCHED = Channel("news.article.fetched")
ARTICLE_DEDUPLICATED = Channel("news.article.deduplicated")
ARTICLE_TAGGED = Channel("news.article.tagged")
SOURCE_CHANGED = Channel("news.source.changed", partitions=1)
ALERT_RAISED = Channel("news.alert.raised")

CHANNELS = (ARTICLE_FETCHED, ARTICLE_DEDUPLICATED, ARTICLE_TAGGED, SOURCE_CHANGED, ALERT_RAISED)

READERS = (
    ("dedupe", ARTICLE_FETCHED),
    ("tag", ARTICLE_DEDUPLICATED),
    ("store", ARTICLE_TAGGED),
    ("alert", ARTICLE_TAGGED),
    ("notify", ALERT_RAISED),
)
"""Every consumer with the channel that it reads."""


def group_of(consumer: str) -> str:
    """Return the consumer group's name."""
    return f"news-monitor.{consumer}"


def dead_letters_of(channel: Channel, consumer: str) -> Channel:
    """Return where a consumer's dead letters of a channel go: one partition, kept 30 days."""
    name, room = f"{channel.name}.{consumer}.dlq", channel.max_bytes + DLQ_HEADERS
    return Channel(name, partitions=1, retention=30 * DAY, max_bytes=room)


def dead_letter_channels() -> tuple[Channel, ...]:
    """Return the dead-letter channel of every consumer."""
    return tuple(dead_letters_of(channel, consumer) for consumer, channel in READERS)
