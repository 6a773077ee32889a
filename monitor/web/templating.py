"""Jinja2, set up so that no text can become markup, and the addresses of the static files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from monitor import PROJECT_PAGE
from monitor.decide import rhythm_of
from monitor.model import SourceState
from monitor.protocols import Clock
from monitor.topics.stems import LANGUAGES
from monitor.web import words

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
_NAME_RULE = (
    "Small letters, digits, dots, dashes and underscores; the first is a letter or a digit."
)
"""What a browser says of a name that it refuses."""


def environment(clock: Clock) -> Environment:
    """Return the templates' environment; every value is escaped, whatever a file is called."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = ("stamp", "published", "day", "iso", "link", "site", "every", "duration", "called")
    states = ("source_state", "source_tone", "delivery_state", "delivery_tone")
    made.filters |= {name: getattr(words, name) for name in names + states}
    made.filters["ago"] = lambda when: words.ago(when, clock.now())
    for name in ("source_words", "pace_words"):
        made.filters[name] = partial(_now, getattr(words, name), clock)
    made.filters["rhythm"] = lambda state: rhythm_of(state.memory, clock.now())
    made.filters["chosen_type"] = words.chosen_type
    made.globals |= {
        "asset": _asset,
        "address": address,
        "query_language": f"{PROJECT_PAGE}/blob/HEAD/docs/query-language.md",
        "stemmers": _stemmers(),
        "name_pattern": r"[a-z0-9][a-z0-9._\-]*",  # of browsers, where a dash needs the stroke
        "name_rule": _NAME_RULE,
    }
    return made


def _now(word: Callable[[SourceState, datetime], str], clock: Clock, state: SourceState) -> str:
    return word(state, clock.now())


def _stemmers() -> dict[str, str]:
    """Return the languages in which words are reduced to their stems, by tag, sorted by name."""
    by_name = sorted(LANGUAGES.items(), key=itemgetter(1))
    return {tag: name.capitalize() for tag, name in by_name}


def address(path: str, parameters: Mapping[str, Any] | None = None, **more: Any) -> str:
    """Return a path with those parameters that have a value."""
    given = {key: value for key, value in {**(parameters or {}), **more}.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


_versions: dict[str, str] = {}


def _asset(name: str) -> str:
    """Return the address of a static file; it changes with the content, so caches may keep it."""
    if name not in _versions:
        digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
        _versions[name] = f"/static/{name}?v={digest[:12]}"
    return _versions[name]
