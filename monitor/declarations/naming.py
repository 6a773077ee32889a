"""Names of sources that come without one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
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
    if _is_address(".".join(labels)):
        telling = ["-".join(labels)]
    site = max(("-".join(_WORD.findall(label)) for label in telling), key=len, default="")
    return "-".join([site or "source", *_words(title, site)])[:LONGEST].rstrip("-")


def _words(title: str, site: str) -> Iterator[str]:
    """Yield the words of a title that the site's name does not hold. A number tells one of several
    sources apart; "4" says nothing new only after "channel" at channel4."""
    plain = unicodedata.normalize("NFKD", title[:200]).encode("ascii", "ignore").decode().lower()
    before = ""
    for word in _WORD.findall(plain):
        known = before and before + word in site if word.isdigit() else word in site
        if not known:
            yield word
        before = word


def _is_address(host: str) -> bool:
    """Return whether a host is an IP address, of which no part tells more than another."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
