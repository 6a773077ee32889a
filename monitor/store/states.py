"""What is stored of a source: its definition and its memory as MessagePack, and its host."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

import msgspec

from monitor.model import Condition, Memory, Source, SourceState
from monitor.store.source_tables import SOURCE
from monitor.text.hosts import registrable_domain

log = logging.getLogger(__name__)

STATE = (SOURCE.c.name, SOURCE.c.host, SOURCE.c.next_poll_at, SOURCE.c.definition, SOURCE.c.memory)
"""The columns that `state_of` needs."""

_HOSTED = ("http", "https", "imap", "imaps")


class _Titled(msgspec.Struct):
    """A source's definition as far as lists of anything else need it."""

    title: str = ""


class _Troubled(msgspec.Struct):
    """A source's memory as far as it takes to count those that fare badly."""

    failures: float = 0.0


pack = msgspec.msgpack.Encoder().encode
unpack_source = msgspec.msgpack.Decoder(Source).decode
_unpack_titled = msgspec.msgpack.Decoder(_Titled).decode
_unpack_troubled = msgspec.msgpack.Decoder(_Troubled).decode
_unpack_memory = msgspec.msgpack.Decoder(Memory).decode
AFRESH = pack(Memory())


def state_of(row: Any) -> SourceState:
    """Return the state that a row of `STATE` holds."""
    memory = memory_of(row.name, row.memory)
    source = unpack_source(row.definition)
    return SourceState(source=source, next_poll_at=row.next_poll_at, memory=memory)


def title_of(definition: bytes) -> str:
    """Return the title in a packed definition; empty where it has none."""
    return _unpack_titled(definition).title


def is_failing(memory: bytes) -> bool:
    """Return whether the last poll in a packed memory failed; not where it cannot be read."""
    try:
        return _unpack_troubled(memory).failures > 0
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def memory_of(name: str, packed: bytes) -> Memory:
    """Return a source's memory; fields of other releases are ignored or have their defaults.

    One that cannot be read any more is forgotten: the source is then asked without validators,
    which is better than never again.
    """
    try:
        return _unpack_memory(packed)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        log.warning("the memory of source '%s' cannot be read, it starts afresh: %s", name, error)
        return Memory()


def is_followed(source: Source, memory: Memory) -> bool:
    """Return whether a source is polled at all."""
    return source.enabled and memory.condition is not Condition.RETIRED


def host_of(source: Source, memory: Memory) -> str:
    """Return the host whose turn a source waits for."""
    return host_at(memory.chosen_location or source.location, source.name)


def host_at(location: str, name: str) -> str:
    """Return the registrable domain of a location; what is no host of the web has `name`'s own."""
    return _domain(location) or f"source:{name}"


def _domain(location: str) -> str:
    try:
        parts = urlsplit(location)
        hostname = parts.hostname if parts.scheme in _HOSTED else None
    except ValueError:
        return ""
    if hostname is None:
        return ""
    bare = f"[{hostname}]" if ":" in hostname else hostname
    return registrable_domain(f"https://{bare}/")
