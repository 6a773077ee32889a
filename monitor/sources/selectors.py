"""CSS selectors as XPath: the part of Selectors Level 3 that picks links on a page.

Types, `*`, `#id`, `.class`, `[name]` with `=`, `^=`, `$=`, `*=`, `~=` and `|=`, `:first-child`,
`:last-child`, `:not(…)` of one simple selector, the four combinators, and commas.
"""

from __future__ import annotations

import re

from monitor.errors import Rejected

MAX_SELECTOR = 500
"""Characters of a selector."""

_NAME = r"-?[A-Za-z_\u00a0-\uffff][\w\u00a0-\uffff-]*"
_SIMPLE = re.compile(
    rf"(?P<type>{_NAME}|\*)|#(?P<id>[\w\u00a0-\uffff-]+)|\.(?P<cls>{_NAME})"
    rf"|\[\s*(?P<attr>{_NAME})\s*(?:(?P<how>[~|^$*]?=)\s*"
    r"(?:\"(?P<dq>[^\"]*)\"|'(?P<sq>[^']*)'|(?P<bare>[^\s\]\"']+))\s*)?\]"
    r"|:(?P<pseudo>first-child|last-child)|:not\((?P<no>[^()]+)\)"
)
_COMBINATOR = re.compile(r"\s*([>+~])\s*|\s+")
_AXES = {
    "": "//",
    ">": "/",
    "+": "/following-sibling::*[1]/self::",
    "~": "/following-sibling::",
}


def xpath_of(selector: str) -> str:
    """Return the XPath of a CSS selector. Raises Rejected where it is none that is known."""
    if len(selector) > MAX_SELECTOR:
        raise Rejected(f"links: a selector of more than {MAX_SELECTOR} characters")
    parts = [part.strip() for part in _split(selector)]
    if not all(parts):
        raise Rejected(f"links: {selector!r} is no CSS selector: something is missing at a comma")
    return " | ".join(_path(part, selector) for part in parts)


def _split(selector: str) -> list[str]:
    """Return the selectors between commas that are in no brackets or quotes."""
    return re.split(r",(?=(?:[^\"'\[\]()]|\"[^\"]*\"|'[^']*'|\[[^\]]*\]|\([^)]*\))*$)", selector)


def _path(text: str, selector: str) -> str:
    path, position, combinator = "", 0, ""
    while True:
        step, position = _step(text, position, selector)
        path += _AXES[combinator] + step
        if position == len(text):
            return path
        match = _COMBINATOR.match(text, position)
        if match is None:
            raise _refused(selector, text[position:])
        combinator, position = match[1] or "", match.end()


def _step(text: str, position: int, selector: str) -> tuple[str, int]:
    """Return the XPath of one compound selector, and where the next one begins."""
    start, name, conditions = position, "*", []
    while match := _SIMPLE.match(text, position):
        if match["type"]:
            if position > start:
                break
            name = match["type"].lower()
        else:
            conditions.append(_condition(match, selector))
        position = match.end()
    if position == start:
        raise _refused(selector, text[position:])
    return name + "".join(f"[{condition}]" for condition in conditions), position


def _condition(match: re.Match[str], selector: str) -> str:
    if match["pseudo"]:
        side = "preceding" if match["pseudo"] == "first-child" else "following"
        return f"not({side}-sibling::*)"
    if match["no"]:
        step, end = _step(match["no"].strip(), 0, selector)
        if end < len(match["no"].strip()):
            raise _refused(selector, match["no"])
        return f"not(self::{step})"
    if match["id"]:
        return f"@id={_quoted(match['id'])}"
    if match["cls"]:
        return _has_word("class", match["cls"])
    name = match["attr"].lower()
    value = next((match[key] for key in ("dq", "sq", "bare") if match[key] is not None), "")
    return _attribute(name, match["how"], value)


def _attribute(name: str, how: str | None, value: str) -> str:
    if how is None:
        return f"@{name}"
    quoted = _quoted(value)
    if how == "=":
        return f"@{name}={quoted}"
    if not value:
        return "false()"
    if how == "~=":
        return _has_word(name, value)
    if how == "|=":
        return f"@{name}={quoted} or starts-with(@{name}, {_quoted(value + '-')})"
    if how == "^=":
        return f"starts-with(@{name}, {quoted})"
    if how == "*=":
        return f"contains(@{name}, {quoted})"
    return f"substring(@{name}, string-length(@{name}) - {len(value) - 1})={quoted}"


def _has_word(name: str, word: str) -> str:
    return f"contains(concat(' ', normalize-space(@{name}), ' '), {_quoted(f' {word} ')})"


def _quoted(text: str) -> str:
    """Return a text as XPath writes it, which has no escapes."""
    if "'" not in text:
        return f"'{text}'"
    if '"' not in text:
        return f'"{text}"'
    parts = ', "\'", '.join(f"'{part}'" for part in text.split("'"))
    return f"concat({parts})"


def _refused(selector: str, rest: str) -> Rejected:
    return Rejected(
        f"links: {selector!r} is no CSS selector that is known here, from {rest[:40]!r} on: use "
        "names, #ids, .classes, [attributes], :not(), spaces, >, + and ~"
    )
