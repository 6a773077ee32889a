"""The service as its own process, as people run it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil

from tests.support.ports import free_port

READY_WITHIN = 40.0


@dataclass
class ServiceProcess:
    """`monitor run` with its own configuration and data. Its output goes to a file.

    It may ask this machine, which `environ` can take back with an empty value.
    """

    config: Path
    data: Path
    roles: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.data / f"service-{self.port}.log"

    def last_words(self) -> str:
        """Return the end of its log."""
        return self.log.read_text()[-3000:] if self.log.exists() else "never started"

    @property
    def environment(self) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if "MONITOR_" not in key}
        return {
            **inherited,
            "MONITOR_CONFIG_DIR": str(self.config),
            "MONITOR_DATA_DIR": str(self.data),
            "MONITOR_PORT": str(self.port),
            "MONITOR_LOG_FORMAT": "json",
            "MONITOR_CONTACT": "tests@example.org",
            "MONITOR_PRIVATE_NETWORKS": "127.0.0.0/8",
            **({"MONITOR_ROLES": self.roles} if self.roles else {}),
            **self.environ,
        }

    async def start(self, *, ready: bool = True) -> None:
        """Start it, and wait until it is ready."""
        self.data.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "monitor", "run", env=self.environment, stdout=log, stderr=log
            )
        if ready:
            await self.wait_ready()

    async def wait_ready(self, wait: float = READY_WITHIN) -> None:
        """Wait until /readyz says yes."""
        async with asyncio.timeout(wait):
            while await self.status("/readyz") != 200:
                assert self.process is not None
                assert self.process.returncode is None, self.last_words()
                await asyncio.sleep(0.02)

    async def status(self, path: str) -> int:
        """Return the HTTP status of a path; 0 where nobody answers."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session,
                session.get(self.url + path) as answer,
            ):
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def metrics(self) -> dict[str, float]:
        """Return all samples of /metrics by their name with labels."""
        async with aiohttp.ClientSession() as session, session.get(self.url + "/metrics") as answer:
            lines = (await answer.text()).splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process and its children."""
        assert self.process is not None
        main = psutil.Process(self.process.pid)
        return sum(sum(item.cpu_times()[:2]) for item in (main, *main.children(recursive=True)))

    async def kill(self) -> None:
        """End it as a power cut would."""
        await self._end(signal.SIGKILL, 10)

    async def stop(self, wait: float = 25) -> int:
        """Send SIGTERM; return the exit code."""
        return await self._end(signal.SIGTERM, wait)

    async def _end(self, number: int, wait: float) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), wait)
