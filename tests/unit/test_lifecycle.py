"""How a process ends: in order, and in any case."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import typer

from monitor import app
from monitor.api.server import bind, serving
from monitor.brokers.sqlite import SqliteBroker
from monitor.cli.session import execute
from monitor.clock import SystemClock
from monitor.errors import Stalled
from monitor.lifecycle import Lifecycle
from monitor.settings import Role
from monitor.telemetry import Health
from tests.support.running import write_config

CLINGS = """
import asyncio
from monitor.lifecycle import leaving

async def cling():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

async def main(closed):
    clinging = asyncio.ensure_future(cling())
    await asyncio.sleep(0)
    closed({code})

with leaving() as closed:
    asyncio.run(main(closed))
"""
ENDS = """
import time
from monitor import lifecycle

lifecycle.LEAVE = 0.1
with lifecycle.leaving() as closed:
    closed(1)
time.sleep(0.5)
"""


@pytest.mark.parametrize("code", [0, 1])
def test_a_task_that_does_not_end_is_left_behind(code: int) -> None:
    started = time.monotonic()
    left = subprocess.run(
        [sys.executable, "-c", CLINGS.format(code=code)], capture_output=True, text=True, timeout=60
    )
    assert left.returncode == code
    assert "something does not end" in left.stderr
    assert time.monotonic() - started < 20


def test_who_ends_in_time_is_not_cut_off() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")


async def test_who_gives_up_drains_first_and_then_says_why() -> None:
    life, drained = Lifecycle(SystemClock(), Health()), asyncio.Event()

    async def work() -> None:
        await life.stop.wait()
        drained.set()

    running = asyncio.ensure_future(life.run(work()))
    await asyncio.sleep(0)
    life.give_up(Stalled("nothing arrives"))
    with pytest.raises(Stalled, match="nothing arrives"):
        await running
    assert drained.is_set()


async def test_a_service_whose_broker_gives_up_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def subscribe(*_: object) -> AsyncIterator[None]:
        raise Stalled("nothing arrives")
        yield

    monkeypatch.setattr(SqliteBroker, "subscribe", subscribe)
    folder, data = write_config(tmp_path, {}), tmp_path / "data"
    config = app.load_config(config_dir=folder, data_dir=data, port="0", roles="store")
    with pytest.raises(Stalled, match="nothing arrives"):
        await asyncio.wait_for(app.serve(config, lambda *_: None), 30)


def test_a_command_that_has_given_up_says_why_and_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def work() -> None:
        raise Stalled("nothing arrives")

    with pytest.raises(typer.Exit) as ended:
        execute(work())
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err == "error: nothing arrives\n"


@pytest.mark.parametrize(
    ("host", "status"),
    [("news.example.org", 503), ("localhost", 503), ("evil.example", 421), ("hubs.example", 421)],
)
async def test_a_reverse_proxy_may_pass_a_name_that_the_settings_allow(
    tmp_path: Path, host: str, status: int
) -> None:
    config = app.load_config(
        config_dir=write_config(tmp_path, {}),
        data_dir=tmp_path / "data",
        allowed_hosts="news.example.org",
        public_url="https://hubs.example",
    )
    service = app.compose(config)
    listener = bind("127.0.0.1", 0)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    headers = {"Host": host, "Origin": f"https://{host}"}
    # There is no database yet, which is what 503 says: nothing else is in the way.
    async with serving(app._web(service, {Role.API}), listener), aiohttp.ClientSession() as client:
        source = {"url": "https://wire.example/feed"}
        answer = await client.post(f"{base}/api/v1/sources", json=source, headers=headers)
        assert answer.status == status, await answer.text()
