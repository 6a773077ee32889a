"""The whole configuration, from the environment and `config/*.yaml`, checked as one.

`load` reports every problem at once, each with its file, its key and the cure. What the operator
declares (sources, topics, alerts) is read by `monitor/declarations/`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from monitor.declarations import (
    ChannelConfig,
    EmailChannel,
    SourceRules,
    TopicsCheck,
    judged,
    nearest,
    read_alerts,
    read_sources,
    read_topics,
)
from monitor.errors import ConfigError, Problem
from monitor.model import AlertRule, Source, Topic, WordList
from monitor.settings import PREFIX, Settings
from monitor.yamlfile import read_yaml

_NOBODYS = " "
"""The id of a query that is no topic's: nothing that is declared can have it."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that the operator decided. `warnings` are sentences, none of them fatal."""

    settings: Settings
    sources: tuple[Source, ...]
    topics: tuple[Topic, ...]
    lists: tuple[WordList, ...]
    channels: Mapping[str, ChannelConfig]
    rules: tuple[AlertRule, ...]
    warnings: tuple[str, ...] = ()
    source_rules: SourceRules = field(default_factory=SourceRules)


def load(
    source_rules: SourceRules,
    check_topics: TopicsCheck,
    environ: Mapping[str, str] = os.environ,
    **overrides: Any,
) -> Config:
    """Read and check the whole configuration.

    `source_rules` say what a source must be; `check_topics` returns what is wrong with queries
    and word lists; `overrides` are settings given on the command line.
    Raises ConfigError with every problem.
    """
    problems: list[Problem] = []
    given = _from_environment(environ, problems)
    folder = Path(str(overrides.get("config_dir") or given.get("config_dir") or "config"))
    settings, wrong = _read_settings(folder, given, overrides, problems)
    if settings:
        _check_contact(settings, wrong, problems)
    if not folder.is_dir():
        cure = f"name the folder of sources.yaml in {PREFIX}CONFIG_DIR"
        raise ConfigError([*problems, Problem(str(folder), f"the folder does not exist: {cure}")])
    sources = read_sources(folder / "sources.yaml", source_rules, problems)
    topics, lists = read_topics(folder, check_topics, problems)
    check_query = partial(_query_problems, check_topics, topics, lists)
    channels, rules = read_alerts(folder / "alerts.yaml", check_query, environ, problems)
    if settings:
        _check_mail(folder, settings, channels, wrong, problems)
    if problems or settings is None:
        raise ConfigError(problems)
    return Config(
        settings,
        sources,
        topics,
        lists,
        channels,
        rules,
        tuple(_warnings(environ)),
        source_rules,
    )


def _query_problems(
    check_topics: TopicsCheck, topics: Sequence[Topic], lists: Sequence[WordList], query: str
) -> Sequence[str]:
    """Return what is wrong with a query that belongs to no topic, but may use topics by name."""
    asked = Topic(id=_NOBODYS, name="", query=query)
    return check_topics([*topics, asked], lists).get(_NOBODYS, ())


def _read_settings(
    folder: Path,
    environment: Mapping[str, str],
    options: Mapping[str, Any],
    problems: list[Problem],
) -> tuple[Settings | None, Set[str]]:
    """Return the settings, those that are wrong as they are by default, and which these are."""
    path = folder / "monitor.yaml"
    declared = (read_yaml(path, problems) if path.exists() else None) or {}
    declared.pop("config_dir", None)
    merged = {"config_dir": folder, **declared, **environment, **options}
    settings, faults, wrong = judged(Settings, merged, {})
    for fault in faults:
        place = f"{fault.key} in {path}"
        if fault.key in options:
            place = f"--{fault.key.replace('_', '-')}"
        elif fault.key in environment:
            place = f"{PREFIX}{fault.key.upper()}"
        problems.append(Problem(place, fault.sentence))
    return settings, wrong


def _from_environment(environ: Mapping[str, str], problems: list[Problem]) -> dict[str, str]:
    """Return the settings in the environment; NAME_FILE names a file that holds the value."""
    given = {}
    for key in Settings.model_fields:
        name = f"{PREFIX}{key.upper()}"
        if environ.get(name):  # a container's way to say "unset" is an empty value
            given[key] = environ[name]
        elif path := environ.get(f"{name}_FILE"):
            try:
                given[key] = Path(path).read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                problems.append(Problem(f"{name}_FILE", f"{path} cannot be read: {error}"))
    return given


def _check_contact(settings: Settings, wrong: Set[str], problems: list[Problem]) -> None:
    """A service that runs for others tells publishers whom to write to."""
    if settings.broker.startswith("kafka://") and not settings.contact and "contact" not in wrong:
        cure = "set it to your mail address or a page about you; publishers see it"
        problems.append(Problem(f"{PREFIX}CONTACT", f"server mode needs a contact: {cure}"))


def _check_mail(
    folder: Path,
    settings: Settings,
    channels: Mapping[str, ChannelConfig],
    wrong: Set[str],
    problems: list[Problem],
) -> None:
    for name, channel in channels.items():
        if not isinstance(channel, EmailChannel):
            continue
        place = f"channel '{name}' in {folder / 'alerts.yaml'}"
        if not settings.smtp_url.get_secret_value() and "smtp_url" not in wrong:
            problems.append(Problem(place, f"mail needs a server: set {PREFIX}SMTP_URL"))
        if not settings.smtp_sender and "smtp_sender" not in wrong:
            problems.append(Problem(place, f"mail needs a From address: set {PREFIX}SMTP_SENDER"))


def _warnings(environ: Mapping[str, str]) -> list[str]:
    names = {f"{PREFIX}{key.upper()}" for key in Settings.model_fields}
    known = names | {f"{name}_FILE" for name in names}
    found = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known and not name.startswith("MONITOR_TEST_"):
            hint = f"; {near}" if (near := nearest(name, known)) else ""
            found.append(f"{name} is set, but no setting has that name{hint}")
    return found
