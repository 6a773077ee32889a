"""Who this process is, and whether another one on this host still lives."""

from __future__ import annotations

import os
import socket
import uuid
from pathlib import Path

# Two processes may have the same id one after the other (the first process of a container has
# always the same), so that each also carries a token of its own.
TOKEN = uuid.uuid4().hex[:12]


def place() -> str:
    """Return the name of the space in which this process's id is unique."""
    # Two machines may share a name, and all share the number of the first namespace.
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot = ""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""  # this system has none: the host is the space
    return " ".join(part for part in (socket.gethostname(), boot, namespace) if part)


def lives(pid: int) -> bool:
    """Return whether a process of this host runs or is stopped; a zombie does not live."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return not Path("/proc/self/stat").exists()  # gone just now, or no such file system
    return stat.rpartition(b")")[2].split()[0] not in (b"Z", b"X")


def died(pid: int, token: str) -> bool:
    """Return whether a process of this place is gone; by its token where another has its number."""
    return token != TOKEN if pid == os.getpid() else not lives(pid)


def owner() -> str:
    """Return how this process signs what it leases."""
    return f"{place()}|{os.getpid()}|{TOKEN}"


def left_by_the_dead(name: str) -> bool:
    """Return whether the process that signed so is certainly gone; one elsewhere may live."""
    where, pid, token = [*name.rsplit("|", 2), "", ""][:3]
    return where == place() and pid.isdigit() and died(int(pid), token)
