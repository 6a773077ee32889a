"""The SQLite log's own matters: batches, retention, the file's version, records by their size."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator

import pytest

from monitor.brokers import sqlite_log
from monitor.brokers.partition import cut
from monitor.brokers.size import size_of
from monitor.brokers.sqlite_log import BATCH_RECORDS, StoredChannel
from monitor.channels import Channel
from monitor.errors import Unavailable
from monitor.events import NewRecord

DAY = 86_400_000


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    sqlite_log.create_schema(opened)
    yield opened
    opened.close()


@pytest.fixture
def stored(connection: sqlite3.Connection) -> StoredChannel:
    sqlite_log.create_channel(connection, Channel("before", partitions=3))
    return sqlite_log.create_channel(connection, Channel("news", partitions=1, retention=86_400))


def some(count: int, size: int = 10) -> list[NewRecord]:
    return [NewRecord(key=b"key", value=b"%d" % at + b"." * size) for at in range(count)]


@pytest.mark.parametrize("size", [1, 200_000])
def test_reading_may_begin_and_end_within_a_batch(
    connection: sqlite3.Connection, stored: StoredChannel, size: int
) -> None:
    count = 2 * BATCH_RECORDS + 5 if size == 1 else 7
    sqlite_log.append(connection, stored, some(count, size), 1_500)
    for start in range(count):
        found = sqlite_log.scan(connection, stored, [(stored.first, start)], 3)
        assert [record.offset for record in found] == list(range(start, count))[:3]
        assert [record.value for record in found] == [
            record.value for record in some(count, size)[start : start + 3]
        ]
    assert sqlite_log.scan(connection, stored, [(stored.first, count)], 3) == []
    assert found[0].appended.timestamp() == 1.5


def test_retention_goes_by_age_and_offsets_go_on(
    connection: sqlite3.Connection, stored: StoredChannel
) -> None:
    sqlite_log.append(connection, stored, some(10), 0)
    sqlite_log.append(connection, stored, some(5), DAY)
    assert sqlite_log.forget(connection, stored, DAY) == 0
    assert sqlite_log.forget(connection, stored, DAY + 1) == 1
    assert sqlite_log.forget(connection, stored, DAY + 1) == 0
    assert sqlite_log.lag(connection, stored, "group") == 5
    found = sqlite_log.scan(connection, stored, [(stored.first, 0)], 100)
    assert [record.offset for record in found] == list(range(10, 15))
    sqlite_log.forget(connection, stored, 3 * DAY)
    sqlite_log.append(connection, stored, some(1), 3 * DAY)
    (record,) = sqlite_log.scan(connection, stored, [(stored.first, 0)], 100)
    assert record.offset == 15
    assert sqlite_log.starts(connection, stored) == {stored.first: 15}


def test_a_file_of_a_newer_program_is_refused(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA user_version = 99")
    with pytest.raises(Unavailable, match="version 99"):
        sqlite_log.create_schema(connection)


def test_a_kafka_batch_holds_no_more_than_one_record_may() -> None:
    channel = Channel("news", max_bytes=1_000)
    records = [NewRecord(key=b"%d" % at, value=os.urandom(at * 7 % 600)) for at in range(300)]
    batches = list(cut(channel, 4, records))
    for partition in range(4):
        its = [record for at, batch in batches if at == partition for record in batch]
        assert its == [record for record in records if record in its]
    assert sum(len(batch) for _, batch in batches) == 300
    assert all(sum(map(size_of, batch)) <= 1_000 for _, batch in batches)
