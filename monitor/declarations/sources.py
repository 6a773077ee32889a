"""What a source must be, whoever makes it: the operator's file, the API or a command."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator

from monitor.declarations.entries import NAME, NAME_RULE, Declaration, named_in, read_sections
from monitor.declarations.wording import judged, nearest
from monitor.errors import Problem
from monitor.model import FullText, Owner, Source
from monitor.model.sources import DAY

LocationKind = Literal["url", "path"]
Check = Callable[[str], str | None]
LEAST_INTERVAL = 60
NO_LIMIT = "none"
AUTO = "auto"

_MEANT = {
    **dict.fromkeys(("rss", "atom", "rdf", "xml"), "feed"),
    **dict.fromkeys(("imap", "email", "newsletter"), "mail"),
    **{"html": "page", "web": "site", "file": "text"},
}
"""What people call types of sources."""

_DURATION = re.compile(r"(\d{1,9})\s*([smhd]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": DAY}
_ADDRESS = re.compile(r"https?://[^\s/?#@\\]+([/?][^\s\\]*)?")
_MAILBOX = re.compile(r"imaps?://[^\s/?#:\\]+@[^\s/?#@\\]+(/[^\s\\]*)?")
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")


def no_mistake(_: str) -> str | None:
    """Find nothing wrong."""
    return None


@dataclass(frozen=True, slots=True)
class SourceRules:
    """What a source is held against. `types` says how each type is found; the checks return what
    is wrong with a schedule in cron's words and with a CSS selector, None where nothing is."""

    types: Mapping[str, LocationKind] = field(default_factory=dict)
    check_cron: Check = no_mistake
    check_links: Check = no_mistake


def parse_duration(value: object) -> object:
    """Return seconds for `900`, `15m`, `1h` or `1d`; raises ValueError for anything else."""
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if not match:
            raise ValueError("must be seconds or like 90s, 15m, 6h, 1d")
        value = int(match[1]) * _UNITS[match[2]]
    return value


def _parse_interval(value: object) -> object:
    value = parse_duration(value)
    if isinstance(value, int | float) and value < LEAST_INTERVAL:
        raise ValueError(f"must be at least {LEAST_INTERVAL} s")
    return value


def _parse_backlog(value: object) -> object:
    if value == NO_LIMIT:
        return None
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(f"{error}; or {NO_LIMIT}") from error


Line = Annotated[str, Field(max_length=1000)]
Interval = Annotated[int, BeforeValidator(_parse_interval), Field(le=366 * DAY)]
Backlog = Annotated[
    Annotated[int, Field(ge=0, le=36_600 * DAY)] | None, BeforeValidator(_parse_backlog)
]


class SourceEntry(Declaration):
    """The keys of a source. A key without a value has its default."""

    type: str = AUTO
    url: Annotated[str, Field(max_length=2048)] = ""
    path: Line = ""
    title: Line = ""
    interval: Interval | None = None
    cron: Line = ""
    full_text: FullText = FullText.AUTO
    backlog: Backlog = DAY
    links: Line = ""
    user_agent: Annotated[str, Field(max_length=300)] = ""
    password: Line = ""
    enabled: bool = True

    @field_validator("type", "url", "path", "title", "cron", "links")
    @classmethod
    def _printable(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("must be one line without control characters")
        return value.strip()

    @field_validator("user_agent")
    @classmethod
    def _fits_a_header(cls, value: str) -> str:
        if not (value.isascii() and value.isprintable()):
            raise ValueError("must be one line of ASCII: it is sent in a header")
        return value.strip()

    @field_validator("password")
    @classmethod
    def _names_the_environment(cls, value: str) -> str:
        if value and not _REFERENCE.fullmatch(value):
            raise ValueError("must not stand here: write ${NEWSLETTER_PASSWORD} and export that")
        return value


def check_source(
    name: str,
    values: object,
    rules: SourceRules,
    *,
    owner: Owner = Owner.USER,
    folder: Path | None = None,
) -> tuple[Source | None, tuple[str, ...]]:
    """Return the source of these keys, or None with every mistake as a sentence.

    A `path` is relative to `folder`, the operator's. Without one it is refused, as mail is: nobody
    else can have files of this machine read, or its environment sent to a server of their own.
    """
    entry, faults = _judged(name, values, rules, folder)
    if entry is None or faults:
        return None, tuple(faults)
    return _source(name, entry, rules, owner, folder), ()


def _source(
    name: str, entry: SourceEntry, rules: SourceRules, owner: Owner, folder: Path | None
) -> Source:
    path = rules.types[entry.type] == "path"
    return Source(
        name=name,
        type=entry.type,
        location=_location(entry, rules, folder),
        title=entry.title or name,
        interval=entry.interval,
        cron=entry.cron,
        full_text=entry.full_text,
        backlog=None if path and "backlog" not in entry.model_fields_set else entry.backlog,
        links=entry.links,
        user_agent=entry.user_agent,
        password=entry.password,
        enabled=entry.enabled,
        owner=owner,
    )


def _judged(
    name: str, values: object, rules: SourceRules, folder: Path | None
) -> tuple[SourceEntry | None, list[str]]:
    """Return a source's keys as far as they can be understood, and every mistake."""
    faults = [] if NAME.fullmatch(name) else [NAME_RULE]
    if not isinstance(values, Mapping):
        example = "{url: 'https://example.org/news.xml'}"
        return None, [*faults, f"must have keys with values, such as {example}"]
    given = {str(key): value for key, value in values.items() if value is not None}
    entry, found, wrong = judged(SourceEntry, given, {})
    faults += map(str, found)
    if entry is not None:
        if not wrong & {"type", "url", "path"}:
            faults += _location_faults(entry, rules, folder)
        faults += _value_faults(entry, rules)
        if "type" not in wrong and entry.type in rules.types:
            faults += _faults_of_type(entry, wrong)
    return entry, faults


def _location(entry: SourceEntry, rules: SourceRules, folder: Path | None) -> str:
    path = rules.types.get(entry.type) == "path"
    return str(folder / entry.path) if path and folder else entry.url


def values_of(source: Source, rules: SourceRules) -> dict[str, Any]:
    """Return the keys that make this source: `check_source` takes them, defaults are left out."""
    path = rules.types.get(source.type, "url") == "path"
    values: dict[str, Any] = {"type": source.type, "path" if path else "url": source.location}
    if source.title not in ("", source.name):
        values["title"] = source.title
    if source.backlog != (None if path else DAY):
        values["backlog"] = NO_LIMIT if source.backlog is None else source.backlog
    plain = SourceEntry()
    for key in ("interval", "cron", "full_text", "links", "user_agent", "password", "enabled"):
        value = getattr(source, key)
        if value != getattr(plain, key):
            values[key] = str(value) if isinstance(value, FullText) else value
    return values


def read_sources(path: Path, rules: SourceRules, problems: list[Problem]) -> tuple[Source, ...]:
    """Return the declared sources; a `path` is taken relative to the file's folder."""
    content = read_sections(path, ("sources",), problems)
    sources = []
    seen: dict[str, str] = {}
    for named in named_in(content, path, "sources", "source", problems):
        entry, faults = _judged(named.name, named.value, rules, path.parent)
        location = _location(entry, rules, path.parent) if entry else ""
        first = seen.setdefault(location, named.name) if location else named.name
        if first != named.name:
            kind = "path" if entry and entry.path else "url"
            faults.append(f"has the same {kind} as '{first}': drop one of them")
        problems.extend(Problem(named.place, fault) for fault in faults)
        if entry and not faults:
            sources.append(_source(named.name, entry, rules, Owner.CONFIG, path.parent))
    return tuple(sources)


def _location_faults(entry: SourceEntry, rules: SourceRules, folder: Path | None) -> list[str]:
    kind = rules.types.get(entry.type)
    if kind is None:
        known = ", ".join(sorted(rules.types))
        meant = _MEANT.get(entry.type.lower(), "")
        hint = (
            f"did you mean {meant}?" if meant in rules.types else nearest(entry.type, rules.types)
        )
        return [f"type '{entry.type}' is unknown; {hint or f'known are {known}'}"]
    if kind == "path":
        if folder is None:
            return [f"type '{entry.type}' reads files: it can only be declared in sources.yaml"]
        return [] if entry.path and not entry.url else [_needs(entry.type, kind)]
    if entry.type == "mail" and folder is None:
        return ["type 'mail' takes a password of the service's: declare it in sources.yaml"]
    if not entry.url or entry.path:
        return [_needs(entry.type, kind)]
    return _url_faults(entry.type, entry.url)


def _needs(name: str, kind: LocationKind) -> str:
    return f"type '{name}' needs a {kind}, and nothing else"


def _url_faults(kind: str, url: str) -> list[str]:
    """Return what is wrong with an address; it is not shown where a password may be in it."""
    if kind == "mail":
        if not _MAILBOX.fullmatch(url) or not _readable(url):
            return ["url must be like imaps://USER@HOST/FOLDER, without the password"]
    elif not _ADDRESS.fullmatch(url) or not _readable(url):
        given = "" if "@" in url else f", got {url[:200]}"
        return [f"url must be http:// or https:// with a host, without user or password{given}"]
    return []


def _readable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _value_faults(entry: SourceEntry, rules: SourceRules) -> list[str]:
    faults = []
    if entry.interval is not None and entry.cron:
        faults.append("has an interval and a cron: drop one of them")
    wrong = rules.check_cron(entry.cron) if entry.cron else None
    if wrong:
        faults.append(f"cron: {wrong}")
    wrong = rules.check_links(entry.links) if entry.links else None
    if wrong:
        faults.append(f"links: {wrong}")
    return faults


def _faults_of_type(entry: SourceEntry, wrong: Set[str]) -> list[str]:
    """Return what does not belong to the type; nothing is said of a key that is wrong itself."""
    faults = []
    if entry.links and entry.type != "page":
        faults.append("links is for type 'page' alone: drop it")
    if entry.password and entry.type != "mail":
        faults.append("password is for type 'mail' alone: drop it")
    if entry.type == "mail" and not entry.password and "password" not in wrong:
        faults.append("type 'mail' needs a password: name it like ${NEWSLETTER_PASSWORD}")
    return faults
