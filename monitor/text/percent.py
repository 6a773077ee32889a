"""Percent-encoding in one spelling (RFC 3986, sections 2.1 and 6.2.2)."""

from __future__ import annotations

import re
import unicodedata

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
PATH_LITERALS = _UNRESERVED | frozenset("!$&'()*+,;=:@/")
"""Characters that a path may hold as they are; `/` only where it separates (never decoded)."""
QUERY_LITERALS = _UNRESERVED | frozenset("!$'()*,:@/;")
"""Characters that a key or a value of a query may hold as they are."""
USER_LITERALS = _UNRESERVED | frozenset("!$&'()*+,;=:")
"""Characters that a user's name and password may hold as they are."""

_ESCAPES = re.compile(r"((?:%[0-9A-Fa-f]{2})+)")


def normalised_escapes(text: str, literals: frozenset[str]) -> str:
    """Return `text` with every character either literal or escaped, always the same way.

    Escapes of literals and of UTF-8 are decoded, the result is in NFC, all else is escaped in
    upper case; escapes of `/` and of what is no UTF-8 stay as they are.
    """
    parts: list[str] = []
    run: list[str] = []
    for index, part in enumerate(_ESCAPES.split(text)):
        if index % 2 == 0:
            run.append(part)
            continue
        for piece, escaped in _decoded(part, literals):
            if escaped:
                # Not before NFC of the run: an escape's last letter must not meet a following
                # combining mark and turn into another letter.
                parts += (_encoded("".join(run), literals), piece)
                run = []
            else:
                run.append(piece)
    parts.append(_encoded("".join(run), literals))
    return "".join(parts)


def _decoded(escapes: str, literals: frozenset[str]) -> list[tuple[str, bool]]:
    """Return the pieces of a run of escapes, each with whether it must stay an escape."""
    pieces: list[tuple[str, bool]] = []
    for char in bytes.fromhex(escapes.replace("%", "")).decode("utf-8", "surrogateescape"):
        if "\udc80" <= char <= "\udcff":
            pieces.append((f"%{ord(char) - 0xDC00:02X}", True))
        elif ord(char) >= 0xA0 or (char in literals and char != "/"):
            pieces.append((char, False))
        else:
            pieces.append(("".join(f"%{byte:02X}" for byte in char.encode()), True))
    return pieces


def _encoded(text: str, literals: frozenset[str]) -> str:
    if text.isascii() and literals.issuperset(text):
        return text
    composed = unicodedata.normalize("NFC", text)
    return "".join(
        char
        if char in literals
        else "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))
        for char in composed
    )
