"""From an article in a feed to the webhook received, at 50 articles a second.

    python -m tests.benchmarks.latency [--server] [--rate 50] [--seconds 90]

The clock starts when the feed's complete answer has been sent, and stops when the receiver has
the webhook. How long an article waits for its poll is the source's interval (here 60 s, the
least), and shown beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from tests.benchmarks.stream import GROUPS
from tests.support.feedserver import FeedServer, Item
from tests.support.receivers import Answer, WebhookReceiver
from tests.support.service import ServiceProcess

FEEDS = 60
SECRET = "whsec_" + "QUJD" * 11


class TimedFeeds(FeedServer):
    """Notes when each article was published, and first sent whole."""

    def __init__(self) -> None:
        super().__init__(window=200, hosts=True)
        self.published: dict[str, float] = {}
        self.served: dict[str, float] = {}

    def add(self, feed: str, *items: Item) -> None:
        super().add(feed, *items)
        self.published |= {item.guid: time.monotonic() for item in items}

    def _note(self, feed: str, shown: list[int]) -> None:
        super()._note(feed, shown)
        for _, guid in self.sent():
            self.served.setdefault(guid, time.monotonic())


class TimedReceiver(WebhookReceiver):
    """Notes when the first webhook of each article came."""

    def __init__(self) -> None:
        super().__init__()
        self.times: dict[str, float] = {}

    async def _receive(self, request: web.Request) -> web.Response:
        article = json.loads(await request.read())["data"]["article"]
        self.times.setdefault(article["url"].rpartition("/")[2], time.monotonic())
        return web.Response(status=Answer().status)


def write_config(folder: Path, feeds: FeedServer, receiver: WebhookReceiver) -> None:
    """Write a configuration in which every article alerts one webhook."""
    folder.mkdir(parents=True)
    sources = [
        f"  feed-{number}: {{type: feed, url: '{feeds.url(f'feed-{number}')}', interval: 60s,"
        " full_text: never, backlog: none}"
        for number in range(FEEDS)
    ]
    (folder / "sources.yaml").write_text("sources:\n" + "\n".join(sources) + "\n")
    (folder / "topics.yaml").write_text("topics:\n  vote: {query: council AND vote}\n")
    (folder / "alerts.yaml").write_text(
        f"channels:\n  hook: {{type: webhook, url: '{receiver.url}', secret: {SECRET}}}\n"
        "rules:\n  all: {topics: [vote], channels: [hook]}\n"
    )


async def publish(feeds: FeedServer, rate: int, seconds: int) -> int:
    """Publish `rate` articles a second, spread over the feeds; return how many those were."""
    started, count = time.monotonic(), 0
    while (elapsed := time.monotonic() - started) < seconds:
        while count < elapsed * rate:
            title = f"Council of district {count} puts off its vote on the new bridge"
            feeds.add(f"feed-{count % FEEDS}", Item(f"item{count}", title))
            count += 1
        await asyncio.sleep(0.02)
    return count


async def measure(
    folder: Path, options: argparse.Namespace, groups: Sequence[str], environ: dict[str, str]
) -> None:
    """Run the service over feeds that grow, and print the latencies."""
    async with TimedFeeds() as feeds, TimedReceiver() as receiver:
        for number in range(FEEDS):
            feeds.add(f"feed-{number}")
        write_config(folder / "config", feeds, receiver)
        services = [
            ServiceProcess(folder / "config", folder / "data", roles, environ) for roles in groups
        ]
        await asyncio.gather(*(service.start() for service in services))
        count = await publish(feeds, options.rate, options.seconds)
        while len(receiver.times) < len(feeds.served) or len(feeds.served) < count:
            await asyncio.sleep(0.1)
        for service in services:
            await service.stop()
    waits = [feeds.served[guid] - at for guid, at in feeds.published.items()]
    took = [receiver.times[guid] - at for guid, at in feeds.served.items()]
    show("waiting for the poll", waits)
    show("from the feed's answer to the webhook", took)


def show(title: str, seconds: Sequence[float]) -> None:
    """Print the median and the 95th percentile."""
    cuts = statistics.quantiles(seconds, n=100)
    print(f"{title}: p50 {cuts[49]:.3f} s, p95 {cuts[94]:.3f} s, of {len(seconds)} articles")


async def main() -> None:
    """Measure one mode."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", action="store_true")
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=90)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="news-monitor-") as name:
        if not options.server:
            print("embedded, one process")
            await measure(Path(name), options, ("",), {})
            return
        from tests.support.kafka import KafkaServer
        from tests.support.postgres import PostgresServer

        with KafkaServer() as kafka, PostgresServer() as postgres:
            environ = {
                "MONITOR_BROKER_URL": kafka.url,
                "MONITOR_DATABASE_URL": postgres.create_database(),
            }
            print("Kafka and PostgreSQL, " + " | ".join(GROUPS))
            await measure(Path(name), options, GROUPS, environ)


if __name__ == "__main__":
    asyncio.run(main())
