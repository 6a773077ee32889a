"""Settings of the service, from the environment and `config/*.yaml`, checked as a whole.

`load` reports every problem at once, each with its file, its key and the cure, before anything
starts. What the operator declares (sources, topics, alerts) is read by `monitor/declarations/`.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from monitor.declarations import (
    ChannelConfig,
    EmailChannel,
    SourceRules,
    read_alerts,
    read_sources,
    read_topics,
    sentence,
)
from monitor.errors import ConfigError, Problem
from monitor.model import AlertRule, Source, Topic
from monitor.yamlfile import read_yaml

PREFIX = "MONITOR_"


class Role(StrEnum):
    """What a process does; `monitor run` does all of it by default."""

    SCHEDULER = "scheduler"
    DEDUPE = "dedupe"
    TAG = "tag"
    STORE = "store"
    ALERT = "alert"
    NOTIFY = "notify"
    API = "api"


class Settings(BaseSettings):
    """One instance per process. The environment wins over `monitor.yaml`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)
    yaml: ClassVar[dict[str, Any]] = {}

    config_dir: Path = Field(Path("config"), description="Folder of the four YAML files.")
    data_dir: Path = Field(Path("data"), description="Folder of the embedded databases.")
    broker_url: str = Field(
        "", description="`sqlite:///FILE` or `kafka://HOST:PORT,…`; empty: `stream.db` in data_dir."
    )
    database_url: str = Field(
        "",
        description="`sqlite+aiosqlite:///FILE` or `postgresql+asyncpg://…`; empty: `monitor.db`"
        " in data_dir.",
    )
    roles: Annotated[tuple[Role, ...], NoDecode] = Field(
        tuple(Role), description="What this process does, separated by commas."
    )
    host: str = Field("127.0.0.1", description="Address of the page, API, health and metrics.")
    port: int = Field(8000, ge=0, le=65535, description="Its port; 0 takes a free one.")
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="`auto` is text on a terminal, else JSON lines."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity that is logged."
    )
    contact: str = Field(
        "",
        description="Mail or URL of the operator, sent to publishers in the User-Agent; server"
        " mode needs one.",
    )
    private_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Networks of your own that may be asked though they are private, like"
        " `10.1.0.0/16`, separated by commas.",
    )
    public_url: str = Field(
        "", description="Where hubs reach this service (WebSub), like `https://news.example.org`."
    )
    batch_size: int = Field(
        200, ge=1, le=5000, description="Most records that a consumer takes at once."
    )
    polls_in_flight: int = Field(20, ge=1, le=500, description="Most polls at the same time.")
    fetch_deadline: float = Field(
        30, ge=1, le=300, description="Seconds that one fetch may take in all."
    )
    feed_max_bytes: int = Field(
        10_000_000, ge=10_000, description="Largest decoded body of a feed, bytes."
    )
    parser_workers: int = Field(2, ge=1, le=64, description="Processes that parse.")
    parse_deadline: float = Field(
        10, ge=1, le=120, description="Seconds after which a parser is killed."
    )
    smtp_url: SecretStr = Field(
        SecretStr(""), description="`smtp://USER:PASSWORD@HOST:587` for email channels."
    )
    smtp_sender: str = Field("", description="The From address of alert mails.")

    @field_validator("roles", mode="before")
    @classmethod
    def _split_roles(cls, value: object) -> object:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("private_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        names = value.replace(",", " ").split() if isinstance(value, str) else value
        if not isinstance(names, list | tuple):
            raise ValueError("must be networks like 10.1.0.0/16, separated by commas")
        try:
            return tuple(str(ip_network(str(name))) for name in names)
        except ValueError as error:
            raise ValueError(f"must be networks like 10.1.0.0/16: {error}") from error

    @field_validator("contact")
    @classmethod
    def _reachable(cls, value: str) -> str:
        if value and not re.fullmatch(r"[!-~]+@[!-~]+|https?://[!-~]+", value):
            raise ValueError("must be a mail address or a URL, like desk@example.org")
        return value

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s?#]*)?", value):
            raise ValueError("must be like https://news.example.org")
        return value.rstrip("/")

    @field_validator("broker_url")
    @classmethod
    def _known_broker(cls, value: str) -> str:
        if value.startswith("kafka://") and not re.fullmatch(r"kafka://[^/\s]+:\d+/?", value):
            raise ValueError("must name servers with ports, like kafka://host1:9092,host2:9092")
        return _scheme(value, ("sqlite", "kafka"))

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        return _scheme(value, ("sqlite+aiosqlite", "postgresql+asyncpg"))

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if text and not re.fullmatch(r"(smtp|smtps|smtp\+starttls)://[^/\s]+/?", text):
            raise ValueError("must be like smtp://USER:PASSWORD@HOST, smtps:// or smtp+starttls://")
        return value

    @field_validator("smtp_sender")
    @classmethod
    def _sender(cls, value: str) -> str:
        if value and not re.fullmatch(r"[^@\s]+@[^@\s]+|[^<>]*<[^@\s]+@[^@\s]+>", value):
            raise ValueError("must be like alerts@example.org or Name <alerts@example.org>")
        return value

    @property
    def broker(self) -> str:
        """The broker's URL, never empty."""
        return self.broker_url or f"sqlite:///{self.data_dir / 'stream.db'}"

    @property
    def database(self) -> str:
        """The database's URL, never empty."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'monitor.db'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """All input arrives through `init`: `load` merges it, so that it can name the place."""
        return (init_settings,)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that the operator decided. `warnings` are sentences, none of them fatal."""

    settings: Settings
    sources: tuple[Source, ...]
    topics: tuple[Topic, ...]
    channels: Mapping[str, ChannelConfig]
    rules: tuple[AlertRule, ...]
    warnings: tuple[str, ...] = ()
    source_rules: SourceRules = field(default_factory=SourceRules)


def load(
    source_rules: SourceRules,
    check_query: Callable[[str], str | None],
    environ: Mapping[str, str] = os.environ,
    **overrides: Any,
) -> Config:
    """Read and check the whole configuration.

    `source_rules` say what a source must be; `check_query` returns what is wrong with a topic's
    query; `overrides` are settings given on the command line.
    Raises ConfigError with every problem.
    """
    problems: list[Problem] = []
    given = _from_environment(environ, problems)
    folder = Path(str(overrides.get("config_dir") or given.get("config_dir") or "config"))
    if not folder.is_dir():
        cure = f"name the folder of sources.yaml in {PREFIX}CONFIG_DIR"
        raise ConfigError([*problems, Problem(str(folder), f"the folder does not exist: {cure}")])
    settings = _read_settings(folder, {**given, **overrides}, given, problems)
    sources = read_sources(folder / "sources.yaml", source_rules, problems)
    topics = read_topics(folder / "topics.yaml", check_query, problems)
    known = {topic.id for topic in topics}
    channels, rules = read_alerts(folder / "alerts.yaml", known, environ, problems)
    if settings:
        _check_mail(folder, settings, channels, problems)
        _check_contact(settings, problems)
    if problems or settings is None:
        raise ConfigError(problems)
    return Config(
        settings, sources, topics, channels, rules, tuple(_warnings(environ)), source_rules
    )


def _read_settings(
    folder: Path, values: Mapping[str, Any], environment: Mapping[str, str], problems: list[Problem]
) -> Settings | None:
    path = folder / "monitor.yaml"
    declared = read_yaml(path, problems) if path.exists() else {}
    declared.pop("config_dir", None)
    merged = {"config_dir": folder, **declared, **values}
    try:
        return Settings(**merged)
    except ValidationError as error:
        for detail in error.errors():
            key = str(detail["loc"][0])
            variable = f"{PREFIX}{key.upper()}"
            place = variable if key in environment else f"{key} in {path}"
            problems.append(Problem(place, sentence(detail, known=Settings.model_fields)))
        return None


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


def _check_contact(settings: Settings, problems: list[Problem]) -> None:
    """A service that runs for others tells publishers whom to write to."""
    if settings.broker.startswith("kafka://") and not settings.contact:
        cure = "set it to your mail address or a page about you; publishers see it"
        problems.append(Problem(f"{PREFIX}CONTACT", f"server mode needs a contact: {cure}"))


def _check_mail(
    folder: Path,
    settings: Settings,
    channels: Mapping[str, ChannelConfig],
    problems: list[Problem],
) -> None:
    for name, channel in channels.items():
        if not isinstance(channel, EmailChannel):
            continue
        place = f"channel '{name}' in {folder / 'alerts.yaml'}"
        if not settings.smtp_url.get_secret_value():
            problems.append(Problem(place, f"mail needs a server: set {PREFIX}SMTP_URL"))
        if not settings.smtp_sender:
            problems.append(Problem(place, f"mail needs a From address: set {PREFIX}SMTP_SENDER"))


def _warnings(environ: Mapping[str, str]) -> list[str]:
    names = {f"{PREFIX}{key.upper()}" for key in Settings.model_fields}
    known = names | {f"{name}_FILE" for name in names}
    found = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known and not name.startswith("MONITOR_TEST_"):
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            found.append(f"{name} is set, but no setting has that name{hint}")
    return found


def _scheme(value: str, known: tuple[str, ...]) -> str:
    scheme = value.partition("://")[0]
    if value and scheme not in known:
        raise ValueError(f"must start with {' or '.join(f'{name}://' for name in known)}")
    return value
