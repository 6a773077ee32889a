"""A real PostgreSQL for tests: a cluster of its own in a folder, on a free port of this machine.

Its settings are the defaults, `fsync` too, so that what survives here survives elsewhere.
PostgreSQL refuses to run as root; then it runs as `postgres` or `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import pytest

from tests.support.ports import free_port

HOST = "127.0.0.1"
USER = "monitor"
START_SECONDS = 60.0
STOP_SECONDS = 15.0


class PostgresServer:
    """One server. It is started with `start`, or by `with`, which also stops it."""

    def __init__(self, data_dir: Path | None = None, port: int | None = None) -> None:
        """Take a folder that is kept, or a temporary one; a fixed port, or a free one."""
        self.port = port or free_port()
        self._kept = data_dir is not None
        # Absolute, since the programs run in it.
        self._home = (data_dir or Path(tempfile.mkdtemp(prefix="monitor-postgres-"))).absolute()
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)

    @property
    def pid(self) -> int:
        """The number of the server's first process."""
        assert self._process is not None
        return self._process.pid

    @property
    def log_file(self) -> Path:
        """What the server wrote."""
        return self._home / "postgres.log"

    def url(self, database: str = "postgres") -> str:
        """Return the URL of one of its databases."""
        return f"postgresql+asyncpg://{USER}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Make the cluster where there is none and start; returns when it takes connections.

        Raises RuntimeError, with the end of its log, where it does not come up.
        """
        if self._process is not None:
            return
        data = self._home / "cluster"
        if not (data / "PG_VERSION").exists():
            self._home.mkdir(parents=True, exist_ok=True)
            if _run_as():
                shutil.chown(self._home, _run_as()["user"], _run_as()["group"])
            self._run("initdb", "-D", str(data), "-U", USER, "-A", "trust", "-E", "UTF8")
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [str(_program("postgres")), "-D", str(data), *self._settings()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self._home,
                **_run_as(),
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop as an operator does: open transactions are rolled back, data is written."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _signal_all(process, signal.SIGKILL)
            process.wait()

    def kill(self) -> None:
        """Kill all its processes, as a machine does that loses its power."""
        process, self._process = self._process, None
        if process is not None:
            _signal_all(process, signal.SIGKILL)
            process.wait()

    def restart(self) -> None:
        """Stop and start on the same port and data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze all its processes: connections stay open and nothing answers."""
        if self._process is not None:
            _signal_all(self._process, signal.SIGSTOP)

    def resume(self) -> None:
        """Let go on what `pause` froze."""
        if self._process is not None:
            _signal_all(self._process, signal.SIGCONT)

    def terminate_sessions(self) -> None:
        """End every client's session, as an operator or a failover does."""
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname <> 'postgres'"
        self.run_sql("postgres", end)

    def run_sql(self, database: str, statement: str) -> str:
        """Run a statement; return its rows, a line each, with columns between bars."""
        return self._run(
            *("psql", "-h", HOST, "-p", str(self.port), "-U", USER, "-d", database),
            *("-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"),
            given=statement,
        )

    def create_database(self, name: str = "") -> str:
        """Create an empty database and return its URL; its name is new unless it is given."""
        database = name or f"test_{os.getpid()}_{next(self._names)}"
        self._run("createdb", "-h", HOST, "-p", str(self.port), "-U", USER, database)
        return self.url(database)

    def remove(self) -> None:
        """Stop, and delete the folder if it is a temporary one: that need not be written first."""
        self.resume()
        if self._kept:
            self.stop()
        else:
            self.kill()
            shutil.rmtree(self._home, ignore_errors=True)

    def __enter__(self) -> PostgresServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()

    def _settings(self) -> list[str]:
        options = {
            "port": str(self.port),
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "max_connections": "100",
        }
        return [part for key, value in options.items() for part in ("-c", f"{key}={value}")]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        ready = [str(_program("pg_isready")), "-q", "-h", HOST, "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode != 0:
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.kill()
                end = self.log_file.read_text(errors="replace")[-1000:]
                raise RuntimeError(f"PostgreSQL did not start on port {self.port}:\n{end}")
            time.sleep(0.05)

    def ensure_database(self, name: str) -> str:
        """Create a database unless it is there from an earlier start, and return its URL."""
        wanted = "SELECT datname FROM pg_database"
        session = ("-h", HOST, "-p", str(self.port), "-U", USER, "-d", "postgres")
        found = self._run("psql", *session, "-tAc", wanted)
        return self.url(name) if name in found.split() else self.create_database(name)

    def _run(self, program: str, *arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [str(_program(program)), *arguments],
            input=given,
            check=False,
            capture_output=True,
            text=True,
            cwd=self._home,
            **_run_as(),
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stderr.strip()}")
        return str(done.stdout)


def available() -> str | None:
    """Return why PostgreSQL cannot be started here, in one line; None where it can."""
    missing = [name for name in ("initdb", "postgres", "createdb", "psql") if _find(name) is None]
    if missing:
        return f"PostgreSQL's server programs are missing ({', '.join(missing)})"
    if os.geteuid() == 0 and not _run_as():
        return "PostgreSQL does not run as root, and there is no user postgres or nobody"
    return None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for the whole session; skips where there is no PostgreSQL."""
    reason = available()
    if reason is not None:
        if os.environ.get("MONITOR_TEST_REQUIRE_ALL") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The URL of an empty database."""
    return postgres_server.create_database()


@cache
def _find(name: str) -> Path | None:
    # The newest version first; Debian keeps the server's programs off PATH.
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    versions = sorted(folders, key=lambda folder: _version(folder.parent.name), reverse=True)
    for folder in versions:
        if (folder / name).exists():
            return folder / name
    found = shutil.which(name)
    return Path(found) if found else None


def _version(name: str) -> int:
    return int(name) if name.isdigit() else 0


def _program(name: str) -> Path:
    found = _find(name)
    if found is None:
        raise RuntimeError(f"{name} is not installed")
    return found


@cache
def _run_as() -> dict[str, Any]:
    """Return how a process is started as somebody else where this one is root's."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return {}


def _signal_all(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # Each server process leads a session of its own, so there is no group to signal.
    try:
        main = psutil.Process(process.pid)
        members = [main, *main.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for member in members:
        try:
            member.send_signal(number)
        except psutil.NoSuchProcess:
            continue
