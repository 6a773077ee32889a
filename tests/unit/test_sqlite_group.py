"""How members of a group on the SQLite log share, lapse, die and are fenced, by the clock."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from monitor import process
from monitor.brokers import sqlite_group, sqlite_log
from monitor.brokers.sqlite_group import LEASE, Member
from monitor.channels import Channel

NOW = 1_000_000


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    sqlite_log.create_schema(opened)
    yield opened
    opened.close()


@pytest.fixture
def member(connection: sqlite3.Connection) -> Member:
    stored = sqlite_log.create_channel(connection, Channel("news", partitions=5))
    return Member(f"{process.TOKEN}.1", "group", stored, "here")


def other(member: Member, number: int, place: str = "here") -> Member:
    return replace(member, id=f"{process.TOKEN}.{number}", place=place)


def test_shares_become_even_and_what_is_busy_is_kept(
    connection: sqlite3.Connection, member: Member
) -> None:
    second = other(member, 2)
    everything = sqlite_group.join(connection, member, NOW).positions
    assert len(everything) == 5
    assert not sqlite_group.join(connection, second, NOW).positions
    busy = sqlite_group.rebalance(connection, member, set(everything), NOW)
    assert len(busy.positions) == 5
    assert len(busy.surplus) == 2
    assert not busy.freed
    idle = sqlite_group.rebalance(connection, member, set(everything) - busy.surplus, NOW)
    assert len(idle.positions) == 3
    assert idle.freed
    share = sqlite_group.rebalance(connection, second, set(), NOW)
    assert set(share.positions) == busy.surplus
    assert len(sqlite_group.rebalance(connection, member, set(), NOW).positions) == 3


def test_who_lapses_is_replaced_and_fenced(connection: sqlite3.Connection, member: Member) -> None:
    far = other(member, 2, place="another host")
    log = member.stored.first
    sqlite_group.join(connection, far, NOW)
    assert not sqlite_group.commit(connection, far, {log: 3})
    assert len(sqlite_group.join(connection, member, NOW).positions) == 0
    share = sqlite_group.rebalance(connection, member, set(), NOW + LEASE + 1)
    assert share.positions == dict.fromkeys(member.stored.logs, 0) | {log: 3}
    assert sqlite_group.commit(connection, far, {log: 9}) == [log]
    assert sqlite_group.owned(connection, far) == set()
    again = sqlite_group.rebalance(connection, far, set(), NOW + LEASE + 2)
    assert not again.positions


def test_a_lease_from_before_the_clock_was_set_back_says_nothing(
    connection: sqlite3.Connection, member: Member
) -> None:
    sqlite_group.join(connection, other(member, 2, place="another host"), NOW + 3_600_000)
    assert len(sqlite_group.join(connection, member, NOW).positions) == 5


@pytest.mark.parametrize("death", ["gone", "zombie", "earlier process of our own number"])
def test_the_dead_are_replaced_at_once(
    connection: sqlite3.Connection, member: Member, death: str
) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    pid = os.getpid() if death.startswith("earlier") else child.pid
    if death == "gone":
        child.wait()
    dead = replace(member, id="another-token.1")
    sqlite_group.join(connection, dead, NOW)
    connection.execute("UPDATE member SET pid = ? WHERE id = ?", (pid, dead.id))
    assert len(sqlite_group.join(connection, member, NOW + 1).positions) == 5
    child.wait()


def test_a_living_process_keeps_its_partitions(
    connection: sqlite3.Connection, member: Member
) -> None:
    living = replace(member, id="another-token.1")
    sqlite_group.join(connection, living, NOW)
    connection.execute("UPDATE member SET pid = ? WHERE id = ?", (os.getppid(), living.id))
    assert not sqlite_group.join(connection, member, NOW + 1).positions
    # Of another space the same number says nothing.
    elsewhere = replace(member, id="third.1", place="another host")
    assert not sqlite_group.join(connection, elsewhere, NOW + 1).positions


def test_a_commit_never_goes_back(connection: sqlite3.Connection, member: Member) -> None:
    sqlite_group.join(connection, member, NOW)
    log = member.stored.first
    sqlite_group.commit(connection, member, {log: 7})
    sqlite_group.commit(connection, member, {log: 4})
    sqlite_group.leave(connection, member)
    assert sqlite_group.join(connection, other(member, 2), NOW).positions[log] == 7
