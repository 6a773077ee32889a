"""The body of a feed as clean UTF-8, without what makes the parser fail or crawl.

Feeds declare wrong encodings, hold characters that XML forbids and references to none at all;
each of these would cost the whole feed. Others are written to exhaust a parser.
"""

from __future__ import annotations

import codecs
import re

from monitor.errors import Rejected

MAX_ITEMS = 2_000
"""Items kept of one feed."""
MAX_ATTRIBUTES = 256
"""Attributes of one tag; the parser's time grows with their square."""
MAX_PERSON = 512
"""Characters of an author's name; the parser's search for addresses is quadratic."""

# Python knows codecs that are no character sets ("unicode_escape", "idna", "zlib").
_CHARSETS = re.compile(
    r"utf-?(?:8|16|32)(?:-?[bl]e)?|(?:us-)?ascii|latin-?\d+|iso[-_]?8859-?\d+"
    r"|(?:windows|cp)-?(?:125\d|8\d\d|437|9\d\d)|koi8-?[rut]|gb(?:k|2312|18030)|big5(?:-?hkscs)?"
    r"|euc-?(?:jp|kr|cn|tw)|shift[-_]?jis|iso-?2022-?(?:jp|kr)|mac-?(?:roman|cyrillic)|tis-?620"
)
_WIDE = re.compile(r"utf-?(?:16|32)")
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\x00?\x00", "utf-16-le"),
    (b"\x00<\x00?", "utf-16-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"\x4c\x6f\xa7\x94", "cp037"),
)
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([^\"'>]{1,40})")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s;\"']{1,40})", re.IGNORECASE)
_DECLARATION = re.compile(r"<\?xml[^>]*\?>")

_CONTROLS = bytes(code for code in range(32) if chr(code) not in "\t\n\r")
_NONCHARACTERS = ("\ufffe".encode(), "\uffff".encode())
_REFERENCE = re.compile(r"&#(?:[xX]([0-9a-fA-F]+)|(\d+));?")
_LONG_TAG = re.compile(r"<[A-Za-z][^<>]{2048,}")
_LONG_PERSON = re.compile(
    r"(<(?:[\w-]+:)?(?:author|creator|name|email|contributor|publisher|managingEditor|webMaster)"
    rf"\b[^<>]*>\s*(?:<!\[CDATA\[)?[^<\]]{{{MAX_PERSON}}})[^<\]]+",
    re.IGNORECASE,
)
ITEM_START = re.compile(r"<(?:item|entry|rss:item|atom:entry)[\s>]")


def decoded(body: bytes, content_type: str = "") -> str:
    """Return a body's text: by its byte order mark, else UTF-8 where it says so and is, else as
    declared over HTTP or in the XML declaration, else UTF-8, else Windows-1252. Never fails."""
    for mark, charset in _BOMS:
        if body.startswith(mark):
            return body.decode(charset, "replace").removeprefix("\ufeff")
    charsets = [match[1] for match in [_CHARSET.search(content_type)] if match]
    declared = [match[1].decode("latin-1") for match in [_DECLARED.search(body[:1024])] if match]
    # Of many servers HTTP names one set for all files, and nothing else is UTF-8 by accident.
    charsets = declared + charsets if "".join(declared).lower() == "utf-8" else charsets + declared
    for charset in [*charsets, "utf-8", "windows-1252"]:
        name = charset.lower()
        # What begins with one byte a character is not in two or four.
        if not _CHARSETS.fullmatch(name) or (_WIDE.match(name) and body.lstrip()[:5] == b"<?xml"):
            continue
        try:
            # The larger set is what those who declare the smaller one use.
            return body.decode("gb18030" if name == "gb2312" else name)
        except (UnicodeDecodeError, LookupError):
            continue
    return body.decode("utf-8", "replace")


def repaired(text: str) -> bytes:
    """Return a feed's text as UTF-8 that the parser can take.

    Raises Rejected where one tag holds more attributes than any feed needs.
    """
    text = text.lstrip()
    if declaration := _DECLARATION.match(text):
        text = text[declaration.end() :]
    text = _without_forbidden(text).lstrip()
    if not all(_is_valid(*digits) for digits in set(_REFERENCE.findall(text))):
        text = _REFERENCE.sub(lambda one: one[0] if _is_valid(*one.groups("")) else "", text)
    for tag in _LONG_TAG.finditer(text):
        if tag[0].count("=") > MAX_ATTRIBUTES:
            raise Rejected(
                f"a tag of the feed has more than {MAX_ATTRIBUTES} attributes, which no feed needs"
            )
    text = _without_middle(_LONG_PERSON.sub(r"\1", text))
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + text.encode("utf-8", "replace")


def _without_forbidden(text: str) -> str:
    """Return a text without what XML 1.0 forbids (its section 2.2)."""
    # Bytes are searched several times as fast as characters.
    body = text.encode("utf-8", "ignore").translate(None, _CONTROLS)
    for character in _NONCHARACTERS:
        body = body.replace(character, b"")
    return body.decode()


def _is_valid(hexadecimal: str, decimal: str) -> bool:
    """Return whether XML has the character of a reference with one of these numbers."""
    if len(hexadecimal or decimal) > 10:
        return False
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    valid = code in (0x9, 0xA, 0xD) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD
    return valid or 0x10000 <= code <= 0x10FFFF


def _without_middle(text: str) -> str:
    """Return a feed with at most twice as many items as are kept: its first and its last ones.

    Which end is the newer one is known only when their dates are parsed.
    """
    starts = [match.start() for match in ITEM_START.finditer(text)]
    if len(starts) <= 2 * MAX_ITEMS:
        return text
    return text[: starts[MAX_ITEMS]] + text[starts[-MAX_ITEMS] :]
