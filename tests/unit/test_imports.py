"""What a command loads: none of the clients, servers and migrations that it does not use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVER = {"fastapi", "jinja2", "sse_starlette", "starlette", "uvicorn"}
CLIENTS = {"aiohttp", "aiokafka", "aiosmtplib", "apscheduler", "asyncpg"}
STORE = {"sqlalchemy", "sqlmodel"}
MIGRATIONS = {"alembic", "mako"}
PARSERS = {"feedparser", "trafilatura"}

COMMAND = """
import sys
from monitor.cli import cli

try:
    cli(sys.argv[1:])
finally:
    print(*sys.modules, file=sys.stderr)
"""
# It stops as soon as it has started.
SERVICE = """
import asyncio, os, signal, sys
from monitor import app

config = app.load_config(roles=sys.argv[1], port=0)
asyncio.run(app.serve(config, lambda *_: os.kill(os.getpid(), signal.SIGTERM)))
print(*sys.modules, file=sys.stderr)
"""


def loaded(program: str, *arguments: str, data: Path) -> set[str]:
    """Return the packages that a process has loaded at its end, which must be a good one."""
    inherited = {key: value for key, value in os.environ.items() if "MONITOR_" not in key}
    places = {"MONITOR_CONFIG_DIR": str(ROOT / "config"), "MONITOR_DATA_DIR": str(data)}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**inherited, **places},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["check"],
        ["topics", "check"],
        ["topics", "test", "config/fixtures"],
        ["topics", "explain", "sco OR nato", "config/fixtures/sco-meeting-2024-04-26.txt"],
    ],
    ids=" ".join,
)
def test_a_command_without_archive_loads_no_server_client_or_store(
    arguments: list[str], tmp_path: Path
) -> None:
    found = loaded(COMMAND, *arguments, data=tmp_path)
    assert "typer" in found
    assert found & (SERVER | CLIENTS | STORE | MIGRATIONS | PARSERS) == set()


@pytest.mark.parametrize("arguments", [["alerts"], ["sources", "list"], ["topics", "list"]])
def test_a_command_on_the_archive_loads_migrations_once(
    arguments: list[str], tmp_path: Path
) -> None:
    assert loaded(COMMAND, "articles", data=tmp_path) >= MIGRATIONS | STORE
    found = loaded(COMMAND, *arguments, data=tmp_path)
    assert "sqlmodel" in found
    assert found & (SERVER | CLIENTS | MIGRATIONS | PARSERS) == set()


def test_a_process_without_the_role_api_loads_no_framework_of_it(tmp_path: Path) -> None:
    everything = loaded(SERVICE, "dedupe,api", data=tmp_path)
    assert everything >= {"fastapi", "jinja2", "alembic", "sqlmodel"}
    found = loaded(SERVICE, "scheduler,dedupe,tag,store,alert,notify", data=tmp_path)
    assert "sqlmodel" in found
    unused = {"fastapi", "jinja2", "sse_starlette", "aiokafka", "asyncpg"}
    assert found & (unused | MIGRATIONS | PARSERS) == set()
