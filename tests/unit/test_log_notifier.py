"""Alerts in the log, and how texts are cut for people."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Alert, Delivery
from monitor.notifiers.email import EmailNotifier
from monitor.notifiers.log import LogNotifier
from monitor.notifiers.webhook import WebhookNotifier
from monitor.notifiers.wording import headline, one_line
from monitor.protocols import Notifier
from tests.support.articles import NOW, an_article


async def logged(caplog: pytest.LogCaptureFixture, **fields: Any) -> dict[str, Any]:
    alert = Alert(
        id="alert-1",
        rule="sco",
        rule_name="SCO defence",
        article=an_article(**fields),
        topics=("sco-defence-meetings",),
        raised=NOW,
    )
    notifier: Notifier = LogNotifier()
    with caplog.at_level(logging.INFO, logger="monitor.alert"):
        await notifier.check()
        await notifier.send(Delivery(id="0b1c", alert=alert, channel="log"))
        await notifier.close()
    (record,) = caplog.records
    return {**vars(record), "said": record.getMessage()}


async def test_one_structured_line_per_alert(caplog: pytest.LogCaptureFixture) -> None:
    line = await logged(caplog, title="SCO\nmeets")
    assert line["name"] == "monitor.alert"
    assert line["said"] == "alert: SCO defence"
    expected = {
        "title": "SCO meets",
        "source": "wire",
        "url": "https://news.example/a1",
        "topics": ["sco-defence-meetings"],
        "rule": "sco",
        "alert": "alert-1",
    }
    assert {key: line[key] for key in expected} == expected
    assert "replayed" not in line


async def test_a_replayed_article_is_said_to_be_one(caplog: pytest.LogCaptureFixture) -> None:
    assert (await logged(caplog, replayed=True))["replayed"] is True


def test_all_notifiers_are_notifiers() -> None:
    kinds: list[type[Notifier]] = [LogNotifier, WebhookNotifier, EmailNotifier]
    assert len(kinds) == 3


@pytest.mark.parametrize(
    ("text", "most", "line"),
    [
        ("a  b\r\n c", 10, "a b c"),
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two…"),
        ("one twothree", 11, "one twothr…"),
        ("防" * 20, 5, "防防防防…"),
        ("", 5, ""),
        ("\x00\u202eabc", 5, "abc"),
    ],
)
def test_one_line(text: str, most: int, line: str) -> None:
    assert one_line(text, most) == line


@given(st.text(max_size=300), st.integers(1, 60))
def test_one_line_is_one_line_and_short(text: str, most: int) -> None:
    line = one_line(text, most)
    assert len(line) <= most
    assert len(line.splitlines()) <= 1


def test_an_article_without_a_title_is_known_by_its_beginning() -> None:
    assert headline(an_article(title=" ", body="Ministers met.")) == "Ministers met."
    assert headline(an_article(title="", body="", summary="Short.")) == "Short."
    assert headline(an_article(title="", body="")) == "(no title)"
