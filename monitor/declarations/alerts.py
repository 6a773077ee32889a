"""Who is told of what: `alerts.yaml`."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, TypeAdapter, field_validator

from monitor.declarations.entries import Declaration, read_entries
from monitor.errors import Problem
from monitor.model import AlertRule
from monitor.yamlfile import read_yaml

ALERT_SECTIONS = ("channels", "rules")


class RuleEntry(Declaration):
    """The keys of an alert rule."""

    name: str = ""
    topics: tuple[str, ...] = Field(min_length=1)
    channels: tuple[str, ...] = Field(min_length=1)
    query: str = ""


class LogChannel(Declaration):
    """A line in the service's log."""

    type: Literal["log"]


class StreamChannel(Declaration):
    """The live stream: the page and `/api/v1/stream`."""

    type: Literal["stream"]


class WebhookChannel(Declaration):
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


class EmailChannel(Declaration):
    """Mail to one or more addresses."""

    type: Literal["email"]
    to: tuple[Annotated[str, Field(pattern=r"^[^@\s,]+@[^@\s,]+$")], ...] = Field(min_length=1)


ChannelConfig = Annotated[
    LogChannel | StreamChannel | WebhookChannel | EmailChannel, Field(discriminator="type")
]
_CHANNEL: TypeAdapter[Any] = TypeAdapter(ChannelConfig)
_RULE = TypeAdapter(RuleEntry)


def read_alerts(
    path: Path,
    topics: Iterable[str],
    check_query: Callable[[str], str | None],
    environ: Mapping[str, str],
    problems: list[Problem],
    warnings: list[str],
) -> tuple[dict[str, Any], tuple[AlertRule, ...]]:
    """Return the channels by name, and the rules. `${NAME}` is taken from the environment.

    A topic that is not declared may be one that somebody makes at run time: that is a warning.
    """
    channels = {
        name: entry
        for name, _, entry in read_entries(
            path, "channels", ALERT_SECTIONS, "channel", _CHANNEL, problems, environ
        )
    }
    named = read_yaml(path, []).get("channels")
    declared = set(named) if isinstance(named, dict) else set()
    rules = []
    for name, place, entry in read_entries(path, "rules", ALERT_SECTIONS, "rule", _RULE, problems):
        warnings += _undeclared(place, entry, set(topics))
        if entry.query and (wrong := check_query(entry.query)):
            problems.append(Problem(place, f"query: {wrong}"))
        for channel in set(entry.channels) - declared:
            known = ", ".join(sorted(declared)) or "none"
            problems.append(
                Problem(place, f"channel '{channel}' is not declared; declared are {known}")
            )
        rules.append(
            AlertRule(
                id=name,
                name=entry.name or name,
                topics=entry.topics,
                channels=entry.channels,
                query=entry.query,
            )
        )
    return channels, tuple(rules)


def _undeclared(place: str, entry: RuleEntry, topics: set[str]) -> list[str]:
    found = []
    for topic in sorted(set(entry.topics) - topics - {"*"}):
        near = get_close_matches(topic, topics, n=1)
        hint = f"did you mean {near[0]}?" if near else "it alerts once somebody makes that topic"
        found.append(f"{place}: topic '{topic}' is not declared; {hint}")
    return found
