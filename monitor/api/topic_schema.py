"""What the API takes and gives of topics."""

from __future__ import annotations

from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field

from monitor.api.schema import Answer
from monitor.declarations import NAME
from monitor.model import Owner, Priority, Topic
from monitor.topics.query import QueryError
from monitor.topics.stems import LANGUAGES

_STEM = f"^({'|'.join(['', *LANGUAGES])})$"
_TEXT = r"^[^\x00]*$"


class TopicItem(Answer):
    """A news subject, with the query that finds it."""

    id: str
    name: str
    query: str
    stem: str = Field(description="Language whose stemmer lets plain words match their forms.")
    description: str
    priority: Priority
    version: int = Field(description="Grows with every other query or stemmer.")
    owner: Owner = Field(description="`config`: changed in its file; `user`: made at run time.")

    @classmethod
    def of(cls, topic: Topic) -> TopicItem:
        """Return the answer for a topic."""
        return cls(**{name: getattr(topic, name) for name in cls.model_fields})


class TopicFields(BaseModel):
    """What of a topic may be changed; what is not given stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, max_length=200, pattern=_TEXT)
    query: str | None = Field(None, max_length=10_000, pattern=_TEXT)
    stem: str | None = Field(None, pattern=_STEM, description="A language tag, or empty.")
    description: str | None = Field(None, max_length=2_000, pattern=_TEXT)
    priority: Priority | None = None

    def applied(self, topic: Topic) -> Topic:
        """Return a topic with these changes."""
        return replace(topic, **self.model_dump(exclude_none=True))


class GivenQuery(BaseModel):
    """A query, and the language of its stemmer."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(max_length=10_000, pattern=_TEXT)
    stem: str = Field("", pattern=_STEM, description="A language tag, or empty.")


class NewTopic(GivenQuery):
    """A topic to be added."""

    id: str = Field(pattern=f"^{NAME.pattern}$", description="Small letters, digits, . - and _.")
    name: str = Field("", max_length=200, pattern=_TEXT)
    description: str = Field("", max_length=2_000, pattern=_TEXT)
    priority: Priority = Priority.NORMAL


class MistakeItem(Answer):
    """One thing that is wrong with a query."""

    sentence: str
    line: int = Field(description="From 1.")
    column: int = Field(description="In characters, from 1.")


class CheckedQuery(Answer):
    """What a query means, or what is wrong with it."""

    valid: bool
    canonical: str = Field(description="The query with all operators; empty where it is wrong.")
    mistakes: tuple[MistakeItem, ...]

    @classmethod
    def wrong(cls, error: QueryError) -> CheckedQuery:
        """Return the answer for a query that does not hold."""
        mistakes = tuple(
            MistakeItem(sentence=each.sentence, line=each.line, column=each.column)
            for each in error.mistakes
        )
        return cls(valid=False, canonical="", mistakes=mistakes)
