"""Text in one form: cleaned for storage."""

from __future__ import annotations

import re
import unicodedata

MAX_TITLE = 1_000
"""Characters of a title."""
MAX_SUMMARY = 64 * 1024
"""Bytes of a summary in UTF-8."""
MAX_ITEM_ID = 1_024
"""Bytes in UTF-8 of the id that a source gives its item."""
MAX_ARTICLE = 256 * 1024
"""Bytes of all texts of one article, so that it fits one record of the log."""

# C0 and C1 without tab and newline, lone surrogates, non-characters at the plane's end.
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
# They would turn round what is printed after a title (CVE-2021-42574).
_BIDI = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_EMPTY_LINES = re.compile(r"\n{3,}")


def clean_text(text: str, limit: int = MAX_ARTICLE) -> str:
    """Return text of several lines as it is stored: NFC, no control characters, tidy space.

    `limit` is in bytes of UTF-8; a longer text is cut between characters.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2029", "\n")
    lines = text.split("\n")
    if not all(map(str.isprintable, lines)):
        lines = _UNWANTED.sub("", text).split("\n")
    text = unicodedata.normalize("NFC", "\n".join([" ".join(line.split()) for line in lines]))
    text = _EMPTY_LINES.sub("\n\n", text).strip()
    return cut(text, limit)


def clean_line(text: str, limit: int = MAX_TITLE) -> str:
    """Return text of one line as it is stored, without what changes the direction of writing.

    `limit` is in characters.
    """
    if not text.isprintable():
        text = _UNWANTED.sub("", _BIDI.sub("", text.replace("\r", " ")))
    return " ".join(unicodedata.normalize("NFC", text).split())[:limit].rstrip()


def cut(text: str, limit: int) -> str:
    """Return as much of `text` as `limit` bytes of UTF-8 hold."""
    if len(text) * 4 <= limit:
        return text
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= limit:
        return text
    return encoded[:limit].decode("utf-8", "ignore").rstrip()
