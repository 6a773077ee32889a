"""Parsed queries as bytes: a start with many topics need not parse all of them again.

Only what this very parser has made is read back, so a tree is always the one that parsing would
give.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from hashlib import sha256
from importlib import metadata, resources

import msgspec

from monitor.topics.tree import Node

_PARSER = (
    (
        "monitor.topics",
        ("query", "reading", "mistakes", "leaves", "shape", "canonical", "tree", "stems"),
    ),
    ("monitor.text", ("words",)),
)
"""The modules that decide to which tree a text is parsed."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Node).decode


def pack(root: Node) -> bytes:
    """Return the bytes of a tree that uses nothing by `@name`."""
    return _parser() + _encode(root)


def is_current(packed: bytes) -> bool:
    """Return whether this parser has made what is packed."""
    return packed.startswith(_parser())


def unpack(packed: bytes) -> Node | None:
    """Return a tree; None where another parser has made it, or where it is damaged."""
    if not is_current(packed):
        return None
    try:
        root: Node = _decode(memoryview(packed)[len(_parser()) :])
    except msgspec.MsgspecError:
        return None
    return root


@cache
def _parser() -> bytes:
    """Return what tells this parser from all others, in 8 bytes."""
    libraries = [metadata.version(name) for name in ("lark", "google-re2")]
    digest = sha256(" ".join([*libraries, unicodedata.unidata_version]).encode())
    for package, names in _PARSER:
        folder = resources.files(package)
        for name in names:
            digest.update(folder.joinpath(f"{name}.py").read_bytes())
    return digest.digest()[:8]
