"""`monitor alerts test`: a channel is tried with a real receiver."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.receivers import Answer, WebhookReceiver
from tests.support.running import monitor

ALERTS = """
channels:
  log: {{type: log}}
  page: {{type: stream}}
  desk: {{type: webhook, url: "{url}", secret: "whsec_%s"}}
rules: {{}}
""" % ("QUJD" * 11)


def configured(folder: Path, url: str) -> Path:
    (folder / "config").mkdir()
    for name, text in (("sources", ""), ("topics", ""), ("alerts", ALERTS.format(url=url))):
        (folder / "config" / f"{name}.yaml").write_text(text)
    return folder


async def test_a_test_alert_is_sent_and_its_answer_told(tmp_path: Path) -> None:
    async with WebhookReceiver([Answer(500), Answer(204)]) as receiver:
        folder = configured(tmp_path, receiver.url)
        said = await monitor(folder, "alerts", "test", "desk", code=1)
        assert "channel 'desk' (webhook): 127.0.0.1 answered 500" in said
        said = await monitor(folder, "alerts", "test", "desk")
        assert said == "channel 'desk' (webhook): the test alert was accepted\n"
    first, second = (json.loads(each.body)["data"] for each in receiver.received)
    assert (second["rule"]["id"], second["topics"]) == ("test", ["test"])
    assert second["article"]["title"] == "Test alert for the channel 'desk'"
    assert second["article"]["replayed"] is True
    assert first["alert"] != second["alert"]
    assert not (folder / "data").exists()


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        ("desc", "declares no channel 'desc'; did you mean desk?"),
        ("page", "channel 'page' sends nothing: its alerts appear on the page"),
    ],
)
async def test_what_cannot_be_tested(tmp_path: Path, channel: str, said: str) -> None:
    folder = configured(tmp_path, "https://desk.example/hook")
    assert said in await monitor(folder, "alerts", "test", channel, code=2)


async def test_alerts_are_listed_without_a_command(tmp_path: Path) -> None:
    folder = configured(tmp_path, "https://desk.example/hook")
    assert "No alerts." in await monitor(folder, "alerts")
    assert await monitor(folder, "alerts", "--json", "--limit", "5") == "[]\n"
