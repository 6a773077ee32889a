"""Settings of the service, and what each of them must be.

`monitor/config.py` reads them from the environment and `monitor.yaml`. What the operator declares
(sources, topics, alerts) is read by `monitor/declarations/`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

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


class Settings(BaseModel):
    """One instance per process. The environment wins over `monitor.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    config_dir: Path = Field(Path("config"), description="Folder of the four YAML files.")
    data_dir: Path = Field(Path("data"), description="Folder of the embedded databases.")
    broker_url: str = Field(
        "", description="`sqlite:///FILE` or `kafka://HOST:PORT,…`; empty: `stream.db` in data_dir."
    )
    database_url: str = Field(
        "",
        description="`sqlite:///FILE` or `postgresql+asyncpg://…`; empty: `monitor.db`"
        " in data_dir.",
    )
    roles: tuple[Role, ...] = Field(
        tuple(Role), description="What this process does, separated by commas."
    )
    host: str = Field("127.0.0.1", description="Address of the page, API, health and metrics.")
    port: int = Field(8000, ge=0, le=65535, description="Its port; 0 takes a free one.")
    allowed_hosts: tuple[str, ...] = Field(
        (),
        description="Names by which browsers reach this service, like `news.example.org` of a"
        " reverse proxy, separated by commas.",
    )
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
    private_networks: tuple[str, ...] = Field(
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

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        names = value.replace(",", " ").split() if isinstance(value, str) else value
        if not isinstance(names, list | tuple) or not all(
            isinstance(name, str) and re.fullmatch(r"(?!-)[A-Za-z0-9_.-]+", name) for name in names
        ):
            raise ValueError("must be names like news.example.org, without https:// and port")
        return names

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
        return _scheme(value, ("sqlite", "sqlite+aiosqlite", "postgresql+asyncpg"))

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
        return self.database_url or f"sqlite:///{self.data_dir / 'monitor.db'}"

    @property
    def database_file(self) -> Path | None:
        """The file of an embedded database; None of a server, or of one in memory."""
        scheme, _, place = self.database.partition("://")
        name = unquote(place.partition("?")[0].removeprefix("/"))
        embedded = scheme.partition("+")[0] == "sqlite" and name not in ("", ":memory:")
        return Path(name) if embedded else None


def _scheme(value: str, known: tuple[str, ...]) -> str:
    scheme = value.partition("://")[0]
    if value and scheme not in known:
        raise ValueError(f"must start with {' or '.join(f'{name}://' for name in known)}")
    return value
