"""Topics, and what they are tested with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.model.owner import Owner


class Priority(StrEnum):
    """How much a topic matters to those who watch it."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What a topic must match and must not: texts, or files relative to the folder of topics."""

    match: tuple[str, ...] = ()
    no_match: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A news subject that users name, with the query that finds it.

    `version` grows with every change of the query or the stemmer. `stem` is the language whose
    stemmer lets plain words match their forms, "" for none.
    """

    id: str
    name: str
    query: str
    stem: str = ""
    description: str = ""
    priority: Priority = Priority.NORMAL
    expect: Expectations = Expectations()
    version: int = 1
    owner: Owner = Owner.CONFIG


@dataclass(frozen=True, slots=True, kw_only=True)
class WordList:
    """Words and phrases that queries use by `@name`, each with the operators of a word."""

    name: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogChange:
    """What has changed among topics and word lists, up to a revision of the catalog."""

    revision: int
    topics: tuple[Topic, ...] = ()
    lists: tuple[WordList, ...] = ()
    removed_topics: tuple[str, ...] = ()
    removed_lists: tuple[str, ...] = ()
    trees: Mapping[str, bytes] = field(default_factory=dict)
    """Parsed queries of some of the topics, packed."""
