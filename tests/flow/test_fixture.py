"""The shipped configuration, with only the network away: the provided article becomes an alert."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from tests.support.checker import ask
from tests.support.receivers import WebhookReceiver
from tests.support.running import monitor
from tests.support.service import ServiceProcess
from tests.support.world import until

SHIPPED = Path(__file__).parents[2] / "config"
FIXTURE = SHIPPED / "fixtures" / "sco-meeting-2024-04-26.txt"
TITLE = "SCO Meeting: Russia Calls for Stronger Military Ties Against US Security Expansion"
WITHIN = 30.0

# Python runs a module of this name before anything else: in it no name has an address any more.
NO_NAMES = """
import aiohttp.resolver


async def resolve(self, host, port=0, family=0):
    raise OSError(-3, "Temporary failure in name resolution")


aiohttp.resolver.ThreadedResolver.resolve = resolve
"""


def environ_without_network(folder: Path) -> dict[str, str]:
    """Return what keeps a process from resolving any name."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(NO_NAMES)
    return {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[ServiceProcess]:
    """The service with the shipped configuration, running."""
    environ = environ_without_network(tmp_path / "no-network")
    service = ServiceProcess(SHIPPED, tmp_path / "data", environ=environ)
    try:
        await service.start()
        yield service
    finally:
        await service.kill()


def lines(service: ServiceProcess) -> list[dict[str, Any]]:
    """Return the service's log, but for its greeting, which is for people."""
    text = service.log.read_text().splitlines()
    return [json.loads(line) for line in text if line.startswith("{")]


async def streamed(url: str, kind: str) -> dict[str, Any]:
    """Return the first event of a kind in the live stream, from its beginning."""
    timeout = aiohttp.ClientTimeout(total=WITHIN)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"{url}/api/v1/stream", params={"after": "0.0"}) as answer,
    ):
        event = ""
        async for raw in answer.content:
            name, _, value = raw.decode().rstrip("\r\n").partition(": ")
            if name == "event":
                event = value
            elif name == "data" and event == kind:
                found: dict[str, Any] = json.loads(value)
                return found
    raise AssertionError(f"the stream ended without an event '{kind}'")


async def test_the_provided_article_is_stored_tagged_and_alerted_on_every_channel(
    service: ServiceProcess,
) -> None:
    async def alerted() -> bool:
        return any(line["logger"] == "monitor.alert" for line in lines(service))

    async def reported() -> bool:
        return any("unreachable" in line["message"] for line in lines(service))

    event = await streamed(service.url, "alert")
    await until(alerted, WITHIN, "an alert in the log")
    await until(reported, WITHIN, "a line about the feeds")
    assert await service.status("/readyz") == 200
    assert await service.stop() == 0

    url = f"sqlite+aiosqlite:///{service.data}/monitor.db"
    articles, topics, alerts, deliveries = await ask(
        url,
        "SELECT title FROM article",
        "SELECT topic FROM article_topic",
        "SELECT rule FROM alert",
        "SELECT channel, state FROM delivery ORDER BY channel",
    )
    assert articles == [(TITLE,)]
    assert ("sco-defence-meetings",) in topics
    assert alerts == [("sco-defence",)]
    assert deliveries == [("log", "sent"), ("page", "sent")]
    assert event["rule"] == "sco-defence"
    assert event["article"]["title"] == TITLE
    told = [line for line in lines(service) if line["logger"] == "monitor.alert"]
    assert [line["title"] for line in told] == [TITLE]
    feeds = yaml.safe_load((SHIPPED / "sources.yaml").read_text())["sources"].values()
    count = sum(feed["type"] == "feed" for feed in feeds)
    away = [line["message"] for line in lines(service) if "unreachable" in line["message"]]
    assert len(away) == 1, away
    assert away[0].startswith(f"{count} sources are unreachable ")


async def replay(folder: Path, *arguments: object, config: Path = SHIPPED) -> Mapping[str, Any]:
    """Replay, and return what it says it did."""
    told = await monitor(folder, "replay", "--json", *arguments, config=config)
    found: Mapping[str, Any] = json.loads(told)
    return found


async def everything(folder: Path) -> list[list[tuple[Any, ...]]]:
    """Return what must not change when nothing is new."""
    return await ask(
        f"sqlite+aiosqlite:///{folder}/data/monitor.db",
        "SELECT * FROM article",
        "SELECT * FROM item",
        "SELECT * FROM alert",
        "SELECT * FROM delivery",
        "SELECT id, article_id, revision, sent_at, stored_at FROM outbox",
    )


async def test_a_second_replay_changes_nothing_and_alerts_nobody(tmp_path: Path) -> None:
    first = await replay(tmp_path, FIXTURE)
    assert (first["read"], len(first["new"]), len(first["alerts"])) == (1, 1, 1)
    assert first["alerts"][0]["alert"]["topics"] == ["sco-defence-meetings"]
    before = await everything(tmp_path)
    second = await replay(tmp_path, FIXTURE)
    assert (second["read"], second["new"], second["alerts"]) == (1, [], [])
    assert await everything(tmp_path) == before
    assert len(before[0]) == 1


async def test_a_recording_replayed_elsewhere_gives_the_same_articles(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    first = await replay(here, FIXTURE)
    recording = tmp_path / "recording.jsonl"
    recording.write_text(await monitor(here, "record", "news.article.fetched", config=SHIPPED))
    second = await replay(there, recording)
    assert [article["id"] for article in second["new"]] == [first["new"][0]["id"]]
    alerts = [[row["alert"]["id"] for row in result["alerts"]] for result in (first, second)]
    assert alerts[0] == alerts[1]
    # What is in the recording is known here.
    assert (await replay(here, recording))["new"] == []


@pytest.mark.parametrize("deliver", [False, True], ids=["muted", "deliver"])
async def test_only_a_delivered_replay_reaches_a_webhook(deliver: bool, tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(SHIPPED, config)
    alerts = yaml.safe_load((config / "alerts.yaml").read_text())
    secret = "whsec_" + base64.b64encode(os.urandom(32)).decode()
    async with WebhookReceiver() as receiver:
        alerts["channels"]["hook"] = {"type": "webhook", "url": receiver.url, "secret": secret}
        alerts["rules"]["sco-defence"]["channels"].append("hook")
        (config / "alerts.yaml").write_text(yaml.safe_dump(alerts))
        options = ["--deliver"] if deliver else []
        result = await replay(tmp_path, FIXTURE, *options, config=config)
    states = {each["channel"]: each["state"] for each in result["alerts"][0]["deliveries"]}
    quiet = {"log": "sent", "page": "sent"}
    assert states == (quiet | {"hook": "sent"} if deliver else quiet)
    bodies = [json.loads(each.body) for each in receiver.received]
    titles = [body["data"]["article"]["title"] for body in bodies]
    assert titles == ([TITLE] if deliver else [])
    assert all(body["data"]["article"]["replayed"] for body in bodies)
