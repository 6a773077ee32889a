"""A member of a consumer group as a process: `python -m tests.support.member URL CHANNEL N GROUP`.

It writes `joined`, then the value of each record when it has processed it, and commits after that.
"""

from __future__ import annotations

import asyncio
import sys

from monitor.channels import Channel
from tests.support.brokers import running


async def consume(url: str, channel: Channel, group: str) -> None:
    """Process records until the process is killed."""
    async with running(url) as broker, broker.subscribe(channel, group) as subscription:
        print("joined", flush=True)
        while True:
            batch = await subscription.receive(20, wait=1)
            for record in batch:
                print(record.value.decode(), flush=True)
            await subscription.commit(batch)


if __name__ == "__main__":
    url, name, partitions, group = sys.argv[1:]
    asyncio.run(consume(url, Channel(name, int(partitions)), group))
