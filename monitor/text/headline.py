"""Headlines without the name of the outlet that many put before or behind them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from monitor.text.words import words

MIN_WORDS = 3
"""Words that a headline keeps at least."""
MIN_CHARACTERS = 15
"""Characters that it keeps at least; a sign of a script without spaces counts as two."""
_MAX_CUTS = 3

_WIDE = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# A dash needs space on both sides, or it belongs to a word; a bar never does.
_CUT = re.compile(r"\s+(?:-{1,2}|[–—―:])\s+|\s*[|｜·•»«]\s*|\s*_(?=[^\x00-\x7f])|(?<!\s):\s+")
_SIGN = re.compile(r"[-–—―－:|｜·•»«_]")
_TIGHT = re.compile(r"(?<=[^\x00-\x7f])[-–—－](?=[^\x00-\x7f])")
_ENDINGS = re.compile(r"\.(?:com?|org|net|info|news|[a-z]{2})(?:\.[a-z]{2})?$", re.IGNORECASE)
_SECOND_LEVELS = frozenset(("co", "com", "org", "net", "gov", "ac", "edu", "or", "ne", "go"))


def without_outlet(title: str, outlet_names: Iterable[str]) -> str:
    """Return a headline without an outlet's name at its end or start.

    The name must be all that stands behind the last or before the first of - – — | : · and their
    like. "Name: …" is left alone where the name is one word, which may be the subject ("Google: we
    comply"). What remains has at least 3 words and 15 characters, else nothing is cut.
    """
    names = _spellings(tuple(outlet_names))
    if not names:
        return title
    for _ in range(_MAX_CUTS):
        shorter = _without_end(title, names) or _without_start(title, names)
        if not shorter:
            break
        title = shorter
    return title


def host_label(url: str) -> str:
    """Return what an address calls its outlet: "gazette" of https://www.gazette.co.uk/a."""
    try:
        labels = (urlsplit(url).hostname or "").split(".")
    except ValueError:
        return ""
    if len(labels) < 2 or labels[-1].isdigit():
        return ""
    short = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS
    return labels[-3 if short else -2]


@lru_cache(maxsize=256)  # a document's items have the same outlets
def _spellings(names: tuple[str, ...]) -> frozenset[str]:
    """Return the names without spaces and case, also without an article and an ending.

    Of "Gazette | World news" the first part is a name of its own, "World news" is none.
    """
    found: set[str] = set()
    for name in names:
        for part in (name, _CUT.split(name.strip(), maxsplit=1)[0]):
            found |= {_compact(part), _compact(_ENDINGS.sub("", part.strip()))}
    return frozenset(name for name in found if len(name) > 1)


def _compact(name: str) -> str:
    parts = words(name)
    return "".join(parts[1:] if len(parts) > 1 and parts[0] == "the" else parts)


def _is_name(text: str, names: frozenset[str]) -> bool:
    return len(text) <= 100 and not names.isdisjoint(
        (_compact(text), _compact(_ENDINGS.sub("", text.strip())))
    )


def _without_end(title: str, names: frozenset[str]) -> str:
    for sign in reversed(_signs(title)):
        end = title[sign.end() :]
        if len(end) > 100:
            break
        # "Talks: Reuters" may be about Reuters, "Talks : Reuters" is not.
        if _is_name(end, names) and not _is_plain_colon(sign):
            return _enough(title[: sign.start()])
    return ""


def _without_start(title: str, names: frozenset[str]) -> str:
    for sign in _signs(title):
        start = title[: sign.start()]
        if len(start) > 100:
            break
        if _is_name(start, names):
            if _is_plain_colon(sign) and len(words(start)) < 2:
                return ""
            return _enough(title[sign.end() :])
    return ""


def _signs(title: str) -> list[re.Match[str]]:
    if not _SIGN.search(title):  # most have none, and this is a tenth of the search for a cut
        return []
    found = [*_CUT.finditer(title), *_TIGHT.finditer(title)]
    return sorted(found, key=lambda sign: sign.start())


def _is_plain_colon(sign: re.Match[str]) -> bool:
    return sign[0].startswith(":")


def _enough(rest: str) -> str:
    rest = rest.strip()
    size = len(rest) + len(_WIDE.findall(rest))
    return rest if size >= MIN_CHARACTERS and len(words(rest)) >= MIN_WORDS else ""
