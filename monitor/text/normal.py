"""Text in one form: cleaned for storage, and as words for matching and fingerprints."""

from __future__ import annotations

import re
import unicodedata

MAX_TITLE = 1_000
"""Characters of a title."""
MAX_SUMMARY = 64 * 1024
"""Bytes of a summary in UTF-8."""
MAX_ITEM_ID = 1_024
"""Characters of the id that a source gives its item."""
MAX_ARTICLE = 256 * 1024
"""Bytes of all texts of one article, so that it fits one record of the log."""

# C0 and C1 without tab and newline, lone surrogates, non-characters at the plane's end.
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
# They would turn round what is printed after a title (CVE-2021-42574).
_BIDI = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_EMPTY_LINES = re.compile(r"\n{3,}")

_APOSTROPHES = "’‘ʼʹ`´＇‛′"
_POSSESSIVE = re.compile(r"'s\b")
# Starting with a plain character lets the search skip to it: these are ten times as fast so.
_QUOTE = re.compile(r"'(?:(?![^\W_])|(?<![^\W_]'))")
_INITIAL = re.compile(r"\.[^\W\d_]\.")
_INITIALS = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.){2,}")
_PUNCTUATION = "“”„«»–—―−…•·\u00a0\u2009\u200a\u202f€£©®"
_ASCII_SEPARATORS = str.maketrans(
    {code: " " for code in range(128) if not chr(code).isalnum() and chr(code) != "'"}
)
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_WORD_OR_SIGN = re.compile(f"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\\W_])+(?:'[^\\W_]+)*")


def clean_text(text: str, limit: int = MAX_ARTICLE) -> str:
    """Return text of several lines as it is stored: NFC, no control characters, tidy space.

    `limit` is in bytes of UTF-8; a longer text is cut between characters.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2029", "\n")
    text = unicodedata.normalize("NFC", _UNWANTED.sub("", text))
    text = "\n".join([" ".join(line.split()) for line in text.split("\n")])
    text = _EMPTY_LINES.sub("\n\n", text).strip()
    return cut(text, limit)


def clean_line(text: str, limit: int = MAX_TITLE) -> str:
    """Return text of one line as it is stored, without what changes the direction of writing.

    `limit` is in characters.
    """
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


def words(text: str) -> list[str]:
    """Return the words of a text, folded so that spellings of one word are equal.

    NFKC and case folding; "Russia’s" is "russia", "U.S." is "us", "defence-minister" is two
    words, "don't" is one; where a script sets no spaces, every sign is a word.
    """
    if not text.isascii():
        for sign in _APOSTROPHES:
            text = text.replace(sign, "'")
        for sign in _PUNCTUATION:
            text = text.replace(sign, " ")
    # Most English text is ASCII by now, where cutting is several times as fast as matching.
    plain = text.isascii()
    text = text.lower() if plain else _folded(text)
    if "'" in text:
        text = _QUOTE.sub(" ", _POSSESSIVE.sub("", text))
    if _INITIAL.search(text):
        text = _INITIALS.sub(_joined_initials, text)
    if plain:
        return text.translate(_ASCII_SEPARATORS).split()
    return (_WORD_OR_SIGN if _HAS_UNSPACED.search(text) else _WORD).findall(text)


def _folded(text: str) -> str:
    """Return NFKC text without case; folding may leave NFKC, hence twice (Unicode, D146)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _joined_initials(initials: re.Match[str]) -> str:
    return initials[0].replace(".", "") + " "
