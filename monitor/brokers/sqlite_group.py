"""Consumer groups in SQL: members with leases share the partitions; each function a transaction.

Every member looks after itself: it renews its lease, buries the dead, gives up what exceeds its
fair share and takes what is free up to it. As all count alike, this ends in even shares.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Set
from dataclasses import dataclass

from monitor import process
from monitor.brokers.sqlite_log import StoredChannel

LEASE = 10_000  # milliseconds that a member counts as alive without a sign
RENEWAL = 2_000  # milliseconds after which the lease is written anew

_CLAIMS = "SELECT log, position, owner FROM claim WHERE name = ? AND log BETWEEN ? AND ?"


@dataclass(frozen=True, slots=True)
class Member:
    """One subscription; `id` begins with the token of its process."""

    id: str
    group: str
    stored: StoredChannel
    place: str

    @property
    def claims(self) -> tuple[str, int, int]:
        """What selects the group's claims on the channel."""
        return self.group, self.stored.first, self.stored.last


@dataclass(frozen=True, slots=True)
class Share:
    """What a member owns, by log with the group's commit, and which of it others wait for."""

    positions: Mapping[int, int]
    surplus: Set[int]
    freed: bool = False


def join(connection: sqlite3.Connection, member: Member, now: int) -> Share:
    """Become a member and take what is free of the fair share; a new group begins at offset 0."""
    connection.executemany(
        "INSERT OR IGNORE INTO claim (name, log, position, owner) VALUES (?, ?, 0, NULL)",
        [(member.group, log) for log in member.stored.logs],
    )
    return rebalance(connection, member, frozenset(), now)


def rebalance(connection: sqlite3.Connection, member: Member, busy: Set[int], now: int) -> Share:
    """Renew the lease and come nearer to even shares.

    A log in `busy` holds records that the member has not committed: it is kept, and is `surplus`
    in the answer where the member should come to an end with it.
    """
    living = _living(connection, member, now)
    _renew(connection, member, now)
    claims = connection.execute(_CLAIMS, member.claims).fetchall()
    rank = living.index(member.id)
    share = len(claims) // len(living) + (rank < len(claims) % len(living))
    mine = {log: position for log, position, owner in claims if owner == member.id}
    free = {log: position for log, position, owner in claims if owner not in living}
    # Those that can go now go first, the others follow when they are committed.
    over = sorted(mine, key=lambda log: (log in busy, log))[: max(0, len(mine) - share)]
    leaving = [log for log in over if log not in busy]
    taken = sorted(free)[: max(0, share - len(mine))]
    _own(connection, member.group, leaving, None)
    _own(connection, member.group, taken, member.id)
    for log in leaving:
        del mine[log]
    mine.update((log, free[log]) for log in taken)
    return Share(mine, frozenset(over).intersection(busy), bool(leaving))


def commit(
    connection: sqlite3.Connection, member: Member, following: Mapping[int, int]
) -> list[int]:
    """Move the group's positions forward; return the logs that the member owns no more."""
    fenced = []
    for log, offset in following.items():
        done = connection.execute(
            "UPDATE claim SET position = max(position, ?) WHERE name = ? AND log = ? AND owner = ?",
            (offset, member.group, log, member.id),
        )
        if not done.rowcount:
            fenced.append(log)
    return fenced


def owned(connection: sqlite3.Connection, member: Member) -> set[int]:
    """Return the logs that a member owns."""
    claims = connection.execute(_CLAIMS, member.claims)
    return {log for log, _, owner in claims if owner == member.id}


def leave(connection: sqlite3.Connection, member: Member) -> None:
    """Let go of everything."""
    connection.execute(
        "UPDATE claim SET owner = NULL WHERE name = ? AND log BETWEEN ? AND ? AND owner = ?",
        (*member.claims, member.id),
    )
    connection.execute("DELETE FROM member WHERE id = ?", (member.id,))


def _living(connection: sqlite3.Connection, member: Member, now: int) -> list[str]:
    """Delete the dead; return the ids of the group's members, this one included, in order."""
    rows = connection.execute(
        "SELECT id, place, pid, lease FROM member WHERE name = ? AND channel = ?",
        (member.group, member.stored.id),
    ).fetchall()
    living = {member.id}
    for other, place, pid, lease in rows:
        if other == member.id or _lives(member, other, place, pid, lease - now):
            living.add(other)
        else:
            connection.execute("DELETE FROM member WHERE id = ?", (other,))
    return sorted(living)


def _lives(member: Member, other: str, place: str, pid: int, left: int) -> bool:
    # A lease beyond its length was written before the clock was set back: it says nothing.
    if not 0 < left <= LEASE + RENEWAL:
        return False
    return place != member.place or not process.died(pid, token=other.partition(".")[0])


def _renew(connection: sqlite3.Connection, member: Member, now: int) -> None:
    row = connection.execute("SELECT lease FROM member WHERE id = ?", (member.id,)).fetchone()
    if row is None or not 0 <= now + LEASE - row[0] < RENEWAL:
        connection.execute(
            "INSERT OR REPLACE INTO member (id, name, channel, place, pid, lease)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                member.id,
                member.group,
                member.stored.id,
                member.place,
                os.getpid(),
                now + LEASE,
            ),
        )


def _own(connection: sqlite3.Connection, group: str, logs: list[int], owner: str | None) -> None:
    connection.executemany(
        "UPDATE claim SET owner = ? WHERE name = ? AND log = ?",
        [(owner, group, log) for log in logs],
    )
