"""A topic that is changed in one process takes effect in another, on one Kafka and PostgreSQL."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from monitor.channels import ARTICLE_DEDUPLICATED, ARTICLE_TAGGED
from monitor.consumer import originate
from monitor.events import decode, encode, load
from monitor.model import Article
from monitor.protocols import Broker, Subscription
from tests.support.articles import NOW, an_article
from tests.support.brokers import running
from tests.support.kafka import KafkaServer
from tests.support.postgres import PostgresServer
from tests.support.world import a_world, say, server_peers

WITHIN = 2.0
"""Seconds from the answer of the API until articles are tagged with a change."""
PATIENCE = 30.0
"""Seconds after which an article that was sent is not tagged any more."""


@dataclass
class Tagging:
    """The stream around the step that tags."""

    broker: Broker
    tagged: Subscription
    sent: int = 0

    async def topics(self) -> dict[str, int]:
        """Return the topics and versions that one more article gets."""
        self.sent += 1
        article = an_article(id=f"a{self.sent}", title="A ferry sails", body="")
        event = originate(ARTICLE_DEDUPLICATED, "test", article.id, article.id, NOW, article).event
        await self.broker.send(ARTICLE_DEDUPLICATED, [encode(event)])
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            records = await self.tagged.receive(100, 1)
            await self.tagged.commit(records)
            for record in records:
                found = load(Article, decode(record).data)
                if found.id == article.id:
                    return dict(zip(found.topics, found.topic_versions, strict=True))
        raise AssertionError(f"article {article.id} was never tagged")

    async def become(self, expected: dict[str, int]) -> float:
        """Send articles one after the other until one gets these topics; return the seconds."""
        start = time.monotonic()
        while (found := await self.topics()) != expected:
            assert time.monotonic() - start < WITHIN, f"still {found}"
        return time.monotonic() - start


@pytest.mark.kafka
@pytest.mark.postgres
async def test_a_change_takes_effect_in_another_process_within_two_seconds(
    tmp_path: Path,
    mortal_kafka: KafkaServer,
    postgres_server: PostgresServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    peers = replace(server_peers(mortal_kafka, postgres_server), roles=("tag", "api"))
    changes: list[tuple[str, str, Any, dict[str, int]]] = [
        ("POST", "", {"id": "sea", "query": "ferry"}, {"sea": 1}),
        ("PATCH", "/sea", {"query": "ferry OR boat"}, {"sea": 2}),
        ("PATCH", "/sea", {"query": "boat"}, {}),
        ("POST", "", {"id": "all", "query": "@sea OR sails"}, {"all": 1}),
        ("PATCH", "/sea", {"query": "sails NEAR ferry"}, {"all": 1, "sea": 4}),
        ("DELETE", "/all", None, {"sea": 4}),
    ]
    async with (
        a_world(tmp_path, peers, {}) as world,
        running(world.broker) as broker,
        aiohttp.ClientSession(headers={"Content-Type": "application/json"}) as client,
        broker.subscribe(ARTICLE_TAGGED, "test") as tagged,
    ):
        await world.start()
        stream = Tagging(broker, tagged)
        assert await stream.topics() == {}
        took = []
        for method, path, body, expected in changes:
            url = f"{world.services[1].url}/api/v1/topics{path}"
            async with client.request(method, url, json=body) as answer:
                assert answer.status < 300, await answer.text()
            took.append(await stream.become(expected))
    assert max(took) < WITHIN
    say(f"topics: a change in another process after {max(took):.2f} s at most", capsys)
