"""What a host's robots.txt allows, after RFC 9309.

The text is untrusted. Of it only what concerns us is parsed: the groups of our own name and of
`*`, the sitemaps, lines of a sane length; so a text that names ten thousand robots costs little.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import urlsplit

from protego import Protego

from monitor.errors import MonitorError, Unavailable
from monitor.model import Document, Robots

MAX_BYTES = 500 * 1024
"""Bytes of the text that are read (RFC 9309, 2.5); what follows them is ignored."""
MAX_ANSWER = 5_000_000
"""Bytes that are taken; one that sends more cannot be had."""
KEPT = timedelta(hours=24)
"""How long an answer may be used (RFC 9309, 2.4)."""
AGAIN = timedelta(hours=1)
"""How long one that cannot be had forbids all: a moment without a network is not to cost a day."""
MAX_DELAY = 60.0
MAX_SITEMAPS = 100
_LONGEST_LINE = 2_048
_US = "us"
_OTHERS = "others"
_LINE = re.compile(r"([a-z][a-z _-]{2,18}?)\s*:\s*(.*)", re.IGNORECASE)
_PRODUCT = re.compile(r"([a-z_-]+)(?:/[0-9]|$)")


def robots_of(answer: Document | MonitorError, now: datetime) -> Robots:
    """Return what an answer to the request for robots.txt means.

    A 4xx, or too many redirects, allows all (RFC 9309, 2.3.1.3); everything else that is no text
    forbids all until it is asked for again (2.3.1.4).
    """
    if isinstance(answer, Document):
        text = answer.body[:MAX_BYTES].decode("utf-8-sig", "replace").replace("\0", "")
        return Robots(body=text, fetched=answer.fetched)
    status = answer.status if isinstance(answer, Unavailable) else 0
    allows = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return Robots(fetched=now, allow_all=allows, deny_all=not allows)


def is_fresh(robots: Robots, now: datetime) -> bool:
    """Return whether an answer may still be used."""
    return now - robots.fetched < (AGAIN if robots.deny_all else KEPT)


def allowed(robots: Robots, url: str, agent: str) -> bool:
    """Return whether we, by our User-Agent, may ask for an address of the host."""
    if robots.allow_all or robots.deny_all:
        return robots.allow_all
    try:
        return _parsed(robots.body, agent).can_fetch(url, _US)
    except ValueError:  # no address at all
        return False


def crawl_delay(robots: Robots, agent: str) -> float:
    """Return the seconds that the host wants between two requests, at most MAX_DELAY; 0 where it
    says nothing."""
    if "delay" not in robots.body.lower():  # nearly always, and reading it costs
        return 0.0
    return min(_parsed(robots.body, agent).crawl_delay(_US) or 0.0, MAX_DELAY)


def sitemaps(robots: Robots) -> tuple[str, ...]:
    """Return the addresses of sitemaps that the host names, at most MAX_SITEMAPS."""
    told = dict.fromkeys(
        value for name, value in _directives(robots.body) if name == "sitemap" and _is_web(value)
    )
    return tuple(told)[:MAX_SITEMAPS]


@lru_cache(maxsize=8)
def _parsed(text: str, agent: str) -> Protego:
    """Return the parsed groups that concern us, under the names `us` and `*`."""
    ours = {name.strip("-_") for name in _PRODUCT.findall(agent.lower())}
    lines = []
    for name, value in _directives(text):
        if name == "user-agent":
            lines.append(f"User-agent: {_group(value, ours)}")
        elif name in ("allow", "disallow", "crawl-delay"):
            lines.append(f"{name}: {value}")
    return Protego.parse("\n".join(_without_others(lines)))


def _group(value: str, ours: set[str]) -> str:
    product = value.lower().partition("/")[0].strip()
    if product in ours:
        return _US
    return "*" if product == "*" else _OTHERS


def _without_others(lines: list[str]) -> Iterator[str]:
    """Yield the lines without the rules of groups that are only for others."""
    names: list[str] = []
    open_group = False
    for line in lines:
        if line.startswith("User-agent: "):
            if not open_group:
                names, open_group = [], True
            if line not in names:
                names.append(line)
                yield line
        else:
            open_group = False
            if any(not name.endswith(_OTHERS) for name in names):
                yield line


def _directives(text: str) -> Iterator[tuple[str, str]]:
    """Yield the lines that say something: the name in lower case, and the value."""
    for line in text.splitlines():
        if len(line) <= _LONGEST_LINE:
            found = _LINE.fullmatch(line.partition("#")[0].strip())
            if found:
                name = "-".join(found[1].lower().replace("_", " ").replace("-", " ").split())
                yield ("user-agent" if name == "useragent" else name), found[2].strip()


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
