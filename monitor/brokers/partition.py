"""Which partition a key belongs to, and what is sent there at once."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

from monitor.brokers.size import size_of
from monitor.channels import Channel
from monitor.events import NewRecord

BATCH_BYTES = 1_048_576


def cut(
    channel: Channel, partitions: int, records: Sequence[NewRecord]
) -> Iterator[tuple[int, Sequence[NewRecord]]]:
    """Yield partitions with batches for them, none larger than a single record may be."""
    crc32 = zlib.crc32
    by_partition: dict[int, list[NewRecord]] = {}
    for record in records:
        by_partition.setdefault(crc32(record.key) % partitions, []).append(record)
    most = min(channel.max_bytes, BATCH_BYTES)
    for partition, its in by_partition.items():
        start = size = 0
        for at, record in enumerate(its):
            more = size_of(record)
            if at > start and size + more > most:
                yield partition, its[start:at]
                start, size = at, 0
            size += more
        yield partition, its[start:]
