"""How large a record is on a log, and the refusal of those that exceed their channel's limit."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.channels import Channel
from monitor.errors import Rejected
from monitor.events import NewRecord

# What Kafka's format adds at most: a batch of one record, its lengths, and those of a header.
# What cannot be compressed grows by a few bytes for each block.
_RECORD_OVERHEAD = 128
_HEADER_OVERHEAD = 10
_BLOCK = 2_048


def size_of(record: NewRecord) -> int:
    """Return how many bytes a record takes at most, with its framing."""
    size = _RECORD_OVERHEAD + len(record.key) + len(record.value)
    for name, value in record.headers.items():
        size += _HEADER_OVERHEAD + len(name.encode()) + len(value)
    return size + size // _BLOCK


def refuse_oversized(channel: Channel, records: Sequence[NewRecord]) -> None:
    """Raise Rejected for the first record that exceeds the channel's `max_bytes`."""
    for record in records:
        size = size_of(record)
        if size > channel.max_bytes:
            raise Rejected(
                f"a record of {size} bytes (key {record.key[:80]!r}) exceeds the limit of channel "
                f"{channel.name!r}, {channel.max_bytes} bytes: shorten it before it is sent"
            )
