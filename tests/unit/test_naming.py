"""What people are told of an alert: names instead of ids, and where its page is."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from monitor import app
from monitor.model import Alert, Delivery, Topic
from monitor.notifiers.email import EmailNotifier
from monitor.notifiers.log import LogNotifier
from monitor.notifiers.naming import Named, Naming
from monitor.store import SqlStore
from tests.support.articles import NOW, an_article
from tests.support.clock import FakeClock
from tests.support.polls import a_source
from tests.support.receivers import MailSink
from tests.support.running import write_config

BASE = "https://news.example.org"


def a_delivery(**fields: Any) -> Delivery:
    article = an_article(**{"source": "y-rss", **fields})
    topics = ("cables", "gone")
    alert = Alert(id="al", rule="r", rule_name="Cables", article=article, topics=topics, raised=NOW)
    return Delivery(id="0b1c", alert=alert, channel="desk")


@pytest.fixture
async def named(store: SqlStore) -> SqlStore:
    """A store in which a source and a topic have names."""
    await store.add_source(a_source("y-rss", title="Yle\nNews"), NOW)
    await store.add_topic(Topic(id="cables", name="Baltic cables", query="cable"))
    return store


async def test_names_where_there_are_any(named: SqlStore) -> None:
    found = await Naming(named, BASE).of(a_delivery(id="a/1").alert)
    expected = Named("Yle News", ("Baltic cables", "gone"), f"{BASE}/articles/a%2F1")
    assert found == expected


async def test_ids_where_the_database_is_away(named: SqlStore) -> None:
    await named.stop()
    assert await Naming(named).of(a_delivery().alert) == Named("y-rss", ("cables", "gone"))


async def test_a_mail_says_names(named: SqlStore) -> None:
    async with MailSink() as sink:
        notifier = EmailNotifier(
            f"smtp://127.0.0.1:{sink.port}",
            "monitor@news.example",
            ["desk@example.org"],
            FakeClock(),
            naming=Naming(named, BASE),
        )
        await notifier.send(a_delivery())
    (envelope,) = sink.mails
    assert isinstance(envelope.content, bytes)
    lines = envelope.content.decode().splitlines()
    for line in ("Source: Yle News", "Topics: Baltic cables, gone", f"{BASE}/articles/a1"):
        assert line in lines


async def test_the_log_says_ids_and_names(
    named: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="monitor.alert"):
        await LogNotifier(Naming(named, BASE)).send(a_delivery())
    line = vars(caplog.records[-1])
    assert (line["source"], line["source_name"]) == ("y-rss", "Yle News")
    assert line["topic_names"] == ["Baltic cables", "gone"]
    assert line["page"] == f"{BASE}/articles/a1"


@pytest.mark.parametrize(
    ("host", "allowed", "page"),
    [
        ("127.0.0.1", [], ""),  # that name is answered on the hubs' path alone
        ("127.0.0.1", ["news.example.org"], BASE),
        ("0.0.0.0", [], BASE),  # noqa: S104
        ("0.0.0.0", ["desk"], ""),  # noqa: S104
    ],
)
def test_no_link_where_the_page_would_not_be_shown(
    tmp_path: Path, host: str, allowed: Sequence[str], page: str
) -> None:
    folder = write_config(tmp_path, {})
    config = app.load_config(config_dir=folder, host=host, allowed_hosts=allowed, public_url=BASE)
    assert app._pages(config.settings) == page
