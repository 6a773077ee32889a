"""What is wrong with declared values, in the words of people who write YAML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_SECRET = ("secret", "password", "smtp_url", "database_url", "broker_url")
_PLAIN = re.compile(r"[^\W\d][\w .*/-]*")
_LONGEST = 200

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one key: `place` is the key as people find it, `sentence` the rest."""

    key: str
    place: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.place} {self.sentence}"


def judged(
    model: type[M], values: Mapping[str, Any], stand_in: Mapping[str, Any]
) -> tuple[M | None, list[Fault], Set[str]]:
    """Return what values make, every mistake, and the keys that are wrong or missing.

    For these there is what stands in for them, so that the others can be judged all the same; None
    where nothing does.
    """
    try:
        return model.model_validate(values), [], frozenset()
    except ValidationError as error:
        details = error.errors()
    wrong = {str(detail["loc"][0]) for detail in details}
    wrong |= {near for key in wrong if (near := _meant_key(key, model)) and near not in values}
    right = {key: value for key, value in values.items() if key not in wrong}
    right |= {key: value for key, value in stand_in.items() if key in wrong}
    faults = _faults(details, model)
    try:
        return model.model_validate(right), faults, wrong
    except ValidationError:
        return None, faults, wrong


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the question after the nearest name, "" where none is near."""
    near = get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else ""


def _faults(details: Iterable[ErrorDetails], model: type[BaseModel]) -> list[Fault]:
    found = []
    meant: set[tuple[int | str, ...]] = set()
    for detail in details:
        *path, last = detail["loc"]
        if detail["type"] == "extra_forbidden":
            known = _keys_at(model, path)
            meant.update((*path, near) for near in get_close_matches(str(last), known, n=1))
            sentence = _unknown(str(last), known)
        else:
            sentence = _sentence(detail, model)
        names = ".".join(str(part) for part in detail["loc"] if not isinstance(part, int))
        numbers = [part + 1 for part in detail["loc"] if isinstance(part, int)]
        place = f"item {numbers[0]} of {names}" if numbers else names
        found.append((detail, Fault(str(detail["loc"][0]), place, sentence)))
    return [fault for detail, fault in found if not _follows(detail, meant)]


def _follows(detail: ErrorDetails, meant: Set[tuple[int | str, ...]]) -> bool:
    """Return whether a mistake is only that another one is there: a key is missing that is
    misspelt, or a list has no item left that is right."""
    if detail["type"] == "missing":
        return detail["loc"] in meant
    return detail["type"] == "too_short" and bool(detail["input"])


def _meant_key(key: str, model: type[BaseModel]) -> str:
    """Return the key that was meant by one that there is not."""
    if key in model.model_fields:
        return ""
    return next(iter(get_close_matches(key, list(model.model_fields), n=1)), "")


def _keys_at(model: type[BaseModel], path: Iterable[int | str]) -> list[str]:
    for part in path:
        inner = model.model_fields[part].annotation if isinstance(part, str) else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)


def _unknown(name: str, known: list[str]) -> str:
    cure = nearest(name, known) or f"the keys are {', '.join(sorted(known))}"
    return f"is not a key here; {cure}"


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """Return one mistake with what was given, but never a secret."""
    kind, given = detail["type"], detail["input"]
    if kind == "missing":
        return "is missing: add it"
    if given is None:
        field = model.model_fields.get(str(detail["loc"][0]))
        needed = field is not None and field.is_required()
        return "has no value: add one" if needed else "has no value: add one, or drop it"
    hidden = any(part in _SECRET for part in detail["loc"])
    if kind == "model_type":
        keys = ", ".join(_keys_at(model, detail["loc"]))
        return f"must have keys with values; its keys are {keys}"
    if kind in ("string_type", "path_type"):
        shown = "" if hidden or isinstance(given, bool | list | dict) else f": '{given}'"
        return f"must be text: put it in single quotes{shown}"
    if kind in ("tuple_type", "list_type"):
        return (
            "must be a list" if isinstance(given, dict) else f"must be a list: write {_as(given)}"
        )
    message = _expected(detail, model)
    plain = not isinstance(given, dict | list) and not hidden
    return f"{message}, got {str(given)[:_LONGEST]}{_meant(detail)}" if plain else message


def _expected(detail: ErrorDetails, model: type[BaseModel]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in ("int_parsing", "int_type", "int_from_float"):
        return f"must be a whole number{_range(detail, model)}"
    if kind in ("float_parsing", "float_type"):
        return f"must be a number{_range(detail, model)}"
    if kind in ("greater_than_equal", "less_than_equal"):
        return f"must be{_range(detail, model)}"
    if kind in ("bool_parsing", "bool_type"):
        return "must be true or false"
    if kind == "string_too_long":
        return f"must have at most {context['max_length']} characters"
    if kind == "too_short":
        return "must name at least one"
    message = detail["msg"].removeprefix("Value error, ")
    return message.replace("Input should be", "must be")


def _range(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """Return the least and the most that a number may be, as far as it is bounded."""
    field = model.model_fields.get(str(detail["loc"][0]))
    bounds: dict[str, Any] = {}
    for item in field.metadata if field else ():
        bounds |= {name: getattr(item, name) for name in ("ge", "le") if hasattr(item, name)}
    bounds |= {name: at for name, at in detail.get("ctx", {}).items() if name in ("ge", "le")}
    match bounds:
        case {"ge": least, "le": most}:
            return f" from {least} to {most}"
        case {"ge": least}:
            return f" of at least {least}"
        case {"le": most}:
            return f" of at most {most}"
        case _:
            return ""


def _meant(detail: ErrorDetails) -> str:
    if detail["type"] not in ("enum", "literal_error"):
        return ""
    known = re.findall(r"'([^']*)'", detail.get("ctx", {}).get("expected", ""))
    hint = nearest(str(detail["input"]), known)
    return f"; {hint}" if hint else ""


def _as(given: object) -> str:
    """Return a single value as the YAML list that was meant."""
    text = str(given)
    if len(text) > _LONGEST:
        return "['…']"
    return f"[{text}]" if _PLAIN.fullmatch(text) else "['" + text.replace("'", "''") + "']"
