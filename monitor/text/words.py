"""The words of a text: for matching, for the index of the archive and for fingerprints.

`words` folds them so that spellings of one word are equal, `exact_words` keeps case and accents,
`located` says where they stand. The three always give the same tokens at the same places.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

_APOSTROPHES = "’‘ʼʹʻʾʿ`´＇‛′"
_PUNCTUATION = "“”„«»–—―−…•·\u00a0\u2009\u200a\u202f€£©®"
_INVISIBLE = "\u00ad\u2060"
"""Where a word may be broken, and where it may not: they belong to no spelling."""
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
)
"""Thai, Lao, Burmese, Khmer, kana and Han set no spaces, and Hangul none before particles: every
sign is a token."""

_POSSESSIVE = re.compile(f"'[sS](?:\\b|(?=[{_UNSPACED}]))")
_ELIDED = ("[cdjlmnst]", "qu|un", "all", "dall|dell|nell|sant|sull", "jusqu|quell|quest",
           "lorsqu|puisqu|quoiqu")  # fmt: skip
"""What French, Italian and Catalan put before a word, by length: l'OTAN, qu'elle, dell'Ucraina."""
_BEGINNING = f"(?<![^\\W_{_UNSPACED}])(?<![^\\W_{_UNSPACED}]')"
# Starting with a plain character lets the search skip to it: these are ten times as fast so.
_QUOTE = re.compile(
    "'(?:(?![^\\W_])|(?<![^\\W_]')|"
    + "|".join(f"(?<={_BEGINNING}(?:{elided})')" for elided in _ELIDED)
    + ")",
    re.IGNORECASE,
)
_INITIAL = re.compile(r"\.[^\W\d_]\.")
_INITIALS_PATTERN = r"(?<![^\W_])(?<!')(?:[^\W\d_]\.){2,}"
_INITIALS = re.compile(_INITIALS_PATTERN)
_SPACED = bytes(
    code if code < 128 and (chr(code).isalnum() or chr(code) == "'") else 32 for code in range(256)
)
"""Whatever stands between the words of an ASCII text becomes a space."""
_SPACED_LOWER = _SPACED.lower()
_LATIN_OR_GREEK = re.compile(r"[a-z\u00df-\u024f\u0370-\u03ff\u1e00-\u1fff]")
_UNDECOMPOSED = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "þ": "th", "æ": "ae", "œ": "oe"}
    | {"ک": "ك", "ی": "ي"}  # Persian letters, for which many texts have the Arabic ones
)
_DROPPED = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew points
    "\u0640\u064b-\u0655\u0670"  # Arabic tatweel, vowel signs, and what alef carries
    "\u200c\u200d]"  # joiners
)


def words(text: str) -> list[str]:
    """Return the words of a text, folded so that spellings of one word are equal.

    NFKC and case folding; accents are dropped on Latin and Greek letters, vowel signs in Arabic
    and Hebrew; "Russia’s" is "russia", "U.S." is "us", "defence-minister" and "l'OTAN" are two
    words, "don't" is one; where a script sets no spaces, every sign is a word.
    """
    plain = text if text.isascii() else _with_plain_signs(text)
    if plain.isascii():  # most English text, once its quotes and dashes are plain
        return _cut(plain, _SPACED_LOWER).decode().split()
    return [fold(token) for token in _tokens(plain)]


def spaced_words(text: str) -> bytes:
    """Return the words of `words` in UTF-8 with spaces between them, which is cheaper to have."""
    plain = text if text.isascii() else _with_plain_signs(text)
    if plain.isascii():
        return _cut(plain, _SPACED_LOWER)
    return " ".join(map(fold, _tokens(plain))).encode()


def exact_words(text: str) -> list[str]:
    """Return the tokens of `words` with their case and accents, in NFKC."""
    if text.isascii():
        return _cut(text, _SPACED).decode().split()
    return _tokens(_with_plain_signs(text))


def _tokens(text: str) -> list[str]:
    text = _without_quotes(_normal(_without_invisible(text)))
    return [token.replace(".", "") for token in _pattern(text).findall(text)]


def located(text: str) -> list[tuple[int, int]]:
    """Return where the tokens of `words` stand in a text: start, and end exclusive."""
    plain = _with_plain_signs(text)
    visible = not any(sign in plain for sign in _INVISIBLE)
    if visible and unicodedata.is_normalized("NFKC", plain):  # so are its parts: nothing moves
        plain = _without_quotes(plain)
        return [token.span() for token in _pattern(plain).finditer(plain)]
    normal, places = [], []
    for cluster in _CLUSTER.finditer(plain):
        part = _normal(_without_invisible(cluster[0]))
        normal.append(part)
        places += [cluster.span()] * len(part)
    text = _without_quotes("".join(normal))
    tokens = _pattern(text).finditer(text)
    return [(places[token.start()][0], places[token.end() - 1][1]) for token in tokens]


def _cut(text: str, table: bytes) -> bytes:
    """Return an ASCII text with nothing but spaces between its words."""
    # This is several times as fast as matching, and most English text is plain ASCII.
    text = text.replace("`", "'")  # the only one of _APOSTROPHES and _PUNCTUATION in ASCII
    if "'" in text:
        text = _without_quotes(text)
    if _INITIAL.search(text):
        text = _INITIALS.sub(lambda initials: initials[0].replace(".", "") + " ", text)
    return text.encode().translate(table)


def _with_plain_signs(text: str) -> str:
    """Replace what stands for an apostrophe or a space; every character keeps its place."""
    for sign in _APOSTROPHES:
        text = text.replace(sign, "'")
    for sign in _PUNCTUATION:
        text = text.replace(sign, " ")
    return text


def _without_quotes(text: str) -> str:
    """Blank out what makes a possessive, and quotation marks; every character keeps its place."""
    return _QUOTE.sub(" ", _POSSESSIVE.sub("  ", text)) if "'" in text else text


def _without_invisible(text: str) -> str:
    for sign in _INVISIBLE:
        text = text.replace(sign, "")
    return text


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=65_536)
def fold(token: str) -> str:
    """Return one of `exact_words` as it is in `words`: without case and accents, never empty."""
    if token.isascii():
        return token.lower()
    # Folding may leave NFKC, hence twice (Unicode, D146).
    text = _normal(_normal(token).casefold()).translate(_UNDECOMPOSED)
    kept: list[str] = []
    base = ""
    for sign in unicodedata.normalize("NFD", text):
        if not "\u0300" <= sign <= "\u036f":
            base = sign
        elif _LATIN_OR_GREEK.match(base) or (base == "е" and sign == "\u0308"):
            continue
        kept.append(sign)
    return unicodedata.normalize("NFC", _DROPPED.sub("", "".join(kept))) or token


_PLAIN_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_TOKEN = re.compile(f"{_INITIALS_PATTERN}|{_PLAIN_TOKEN.pattern}")
_NEEDS_CARE = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u1cff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff"
    "\u3040-\ud7a3\ufe20-\ufe2f]"
)
"""Combining marks, and scripts that have some or set no spaces."""


def _pattern(text: str) -> re.Pattern[str]:
    """Return the pattern of a token in a text: the plainer, the faster."""
    if _NEEDS_CARE.search(text):
        return _any_token()
    return _TOKEN if _INITIAL.search(text) else _PLAIN_TOKEN


@cache
def _any_token() -> re.Pattern[str]:
    """Return the pattern for all scripts; made when the first text needs it, which takes 10 ms."""
    marks = "".join(
        sign for sign in map(chr, range(0x300, 0x10000)) if unicodedata.category(sign)[0] == "M"
    )
    letter = f"(?:(?![{_UNSPACED}])[^\\W_])"
    rest = f"(?:(?![{_UNSPACED}])(?:[^\\W_]|[{marks}\u200c\u200d]))"
    return re.compile(f"{_INITIALS_PATTERN}|[{_UNSPACED}]|{letter}{rest}*(?:'{letter}{rest}*)*")


_CLUSTER = re.compile(
    # What NFKC may compose: a sign with the combining ones behind it, and a syllable of jamo.
    f"[\u1100-\u11ff{_INVISIBLE}]+|.[{_INVISIBLE}\u0300-\u036f\u0483-\u0489\u0591-\u05c7"
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0903\u093a-\u094f\u0951-\u0957"
    "\u09be-\u09cd\u0a3c-\u0a4d\u0b3e-\u0b57"
    "\u0bbe-\u0bd7\u0c3e-\u0c56\u0cbe-\u0cd6\u0d3e-\u0d57\u0dca-\u0ddf\u3099\u309a]*",
    re.DOTALL,
)
