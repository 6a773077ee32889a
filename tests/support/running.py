"""The whole service in the process of a test, on embedded defaults and a clock of the test's."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from monitor import app
from monitor.api.app import create_app
from monitor.api.server import bind, serving
from monitor.channels import READERS, SOURCE_CHANGED, group_of
from monitor.events import decode
from monitor.service import Service
from monitor.settings import Role
from tests.support.checker import ask
from tests.support.clock import FastClock
from tests.support.world import until

WITHIN = 30.0
"""Seconds after which what must happen has not happened."""
QUERY = "council OR bridge OR ferries OR voters OR floods OR school"
TOPICS = {"topics": {"harbour": {"query": QUERY}}}
ALERTS = {
    "channels": {"page": {"type": "stream"}},
    "rules": {"all": {"topics": ["*"], "channels": ["page"]}},
}
LOCAL = "127.0.0.0/8"


@dataclass
class Running:
    """A running service; `base` is where its API is."""

    folder: Path
    service: Service
    clock: FastClock
    base: str
    client: aiohttp.ClientSession
    work: asyncio.Future[None] = field(repr=False)

    async def ask(self, question: str) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT."""
        (rows,) = await ask(f"sqlite+aiosqlite:///{self.folder}/data/monitor.db", question)
        return rows

    async def articles(self, source: str = "") -> dict[str, tuple[Any, ...]]:
        """Return revision, body, summary, backlog mark and topics of the articles by title; a
        title that is stored twice fails."""
        rows = await self.ask(
            "SELECT title, revision, body, summary, backlog, topics, source FROM article"
        )
        found = [row for row in rows if source in ("", row[-1])]
        by_title = {row[0]: row[1:-1] for row in found}
        assert len(by_title) == len(found), sorted(row[0] for row in found)
        return by_title

    async def alerted(self) -> list[str]:
        """Return the titles that were alerted, one for each alert."""
        rows = await self.ask(
            "SELECT article.title FROM alert JOIN article ON article.id = alert.article_id"
        )
        return sorted(row[0] for row in rows)

    async def api(self, method: str, path: str = "", body: Any = None) -> Any:
        """Ask the API about sources; return what it answers, None where that is nothing."""
        headers = {"Content-Type": "application/json"}
        url = f"/api/v1/sources{path}"
        async with self.client.request(method, url, json=body, headers=headers) as answer:
            assert answer.status < 400, await answer.text()
            return None if answer.status == 204 else await answer.json()

    async def source(self, name: str) -> dict[str, Any]:
        """Return what the API says of a source."""
        found: dict[str, Any] = await self.api("GET", f"/{name}")
        return found

    async def polled(self, name: str, times: int) -> dict[str, Any]:
        """Wait until a source was polled so often; return what the API says of it then."""

        async def holds() -> bool:
            return len((await self.source(name))["polls"]) >= times

        await until(holds, WITHIN, f"{name} polled {times} times")
        return await self.source(name)

    async def poll_again(self, name: str) -> dict[str, Any]:
        """Have a source polled once more, now; return what the API says of it then."""
        count = len((await self.source(name))["polls"])
        await self.api("POST", f"/{name}/poll-soon")
        return await self.polled(name, count + 1)

    async def stored(self, count: int) -> dict[str, tuple[Any, ...]]:
        """Wait until so many articles are stored and all is through; return them."""

        async def holds() -> bool:
            (waiting,) = await self.ask("SELECT count(*) FROM outbox WHERE stored_at IS NULL")
            if waiting != (0,) or len(await self.articles()) < count:
                return False
            lags = [await self.service.broker.lag(c, group_of(name)) for name, c in READERS]
            return not any(lags)

        await until(holds, WITHIN, f"{count} articles stored")
        return await self.articles()

    async def changes(self) -> list[Mapping[str, Any]]:
        """Return what the channel of changed sources holds."""
        records = self.service.broker.read(SOURCE_CHANGED, from_start=True, follow=False)
        return [json.loads(decode(record).data) async for record in records]


def write_config(folder: Path, sources: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write a configuration of these sources, in which every article alerts; return its folder."""
    config = folder / "config"
    config.mkdir(parents=True, exist_ok=True)
    for name, content in (
        ("sources", {"sources": dict(sources)}),
        ("topics", TOPICS),
        ("alerts", ALERTS),
    ):
        (config / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return config


@asynccontextmanager
async def a_service(
    folder: Path,
    sources: Mapping[str, Mapping[str, Any]] | None = None,
    clock: FastClock | None = None,
    private: Sequence[str] = (LOCAL,),
) -> AsyncIterator[Running]:
    """Run a whole service while the block runs. Raises what it died of."""
    clock = clock or FastClock()
    listener = bind("127.0.0.1", 0)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = app.load_config(
        config_dir=write_config(folder, sources or {}),
        data_dir=folder / "data",
        contact="tests@example.org",
        private_networks=tuple(private),
        public_url=base,
        parser_workers=1,
    )
    service = app.compose(config, clock)
    web = create_app(
        service.store,
        service.life.health,
        clock=clock,
        public_url=base,
        source_rules=config.source_rules,
    )
    async with service.opened(), serving(web, listener), aiohttp.ClientSession(base) as client:
        await service.store.declare(config.sources, clock.now())
        work = asyncio.ensure_future(service.run(frozenset(Role)))
        try:
            yield Running(folder, service, clock, base, client, work)
        finally:
            service.life.stop.set()
            await work


async def monitor(
    folder: Path, *arguments: object, config: Path | None = None, code: int = 0
) -> str:
    """Run a command on the data of a service, and on its configuration unless `config` is another
    folder; return what it prints, and what it complains of where `code` is not 0."""
    inherited = {key: value for key, value in os.environ.items() if "MONITOR_" not in key}
    places = {
        "MONITOR_CONFIG_DIR": str(config or folder / "config"),
        "MONITOR_DATA_DIR": str(folder / "data"),
        "MONITOR_PRIVATE_NETWORKS": LOCAL,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "monitor",
        *map(str, arguments),
        env={**inherited, **places},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == code, err.decode()[-2000:]
    return (out if code == 0 else out + err).decode()
