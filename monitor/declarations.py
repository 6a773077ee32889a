"""What the operator declares in `sources.yaml`, `topics.yaml` and `alerts.yaml`.

Each reader appends what is wrong to a list and returns what is right, so that one start shows
every mistake.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
)
from pydantic_core import ErrorDetails

from monitor.errors import Problem
from monitor.model import AlertRule, Source, Topic
from monitor.yamlfile import expand, read_yaml

LocationKind = Literal["url", "path"]
LEAST_INTERVAL = 60
ALERT_SECTIONS = ("channels", "rules")

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_DURATION = re.compile(r"(\d+)\s*([smhd]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_interval(value: object) -> object:
    """Return seconds for `900`, `15m`, `1h` or `1d`; raises ValueError for anything else."""
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if not match:
            raise ValueError("must be seconds or like 90s, 15m, 6h, 1d")
        value = int(match[1]) * _UNITS[match[2]]
    if isinstance(value, int | float) and value < LEAST_INTERVAL:
        raise ValueError(f"must be at least {LEAST_INTERVAL} s")
    return value


class _Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _SourceEntry(_Declaration):
    type: str
    url: str = ""
    path: str = ""
    title: str = ""
    interval: Annotated[int, BeforeValidator(parse_interval)] = 900
    enabled: bool = True

    @field_validator("url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        if value and not re.match(r"https?://[^\s/@]+(/|$|\?)", value):
            raise ValueError("must be http:// or https:// with a host, without user or password")
        return value


class _TopicEntry(_Declaration):
    name: str = ""
    query: str


class _RuleEntry(_Declaration):
    name: str = ""
    topics: tuple[str, ...] = Field(min_length=1)
    channels: tuple[str, ...] = Field(min_length=1)


class LogChannel(_Declaration):
    """A line in the service's log."""

    type: Literal["log"]


class StreamChannel(_Declaration):
    """The live stream: the page and `/api/v1/stream`."""

    type: Literal["stream"]


class WebhookChannel(_Declaration):
    """An HTTP receiver, signed as Standard Webhooks says."""

    type: Literal["webhook"]
    url: str = Field(pattern=r"^https?://\S+$")
    secret: SecretStr

    @field_validator("secret")
    @classmethod
    def _signing_secret(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        try:
            key = b64decode(text.removeprefix("whsec_"), validate=True)
        except ValueError:
            key = b""
        if not text.startswith("whsec_") or not 24 <= len(key) <= 64:
            raise ValueError("must be whsec_ and the base64 of 24 to 64 random bytes")
        return value


class EmailChannel(_Declaration):
    """Mail to one or more addresses."""

    type: Literal["email"]
    to: tuple[Annotated[str, Field(pattern=r"^[^@\s,]+@[^@\s,]+$")], ...] = Field(min_length=1)


ChannelConfig = Annotated[
    LogChannel | StreamChannel | WebhookChannel | EmailChannel, Field(discriminator="type")
]
_CHANNEL: TypeAdapter[Any] = TypeAdapter(ChannelConfig)
_SOURCE = TypeAdapter(_SourceEntry)
_TOPIC = TypeAdapter(_TopicEntry)
_RULE = TypeAdapter(_RuleEntry)

T = TypeVar("T")


def read_sources(
    path: Path, types: Mapping[str, LocationKind], problems: list[Problem]
) -> tuple[Source, ...]:
    """Return the declared sources; a `path` is taken relative to the file's folder."""
    sources = []
    seen: dict[str, str] = {}
    for name, place, entry in _entries(path, "sources", ("sources",), "source", _SOURCE, problems):
        kind = types.get(entry.type)
        if kind is None:
            known = ", ".join(sorted(types))
            problems.append(Problem(place, f"type '{entry.type}' is unknown; known are {known}"))
            continue
        location = entry.url if kind == "url" else entry.path
        if not location or (entry.path if kind == "url" else entry.url):
            problems.append(Problem(place, f"type '{entry.type}' needs a {kind}, and nothing else"))
        elif location in seen:
            problems.append(Problem(place, f"has the same {kind} as '{seen[location]}'"))
        else:
            seen[location] = name
            full = location if kind == "url" else str(path.parent / location)
            sources.append(
                Source(
                    name=name,
                    type=entry.type,
                    location=full,
                    title=entry.title or name,
                    interval=entry.interval,
                    enabled=entry.enabled,
                )
            )
    return tuple(sources)


def read_topics(
    path: Path, check_query: Callable[[str], str | None], problems: list[Problem]
) -> tuple[Topic, ...]:
    """Return the declared topics whose queries hold."""
    topics = []
    for name, place, entry in _entries(path, "topics", ("topics",), "topic", _TOPIC, problems):
        wrong = check_query(entry.query)
        if wrong:
            problems.append(Problem(place, f"query: {wrong}"))
        topics.append(Topic(id=name, name=entry.name or name, query=entry.query))
    return tuple(topics)


def read_alerts(
    path: Path, topics: Iterable[str], environ: Mapping[str, str], problems: list[Problem]
) -> tuple[dict[str, Any], tuple[AlertRule, ...]]:
    """Return the channels by name, and the rules. `${NAME}` is taken from the environment."""
    channels = {
        name: entry
        for name, _, entry in _entries(
            path, "channels", ALERT_SECTIONS, "channel", _CHANNEL, problems, environ
        )
    }
    named = read_yaml(path, []).get("channels")
    declared = set(named) if isinstance(named, dict) else set()
    rules = []
    for name, place, entry in _entries(path, "rules", ALERT_SECTIONS, "rule", _RULE, problems):
        for topic in set(entry.topics) - set(topics) - {"*"}:
            problems.append(Problem(place, f"topic '{topic}' is not in {path.parent}/topics.yaml"))
        for channel in set(entry.channels) - declared:
            known = ", ".join(sorted(declared)) or "none"
            problems.append(
                Problem(place, f"channel '{channel}' is not declared; declared are {known}")
            )
        rules.append(
            AlertRule(
                id=name, name=entry.name or name, topics=entry.topics, channels=entry.channels
            )
        )
    return channels, tuple(rules)


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
    if any(part in ("secret", "smtp_url", "database_url", "broker_url") for part in detail["loc"]):
        return message
    return message if isinstance(given, dict) else f"{message}, got {given}"


def _entries(
    path: Path,
    section: str,
    sections: tuple[str, ...],
    noun: str,
    adapter: TypeAdapter[T],
    problems: list[Problem],
    environ: Mapping[str, str] | None = None,
) -> list[tuple[str, str, T]]:
    """Return name, place and entry for each valid entry of one section of one file."""
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
        return []
    found = []
    for name, value in entries.items():
        place = f"{noun} '{name}' in {path}"
        if not _NAME.fullmatch(str(name)):
            problems.append(Problem(place, "a name is small letters, digits, dots and dashes"))
            continue
        try:
            value = value if environ is None else expand(value, environ)
            found.append((str(name), place, adapter.validate_python(value)))
        except ValidationError as error:
            problems.extend(Problem(place, _with_key(detail)) for detail in error.errors())
        except (KeyError, OSError) as error:
            problems.append(Problem(place, str(error.args[0])))
    return found


def _with_key(detail: ErrorDetails) -> str:
    keys = [
        str(part) for part in detail["loc"] if part not in ("log", "stream", "webhook", "email")
    ]
    text = sentence(detail, known=("see docs/configuration.md",))
    if detail["type"] == "extra_forbidden":
        text = "is not a key here; docs/configuration.md lists the keys"
    return f"{'.'.join(keys)} {text}".strip()
