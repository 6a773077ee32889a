"""The log in SQL: channels, appending, reading and forgetting; each function is one transaction.

What is appended to a partition at once becomes one row, a batch, as in Kafka's own files: a row
for each record costs twice the time. The row's key is the partition's number and the offset of
the first record in it, so that appending goes to the end of a range and reading is a scan of it.
"""

from __future__ import annotations

import itertools
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from monitor.channels import Channel
from monitor.errors import Unavailable
from monitor.events import NewRecord, Record

SCHEMA_VERSION = 1
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS channel (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " partitions INTEGER NOT NULL, retention INTEGER NOT NULL, max_bytes INTEGER NOT NULL)",
    # What was appended last is not in `batch` any more when retention has taken it.
    "CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, next INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS batch (id INTEGER PRIMARY KEY, appended INTEGER NOT NULL,"
    " records BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS member (id TEXT PRIMARY KEY, name TEXT NOT NULL,"
    " channel INTEGER NOT NULL, place TEXT NOT NULL, pid INTEGER NOT NULL,"
    " lease INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS claim (name TEXT NOT NULL, log INTEGER NOT NULL,"
    " position INTEGER NOT NULL, owner TEXT, PRIMARY KEY (name, log)) WITHOUT ROWID",
)

# A batch's key: 13 bits of channel, 10 of partition, 40 of offset.
_PARTITION_BITS = 10
_OFFSET_BITS = 40
_OFFSET_MASK = (1 << _OFFSET_BITS) - 1

# Bounds of a batch: a reader that wants a few records decodes the whole of it.
BATCH_RECORDS = 64
BATCH_BYTES = 262_144
# From the batch that holds an offset, or the first one after it.
_SCAN = (
    "SELECT id, appended, records FROM batch WHERE id BETWEEN"
    " coalesce((SELECT max(id) FROM batch WHERE id BETWEEN ? AND ?), ?) AND ? ORDER BY id"
)
CHUNK = 200  # batches of a partition that retention deletes in one transaction

_Appended = tuple[bytes, Mapping[str, bytes], bytes]
_Packed = tuple[bytes, dict[str, bytes], bytes]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_Packed]).decode


@dataclass(frozen=True, slots=True)
class StoredChannel:
    """A channel as it is in the file; its partitions are the logs `first` and following."""

    id: int
    channel: Channel

    @property
    def first(self) -> int:
        """The log of partition 0."""
        return self.id << _PARTITION_BITS

    @property
    def last(self) -> int:
        """The log of the last partition."""
        return self.first + self.channel.partitions - 1

    @property
    def logs(self) -> range:
        """The logs of all partitions."""
        return range(self.first, self.last + 1)


def create_schema(connection: sqlite3.Connection) -> None:
    """Create the tables where they are missing; raises Unavailable for a file of another shape."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise Unavailable(
            f"the log file is of version {version}, this program reads {SCHEMA_VERSION}: "
            "run the newer program, or name another file in MONITOR_BROKER_URL"
        )
    for statement in SCHEMA:
        connection.execute(statement)
    if version != SCHEMA_VERSION:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def find_channel(connection: sqlite3.Connection, name: str) -> StoredChannel | None:
    """Return the channel of a name, None where it was never created."""
    row = connection.execute(
        "SELECT id, name, partitions, retention, max_bytes FROM channel WHERE name = ?", (name,)
    ).fetchone()
    return None if row is None else StoredChannel(row[0], Channel(*row[1:]))


def all_channels(connection: sqlite3.Connection) -> list[StoredChannel]:
    """Return every channel of the file."""
    rows = connection.execute("SELECT id, name, partitions, retention, max_bytes FROM channel")
    return [StoredChannel(row[0], Channel(*row[1:])) for row in rows]


def create_channel(connection: sqlite3.Connection, channel: Channel) -> StoredChannel:
    """Return the stored channel, created with its declared settings where it is missing."""
    stored = find_channel(connection, channel.name)
    if stored is not None:
        return stored
    cursor = connection.execute(
        "INSERT INTO channel (name, partitions, retention, max_bytes) VALUES (?, ?, ?, ?)",
        (channel.name, channel.partitions, channel.retention, channel.max_bytes),
    )
    created = StoredChannel(cursor.lastrowid or 0, channel)
    connection.executemany(
        "INSERT INTO log (id, next) VALUES (?, 0)", [(log,) for log in created.logs]
    )
    return created


def append(
    connection: sqlite3.Connection,
    stored: StoredChannel,
    records: Sequence[NewRecord],
    now: int,
) -> None:
    """Append records in their order, each to its key's partition; `now` in Unix milliseconds."""
    following = ends(connection, stored)
    rows: list[tuple[int, int, bytes]] = []
    # In the order of the key, so that each page is touched once.
    for log, packed in sorted(_by_log(stored, records).items()):
        base = (log << _OFFSET_BITS) + following[log]
        rows += [(base + at, now, _encode(batch)) for at, batch in _batches(packed)]
        connection.execute("UPDATE log SET next = next + ? WHERE id = ?", (len(packed), log))
    connection.executemany("INSERT INTO batch (id, appended, records) VALUES (?, ?, ?)", rows)


def _by_log(stored: StoredChannel, records: Sequence[NewRecord]) -> dict[int, list[_Appended]]:
    first, partitions, crc32 = stored.first, stored.channel.partitions, zlib.crc32
    by_log: dict[int, list[_Appended]] = {}
    for record in records:
        key = record.key
        log = first + crc32(key) % partitions
        by_log.setdefault(log, []).append((key, record.headers, record.value))
    return by_log


def _batches(packed: list[_Appended]) -> Iterator[tuple[int, list[_Appended]]]:
    """Cut what goes to one log into batches, each with the place of its first record."""
    start = size = 0
    for at, (_, _, value) in enumerate(packed):
        if at > start and (at - start == BATCH_RECORDS or size + len(value) > BATCH_BYTES):
            yield start, packed[start:at]
            start, size = at, 0
        size += len(value)
    yield start, packed[start:]


def ends(connection: sqlite3.Connection, stored: StoredChannel) -> dict[int, int]:
    """Return the offset that each log will give next."""
    return dict(
        connection.execute(
            "SELECT id, next FROM log WHERE id BETWEEN ? AND ?", (stored.first, stored.last)
        ).fetchall()
    )


def starts(connection: sqlite3.Connection, stored: StoredChannel) -> dict[int, int]:
    """Return the first offset that each log still holds, its end where it holds none."""
    found = ends(connection, stored)
    for log in found:
        row = connection.execute(
            "SELECT id FROM batch WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1", _range(log, 0)
        ).fetchone()
        if row is not None:
            found[log] = row[0] & _OFFSET_MASK
    return found


def scan(
    connection: sqlite3.Connection,
    stored: StoredChannel,
    positions: Iterable[tuple[int, int]],
    limit: int,
) -> list[Record]:
    """Return up to `limit` records from (log, offset) on, log by log in the order given."""
    following = ends(connection, stored)
    records: list[Record] = []
    for log, offset in positions:
        if offset >= following[log]:
            continue
        rows = connection.execute(_SCAN, (*_range(log, 0, offset), *_range(log, offset)))
        for key, appended, packed in rows:
            base = key & _OFFSET_MASK
            skip = max(0, offset - base)
            wanted = _decode(packed)[skip : skip + limit - len(records)]
            records += _unpack(stored, log, base + skip, appended, wanted)
            if len(records) >= limit:
                return records
    return records


def _unpack(
    stored: StoredChannel, log: int, offset: int, millis: int, packed: Sequence[_Packed]
) -> list[Record]:
    channel, partition = stored.channel.name, log - stored.first
    appended = datetime.fromtimestamp(millis / 1000, UTC)
    return [
        Record(
            channel=channel,
            partition=partition,
            offset=at,
            key=key,
            value=value,
            headers=headers,
            appended=appended,
        )
        for at, (key, headers, value) in enumerate(packed, offset)
    ]


def forget(connection: sqlite3.Connection, stored: StoredChannel, now: int) -> int:
    """Delete a chunk of what the retention no longer covers; return how many batches it was.

    Like Kafka it asks for the age alone, not whether every group has read them.
    """
    horizon = now - stored.channel.retention * 1000
    deleted = 0
    for log in stored.logs:
        rows = connection.execute(
            "SELECT id, appended FROM batch WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?",
            (*_range(log, 0), CHUNK),
        ).fetchall()
        expired = [key for key, _ in itertools.takewhile(lambda row: row[1] < horizon, rows)]
        if expired:
            connection.execute(
                "DELETE FROM batch WHERE id BETWEEN ? AND ?", (expired[0], expired[-1])
            )
        deleted += len(expired)
    return deleted


def lag(connection: sqlite3.Connection, stored: StoredChannel, group: str) -> int:
    """Return how many records, of those still held, a group has not committed."""
    positions: Mapping[int, int] = dict(
        connection.execute(
            "SELECT log, position FROM claim WHERE name = ? AND log BETWEEN ? AND ?",
            (group, stored.first, stored.last),
        ).fetchall()
    )
    beginnings, following = starts(connection, stored), ends(connection, stored)
    return sum(following[log] - max(positions.get(log, 0), beginnings[log]) for log in stored.logs)


def _range(log: int, offset: int, last: int = _OFFSET_MASK) -> tuple[int, int]:
    return (log << _OFFSET_BITS) + offset, (log << _OFFSET_BITS) + last
