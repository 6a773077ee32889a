"""How the entries of a declared file are read: each by its name, each mistake with its place."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from monitor.declarations.wording import judged, nearest
from monitor.errors import Problem
from monitor.yamlfile import read_yaml

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
NAME_RULE = "a name is small letters, digits, dots, dashes and underscores, at most 100"


class Declaration(BaseModel):
    """An entry of a file; a key that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


T = TypeVar("T", bound=Declaration)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """What the entries of a section are. `stand_in` has values for what must be there, which are
    taken where it is wrong, so that the rest of an entry can be judged all the same."""

    noun: str
    model: type[T]
    example: str
    stand_in: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Named:
    """A value of a section, by its name. `place` is what people are told."""

    name: str
    place: str
    value: Any


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """An entry as far as it can be understood; what is in `wrong` only stands in for a key."""

    name: str
    place: str
    content: T
    wrong: Set[str] = frozenset()


def read_sections(
    path: Path, sections: tuple[str, ...], problems: list[Problem]
) -> dict[str, Any] | None:
    """Return the sections of a file; None where it cannot be read, which is a problem."""
    content = read_yaml(path, problems)
    for key in content or ():
        if key not in sections:
            cure = nearest(key, sections) or f"the keys are {', '.join(sections)}"
            problems.append(Problem(f"{key} in {path}", f"is not a key of this file; {cure}"))
    return content


def named_in(
    content: Mapping[str, Any] | None,
    path: Path,
    section: str,
    noun: str,
    problems: list[Problem],
) -> Iterator[Named]:
    """Yield each entry of one section of a file."""
    entries = (content or {}).get(section) or {}
    if not isinstance(entries, dict):
        problems.append(Problem(f"{section} in {path}", f"must name each {noun}: 'NAME: {{…}}'"))
        return
    for name, value in entries.items():
        yield Named(str(name), f"{noun} '{name}' in {path}", value)


def read_entry(
    named: Named, kind: Kind[T], problems: list[Problem], unset: Collection[str] = ()
) -> Entry[T] | None:
    """Return an entry as far as it can be understood, None where nothing of it can.

    Nothing is said of the keys that are `unset`: what they would hold is not known.
    """
    if not NAME.fullmatch(named.name):
        problems.append(Problem(named.place, NAME_RULE))
    known = isinstance(named.value, Mapping)
    values = {str(key): value for key, value in named.value.items()} if known else {}
    content, faults, wrong = judged(kind.model, values, kind.stand_in)
    if known:
        told = (fault for fault in faults if fault.key not in unset)
        problems.extend(Problem(named.place, str(fault)) for fault in told)
    else:
        problems.append(Problem(named.place, f"must have keys with values, such as {kind.example}"))
    return None if content is None else Entry(named.name, named.place, content, wrong)


def read_entries(
    content: Mapping[str, Any] | None,
    path: Path,
    section: str,
    kind: Kind[T],
    problems: list[Problem],
) -> list[Entry[T]]:
    """Return the entries of one section of a file, as far as they can be understood."""
    found = (
        read_entry(named, kind, problems)
        for named in named_in(content, path, section, kind.noun, problems)
    )
    return [entry for entry in found if entry is not None]
