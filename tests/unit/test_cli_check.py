"""`monitor check` and the start: what is right in a configuration and will surprise."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from monitor import app
from monitor.catalog import Catalog
from monitor.cli import cli
from monitor.cli.run import _greet
from monitor.model import AlertRule, Owner, Topic
from monitor.store import SqlStore
from monitor.telemetry import Health
from tests.support.polls import a_source
from tests.support.running import write_config

NOW = datetime(2026, 11, 28, tzinfo=UTC)
ALERTS = """
channels: {log: {type: log}}
rules:
  r: {topics: [storm, made, stomr], channels: [log], query: 'source:nope OR @storm'}
"""
TOPICS = """
topics:
  storm: {query: storm AND (source:wire OR source:wir* OR source:bbc OR source:afp-*)}
  flood: {query: '@storm OR "source:quoted"'}
"""
SOURCES = "sources: {wire: {url: 'https://wire.example/'}}"


@pytest.fixture
def monitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command on a configuration that holds, with its surprises."""
    (tmp_path / "config").mkdir()
    for name, text in (("sources", SOURCES), ("topics", TOPICS), ("alerts", ALERTS)):
        (tmp_path / "config" / f"{name}.yaml").write_text(text)
    monkeypatch.setenv("MONITOR_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("MONITOR_DATA_DIR", str(tmp_path / "data"))

    def run(*words: str) -> Result:
        result = CliRunner().invoke(cli, words)
        assert result.exit_code == 0, result.output
        return result

    return run


def in_database(folder: Path, topics: Sequence[Topic], *, migrated: bool = True) -> None:
    async def work() -> None:
        (folder / "data").mkdir()
        store = SqlStore.from_url(f"sqlite:///{folder}/data/monitor.db")
        await store.start()
        if migrated:
            await store.migrate()
            await store.add_source(a_source("bbc", owner=Owner.USER), NOW)
        for topic in topics:
            await store.add_topic(topic)
        await store.stop()

    asyncio.run(work())


def a_topic(name: str) -> Topic:
    return Topic(id=name, name=name, query="x")


def told(result: Result) -> list[str]:
    return [line.removeprefix("warning: ") for line in result.stderr.splitlines()]


def test_what_is_in_no_file_is_told_as_that(monitor: Callable[..., Result], tmp_path: Path) -> None:
    expected = [
        "rule 'r' in alerts.yaml: no file declares the topic 'made'; it alerts once somebody makes"
        " that topic",
        "rule 'r' in alerts.yaml: no file declares the topic 'stomr'; did you mean storm?",
        "topic 'storm': source:afp-* is in no file the name of a source",
        "topic 'storm': source:bbc is in no file the name of a source",
        "rule 'r': source:nope is in no file the name of a source",
    ]
    assert told(monitor("check")) == expected
    assert not (tmp_path / "data").exists()
    found = json.loads(monitor("check", "--json").stdout)
    assert (found["valid"], found["warnings"]) == (True, expected)
    in_database(tmp_path, [], migrated=False)
    assert told(monitor("check")) == expected


def test_what_people_made_is_known(monitor: Callable[..., Result], tmp_path: Path) -> None:
    in_database(tmp_path, [a_topic("made"), a_topic("storm")])
    assert told(monitor("check")) == [
        "topic 'storm' is declared in a file now: it takes the place of the one of that name that"
        " was added at run time",
        "rule 'r' in alerts.yaml: there is no topic 'stomr'; did you mean storm?",
        "topic 'storm': source:afp-* is the name of no source",
        "rule 'r': source:nope is the name of no source",
    ]


def test_an_address_that_is_followed_twice(monitor: Callable[..., Result], tmp_path: Path) -> None:
    again = "sources: {wire: {url: 'https://wire.example/'}, b: {url: 'http://BBC.example/f/'}}"
    (tmp_path / "config" / "sources.yaml").write_text(again)
    in_database(tmp_path, [a_topic("made")])
    sentence = "the sources 'b', 'bbc' have the same address: all but one can go"
    assert sentence not in told(monitor("check"))

    async def follow() -> None:
        store = SqlStore.from_url(f"sqlite:///{tmp_path}/data/monitor.db")
        await store.start()
        source = a_source("bbc2", owner=Owner.USER, location="https://www.bbc.example/f")
        await store.add_source(source, NOW)
        await store.stop()

    asyncio.run(follow())
    assert "the sources 'b', 'bbc2' have the same address: all but one can go" in told(
        monitor("check")
    )


async def test_the_start_counts_what_is_followed_and_tells_what_is_twice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = {name: {"url": f"http://{name}.example/f", "interval": "1d"} for name in ("a", "b")}
    folder, data = write_config(tmp_path, sources), tmp_path / "data"
    data.mkdir()
    store = SqlStore.from_url(f"sqlite:///{data}/monitor.db")
    await store.start()
    await store.migrate()
    for name, location in (("c", "https://www.b.example/f/"), ("d", "https://d.example/")):
        await store.add_source(a_source(name, owner=Owner.USER, location=location), NOW)
    await store.stop()
    config = app.load_config(config_dir=folder, data_dir=data, port="0", roles="scheduler")

    def stop_at_once(address: str, followed: int) -> None:
        _greet(config, address, followed)
        os.kill(os.getpid(), signal.SIGTERM)

    with caplog.at_level(logging.WARNING):
        await asyncio.wait_for(app.serve(config, stop_at_once), 30)
    told = [record.getMessage() for record in caplog.records]
    assert "the sources 'b', 'c' have the same address: all but one can go" in told
    assert "4 sources (2 declared)" in capsys.readouterr().err


def test_other_commands_say_nothing_of_it(monitor: Callable[..., Result]) -> None:
    for words in (["search", "storm"], ["alerts"], ["topics", "list"]):
        assert monitor(*words).stderr == ""


async def test_the_start_tells_what_it_takes_over_and_what_waits(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    await store.add_topic(a_topic("storm"))
    await store.add_topic(a_topic("made"))
    rule = AlertRule(id="r", name="r", topics=("storm", "made", "later"), channels=("log",))
    catalog = Catalog(store, Health())
    for _ in range(2):
        with caplog.at_level(logging.WARNING):
            await catalog.declare([a_topic("storm"), a_topic("flood")], [], [rule])
    assert [record.getMessage() for record in caplog.records] == [
        "topic 'storm' is declared in a file now: it takes the place of the one of that name that"
        " was added at run time",
        *["rule 'r' in alerts.yaml: there is no topic 'later'; it alerts once somebody makes that"
          " topic"] * 2,
    ]  # fmt: skip
