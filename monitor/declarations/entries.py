"""How the entries of a declared file are read: each by its name, each mistake with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from monitor.errors import Problem
from monitor.yamlfile import expand, read_yaml

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
NAME_RULE = "a name is small letters, digits, dots, dashes and underscores, at most 100"
_SECRET = ("secret", "password", "smtp_url", "database_url", "broker_url")
_KINDS = ("log", "stream", "webhook", "email")

T = TypeVar("T")


class Declaration(BaseModel):
    """An entry of a file; a key that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def sentence(detail: ErrorDetails, known: Iterable[str] = ()) -> str:
    """Return one pydantic error as a sentence with what was given, but never a secret."""
    kind = detail["type"]
    if kind == "missing":
        return "is missing: add it"
    if kind == "extra_forbidden":
        return f"is not a key here; known keys are {', '.join(sorted(known))}"
    if kind == "union_tag_invalid":
        return f"type must be one of {detail['ctx']['expected_tags']}, got {detail['ctx']['tag']}"
    message = detail["msg"].removeprefix("Value error, ")
    message = message.replace("Input should be", "must be")
    given = detail["input"]
    if any(part in _SECRET for part in detail["loc"]):
        return message
    return message if isinstance(given, dict) else f"{message}, got {str(given)[:200]}"


def with_key(detail: ErrorDetails) -> str:
    """Return one pydantic error as a sentence that begins with the key."""
    keys = [str(part) for part in detail["loc"] if part not in _KINDS]
    text = sentence(detail)
    if detail["type"] == "extra_forbidden":
        text = "is not a key here; docs/configuration.md lists the keys"
    return f"{'.'.join(keys)} {text}".strip()


def named_entries(
    path: Path, section: str, sections: tuple[str, ...], noun: str, problems: list[Problem]
) -> Iterator[tuple[str, str, Any]]:
    """Yield name, place and value for each entry of one section of a file whose name holds."""
    content = read_yaml(path, problems if section == sections[0] else [])
    if section == sections[0]:
        known = ", ".join(sections)
        problems.extend(
            Problem(f"{key} in {path}", f"is not a key of this file; known: {known}")
            for key in content.keys() - set(sections)
        )
    entries = content.get(section) or {}
    if not isinstance(entries, dict):
        problems.append(Problem(f"{section} in {path}", f"must name each {noun}: 'NAME: {{…}}'"))
        return
    for name, value in entries.items():
        place = f"{noun} '{name}' in {path}"
        if NAME.fullmatch(str(name)):
            yield str(name), place, value
        else:
            problems.append(Problem(place, NAME_RULE))


def read_entries(
    path: Path,
    section: str,
    sections: tuple[str, ...],
    noun: str,
    adapter: TypeAdapter[T],
    problems: list[Problem],
    environ: Mapping[str, str] | None = None,
) -> list[tuple[str, str, T]]:
    """Return name, place and entry for each valid entry of one section of one file."""
    found = []
    for name, place, value in named_entries(path, section, sections, noun, problems):
        try:
            value = value if environ is None else expand(value, environ)
            found.append((name, place, adapter.validate_python(value)))
        except ValidationError as error:
            problems.extend(Problem(place, with_key(detail)) for detail in error.errors())
        except (KeyError, OSError) as error:
            problems.append(Problem(place, str(error.args[0])))
    return found
