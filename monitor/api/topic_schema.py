"""What the API takes and gives of topics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from monitor.api.problem import NO_NUL, WORDED
from monitor.api.schema import Answer, Page
from monitor.declarations import NAME, NAME_RULE
from monitor.model import Owner, Priority, Topic
from monitor.topics.advice import Surprise
from monitor.topics.query import Query, QueryError
from monitor.topics.stems import LANGUAGES


def _id(text: str) -> str:
    if not NAME.fullmatch(text):
        raise PydanticCustomError(
            WORDED, "{rule}, and begins with a letter or a digit", {"rule": NAME_RULE}
        )
    return text


def _stem(text: str) -> str:
    if text and text not in LANGUAGES:
        given = {"given": repr(text[:80]), "known": ", ".join(LANGUAGES)}
        raise PydanticCustomError(WORDED, _NO_STEMMER, given)
    return text


_NO_STEMMER = "there is no stemmer for {given}; there is one for {known}, or leave it empty"
Id = Annotated[
    str,
    AfterValidator(_id),
    Field(
        description="Small letters, digits, . - and _.",
        json_schema_extra={"pattern": f"^{NAME.pattern}$"},
    ),
]
Stem = Annotated[
    str,
    AfterValidator(_stem),
    Field(description="A language tag, or empty.", json_schema_extra={"enum": ["", *LANGUAGES]}),
]


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


class TopicPage(Page):
    """One page of topics, by id."""

    items: tuple[TopicItem, ...]


class TopicFields(BaseModel):
    """What of a topic may be changed; what is not given stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, max_length=200, pattern=NO_NUL)
    query: str | None = Field(None, max_length=10_000, pattern=NO_NUL)
    stem: Stem | None = None
    description: str | None = Field(None, max_length=2_000, pattern=NO_NUL)
    priority: Priority | None = None
    version: int | None = Field(
        None, description="The version that was looked at: refused where it is another by now."
    )

    def applied(self, topic: Topic) -> Topic:
        """Return a topic with these changes."""
        return replace(topic, **self.model_dump(exclude_none=True))


class GivenQuery(BaseModel):
    """A query, and the language of its stemmer."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(max_length=10_000, pattern=NO_NUL)
    stem: Stem = ""


class NewTopic(GivenQuery):
    """A topic to be added."""

    id: Id
    name: str = Field("", max_length=200, pattern=NO_NUL)
    description: str = Field("", max_length=2_000, pattern=NO_NUL)
    priority: Priority = Priority.NORMAL


class MistakeItem(Answer):
    """One thing that is wrong with a query."""

    sentence: str
    line: int = Field(description="From 1.")
    column: int = Field(description="In characters, from 1.")


class SurpriseItem(Answer):
    """What is right in a query and may not be meant."""

    sentence: str
    part: str = Field(description="What it is about, as a query; empty for the whole.")


class CheckedQuery(Answer):
    """What a query means, or what is wrong with it."""

    valid: bool
    canonical: str = Field(description="The query with all operators; empty where it is wrong.")
    mistakes: tuple[MistakeItem, ...]
    surprises: tuple[SurpriseItem, ...] = Field(
        description="Of a query that holds; some tell what the articles of the last 30 days hold."
    )

    @classmethod
    def right(cls, query: Query, surprises: Iterable[Surprise]) -> CheckedQuery:
        """Return the answer for a query that holds."""
        told = tuple(SurpriseItem(sentence=each.sentence, part=each.part) for each in surprises)
        return cls(valid=True, canonical=str(query), mistakes=(), surprises=told)

    @classmethod
    def wrong(cls, error: QueryError) -> CheckedQuery:
        """Return the answer for a query that does not hold."""
        mistakes = tuple(
            MistakeItem(sentence=each.sentence, line=each.line, column=each.column)
            for each in error.mistakes
        )
        return cls(valid=False, canonical="", mistakes=mistakes, surprises=())
