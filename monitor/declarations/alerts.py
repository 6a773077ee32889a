"""Who is told of what: `alerts.yaml`."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator

from monitor.declarations.entries import (
    Declaration,
    Kind,
    Named,
    named_in,
    read_entries,
    read_entry,
    read_sections,
)
from monitor.declarations.wording import nearest
from monitor.errors import Problem
from monitor.model import AlertRule
from monitor.yamlfile import expand

_SECTIONS = ("channels", "rules")


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
    url: str
    secret: SecretStr

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        if not re.fullmatch(r"https?://\S+", value):
            raise ValueError("must begin with https:// or http://")
        return value

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


def _mail_address(value: str) -> str:
    if not re.fullmatch(r"[^@\s,]+@[^@\s,]+", value):
        raise ValueError("must be a mail address, like desk@example.org")
    return value


class EmailChannel(Declaration):
    """Mail to one or more addresses."""

    type: Literal["email"]
    to: tuple[Annotated[str, AfterValidator(_mail_address)], ...] = Field(min_length=1)


ChannelConfig = Annotated[
    LogChannel | StreamChannel | WebhookChannel | EmailChannel, Field(discriminator="type")
]
_CHANNELS: Mapping[str, Kind[Any]] = {
    "log": Kind("channel", LogChannel, "{type: log}"),
    "stream": Kind("channel", StreamChannel, "{type: stream}"),
    "webhook": Kind("channel", WebhookChannel, "{type: webhook}"),
    "email": Kind("channel", EmailChannel, "{type: email}", {"to": ["desk@example.org"]}),
}
_RULE = Kind(
    "rule",
    RuleEntry,
    "{topics: [harbour-strikes], channels: [log]}",
    {"topics": ["*"], "channels": ["none"]},
)


def read_alerts(
    path: Path,
    check_query: Callable[[str], Sequence[str]],
    environ: Mapping[str, str],
    problems: list[Problem],
) -> tuple[dict[str, Any], tuple[AlertRule, ...]]:
    """Return the channels by name, and the rules. `${NAME}` is taken from the environment.

    A topic that is not declared may be one that somebody makes at run time: see `unmade_topics`.
    """
    content = read_sections(path, _SECTIONS, problems)
    channels, declared = {}, set()
    for named in named_in(content, path, "channels", "channel", problems):
        declared.add(named.name)
        channel = _channel(named, environ, problems)
        if channel is not None:
            channels[named.name] = channel
    rules = []
    for rule in read_entries(content, path, "rules", _RULE, problems):
        entry = rule.content
        told = [] if "query" in rule.wrong or not entry.query else check_query(entry.query)
        problems.extend(Problem(rule.place, f"query: {wrong}") for wrong in told)
        if "channels" not in rule.wrong:
            strangers = _undeclared(entry.channels, declared)
            problems.extend(Problem(rule.place, wrong) for wrong in strangers)
        rules.append(
            AlertRule(
                id=rule.name,
                name=entry.name or rule.name,
                topics=entry.topics,
                channels=entry.channels,
                query=entry.query,
            )
        )
    return channels, tuple(rules)


def unmade_topics(
    rules: Iterable[AlertRule], topics: Collection[str], *, all_known: bool = True
) -> list[str]:
    """Return a sentence for each topic that a rule names and that is not among `topics`: all that
    there are, or only the declared ones."""
    what = "there is no topic" if all_known else "no file declares the topic"
    found = []
    for rule in rules:
        for topic in sorted(set(rule.topics) - set(topics) - {"*"}):
            hint = nearest(topic, topics) or "it alerts once somebody makes that topic"
            found.append(f"rule '{rule.id}' in alerts.yaml: {what} '{topic}'; {hint}")
    return found


def _channel(named: Named, environ: Mapping[str, str], problems: list[Problem]) -> Any:
    """Return a channel as far as it can be understood, None where nothing of it can."""
    if not isinstance(named.value, dict):
        read_entry(named, _CHANNELS["log"], problems)
        return None
    values, unset = {}, set()
    for key, value in named.value.items():
        faults: list[str] = []
        values[key] = expand(value, environ, faults)
        problems.extend(Problem(named.place, fault) for fault in faults)
        unset |= {key} if faults else set()
    given = values.get("type")
    kind = _CHANNELS.get(given) if isinstance(given, str) else None
    if kind is None:
        known = ", ".join(_CHANNELS)
        hint = f"; {near}" if (near := nearest(str(given), _CHANNELS)) else ""
        wrong = f"must be one of {known}, got {given}{hint}"
        missing = f"is missing: add one of {known}"
        problems.append(Problem(named.place, f"type {missing if given is None else wrong}"))
        return None
    entry = read_entry(Named(named.name, named.place, values), kind, problems, unset)
    return entry.content if entry else None


def _undeclared(channels: Iterable[str], declared: Collection[str]) -> Iterator[str]:
    for channel in sorted(set(channels) - set(declared)):
        known = ", ".join(sorted(declared)) or "none"
        cure = nearest(channel, declared) or f"declared are {known}"
        yield f"channel '{channel}' is not declared; {cure}"
