"""Dead letters as an operator meets them: listed, shown, dropped, replayed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from monitor.brokers.sqlite import SqliteBroker
from monitor.channels import ARTICLE_FETCHED
from monitor.events import NewRecord

CONFIG = Path(__file__).parents[2] / "config"
FIXTURE = CONFIG / "fixtures" / "sco-meeting-2024-04-26.txt"


def monitor(data: Path, *arguments: str) -> str:
    """Run a command on a data folder of its own; return what it prints."""
    environ = {key: value for key, value in os.environ.items() if "MONITOR_" not in key}
    environ |= {"MONITOR_DATA_DIR": str(data), "MONITOR_CONFIG_DIR": str(CONFIG)}
    command = [sys.executable, "-m", "monitor", *arguments]
    done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    return done.stdout


def listed(data: Path) -> list[dict[str, Any]]:
    """Return the dead letters that wait."""
    letters: list[dict[str, Any]] = json.loads(monitor(data, "dlq", "list", "--json"))
    return letters


async def test_dead_letters_are_listed_shown_dropped_and_replayed(tmp_path: Path) -> None:
    broker = SqliteBroker.from_url(f"sqlite:///{tmp_path}/stream.db")
    await broker.start()
    poison = [NewRecord(key=b"key", value=f"junk {number}".encode()) for number in range(3)]
    await broker.send(ARTICLE_FETCHED, poison)
    await broker.stop()
    assert "1 new" in monitor(tmp_path, "replay", str(FIXTURE)), "poison stops nobody else"

    letters = listed(tmp_path)
    assert len(letters) == 3
    assert {letter["dlq_stage"] for letter in letters} == {"decode"}
    first = letters[0]["id"]
    assert json.loads(monitor(tmp_path, "dlq", "show", first))["value"] == "junk 0"

    for word in ("drop", "replay"):
        with pytest.raises(subprocess.CalledProcessError) as refused:
            monitor(tmp_path, "dlq", word, first, "tag:9:9")
        assert refused.value.returncode == 2
        assert "no dead letter 'tag:9:9'" in refused.value.stderr
    assert len(listed(tmp_path)) == 3, "nothing is done by halves"

    assert monitor(tmp_path, "dlq", "drop", first).strip() == "1 dropped"
    assert {letter["id"] for letter in listed(tmp_path)} == {item["id"] for item in letters[1:]}

    assert monitor(tmp_path, "dlq", "replay").strip() == "2 replayed"
    assert listed(tmp_path) == []
    monitor(tmp_path, "replay", str(FIXTURE))
    assert [letter["dlq_replays"] for letter in listed(tmp_path)] == ["1", "1"]
