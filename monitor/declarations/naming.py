"""Names of sources that come without one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import urlsplit

LONGEST = 60
_SAYS_NOTHING = {"www", "feed", "feeds", "rss", "atom", "news", "blog", "api", "m", "com", "org",
                 "net", "co", "ac", "gov", "edu"}  # fmt: skip
_WORD = re.compile(r"[a-z0-9]+")


class Names:
    """Makes names that nobody has: `theguardian-world-news` of a host and a title."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._counts: dict[str, int] = {}

    def claim(self, name: str) -> bool:
        """Take a name; False where somebody has it."""
        free = name not in self._taken
        self._taken.add(name)
        return free

    def make(self, url: str, title: str = "") -> str:
        """Take a name made of small letters, digits and dashes."""
        stem = _stem(url, title)
        name = stem
        while not self.claim(name):
            self._counts[stem] = self._counts.get(stem, 1) + 1
            name = f"{stem}-{self._counts[stem]}"
        return name


def _stem(url: str, title: str) -> str:
    try:
        labels = (urlsplit(url).hostname or "").split(".")
    except ValueError:
        labels = []
    telling = [label for label in labels[:-1] if label not in _SAYS_NOTHING] or labels
    site = max(("-".join(_WORD.findall(label)) for label in telling), key=len, default="")
    plain = unicodedata.normalize("NFKD", title[:200]).encode("ascii", "ignore").decode().lower()
    words = [site or "source", *(word for word in _WORD.findall(plain) if word not in site)]
    return "-".join(words)[:LONGEST].rstrip("-")
