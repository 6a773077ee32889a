"""What `make services` starts: it starts twice on the same folder, and ends with who started it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from tests.support import kafka, postgres
from tests.support.kafka import KafkaServer
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that another user may enter, as whom PostgreSQL runs where the tests are root's:
    those of pytest are closed."""
    with TemporaryDirectory(prefix="monitor-services-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def _needs(reason: str | None) -> None:
    if reason is not None:
        pytest.skip(reason)


def test_postgres_starts_again_on_a_kept_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _needs(postgres.available())
    monkeypatch.chdir(folder)
    for _ in range(2):
        with PostgresServer(data_dir=Path("kept"), port=free_port()) as server:
            assert server.ensure_database("monitor").endswith("/monitor")
    assert (folder / "kept" / "cluster" / "PG_VERSION").is_file()


@pytest.mark.kafka
def test_kafka_starts_again_on_a_kept_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _needs(kafka.available())
    monkeypatch.chdir(folder)
    for _ in range(2):
        with KafkaServer(data=Path("kept"), port=free_port()):
            pass
    assert (folder / "kept" / "log" / "meta.properties").is_file()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_the_servers_end_with_who_started_them(folder: Path, number: signal.Signals) -> None:
    _needs(postgres.available())
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support", f"postgres:{free_port()}"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
        # Whoever runs the tests may ignore some, as nohup and a shell's background jobs do.
        preexec_fn=lambda: [signal.signal(n, signal.SIG_DFL) for n in (1, 2, 15)],
    )
    assert process.stdout is not None
    servers: list[psutil.Process] = []
    try:
        assert process.stdout.readline().startswith("postgresql+asyncpg://")
        servers = psutil.Process(process.pid).children()
        assert servers
        process.send_signal(number)
        assert process.wait(30) == 0
        assert not any(server.is_running() for server in servers)
    finally:
        for left in [*servers, psutil.Process(process.pid)] if process.poll() is None else servers:
            if left.is_running():
                left.kill()
        process.wait()
        process.stdout.close()
