"""The server broker: Kafka through aiokafka, with a deadline of our own on every call.

The client hangs for ever in several calls when its broker dies, and its idempotent producer never
recovers from a lost batch; so the producer is plain (what is repeated is harmless behind it), and
a client that makes no progress is abandoned and replaced.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition, errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from monitor.brokers.kafka_client import retire, start, within
from monitor.brokers.kafka_sender import KafkaSender
from monitor.brokers.kafka_subscription import KafkaSubscription, records_of
from monitor.brokers.partition import BATCH_BYTES
from monitor.brokers.settings import differences
from monitor.brokers.size import refuse_oversized
from monitor.channels import Channel
from monitor.clock import SystemClock
from monitor.errors import ConfigError, Problem, Rejected, Unavailable
from monitor.events import NewRecord, Record
from monitor.protocols import Clock

ASK = 10.0  # seconds that connecting and any question may take
STOP = 5.0  # seconds that a client may take to stop
PROBE = 10.0  # seconds of silence after which a reader asks whether the broker is there

# They say that the partition or the group belongs to others now.
_FENCED = (
    errors.CommitFailedError,
    errors.IllegalGenerationError,
    errors.IllegalStateError,
    errors.RebalanceInProgressError,
    errors.UnknownMemberIdError,
)
_REJECTED = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.InvalidTopicError,
)


class KafkaBroker:
    """Kafka at `servers` (host:port each)."""

    def __init__(self, servers: Sequence[str], clock: Clock | None = None) -> None:
        self._servers = list(servers)
        self._clock = clock or SystemClock()
        self._partitions: dict[str, int] = {}
        self._stuck: Counter[str] = Counter()
        self._sender = KafkaSender(self._new_producer, translated, self._clock)

    @classmethod
    def from_url(cls, url: str, clock: Clock | None = None) -> KafkaBroker:
        """Return the broker of `kafka://host1:9092,host2:9092`; raises ConfigError."""
        scheme, _, rest = url.partition("://")
        servers = [server.strip() for server in rest.rstrip("/").split(",")]
        if scheme != "kafka" or not all(_is_address(server) for server in servers):
            cure = "write kafka://host1:9092,host2:9092"
            raise ConfigError([Problem("MONITOR_BROKER_URL", f"{url!r} names no server: {cure}")])
        return cls(servers, clock)

    async def start(self) -> None:
        """Connect; raises Unavailable."""
        # Every lost connection is told in dozens of lines, where our errors say it once.
        client_log = logging.getLogger("aiokafka")
        if client_log.level == logging.NOTSET:
            client_log.setLevel(logging.CRITICAL)
        await self._sender.start()

    async def stop(self) -> None:
        """Disconnect within a few seconds, also from a dead broker; never raises."""
        await self._sender.stop()

    async def ensure(self, channels: Sequence[Channel]) -> Sequence[str]:
        """Create the missing channels; name each setting that differs from its declaration."""
        async with self._client(self._new_admin()) as admin:
            created = await _asked(_create(admin, channels), "creating channels")
            self._partitions |= {channel.name: channel.partitions for channel in created}
            existing = [channel for channel in channels if channel not in created]
            if not existing:
                return []
            stored = await _asked(_describe(admin, existing), "describing channels")
        self._partitions |= {name: channel.partitions for name, channel in stored.items()}
        place = f"Kafka at {','.join(self._servers)}"
        return [
            sentence
            for channel in existing
            for sentence in differences(channel, stored[channel.name], place)
        ]

    async def send(self, channel: Channel, records: Sequence[NewRecord]) -> None:
        """Append all records, acknowledged by all replicas in sync, within 15 s.

        After Unavailable a part may be appended, and may come twice when it is sent again.
        """
        refuse_oversized(channel, records)
        if not records:
            return
        partitions = await self._known(channel)
        try:
            await self._sender.send(channel, partitions, records)
        except Unavailable as error:
            if isinstance(error.__cause__, errors.UnknownTopicOrPartitionError):
                self._partitions.pop(channel.name, None)  # deleted: it is created anew
            raise

    @asynccontextmanager
    async def subscribe(self, channel: Channel, group: str) -> AsyncIterator[KafkaSubscription]:
        """Join a consumer group; leaving lets go of the partitions at once."""

        async def connect() -> Any:
            await self.ensure([channel])  # also where somebody has deleted it
            consumer = self._new_consumer(channel, group)
            what = f"joining {group} on {channel.name}"
            await translated(start(consumer, ASK, what, topic=channel.name), what)
            return consumer

        name = f"{channel.name} for {group}"
        member = KafkaSubscription(name, connect, translated, _FENCED, self._clock, self._stuck)
        await member.join()
        try:
            yield member
        finally:
            await asyncio.shield(asyncio.ensure_future(member.leave()))

    async def read(
        self, channel: Channel, *, from_start: bool, follow: bool
    ) -> AsyncIterator[Record]:
        """Read without a group, from when the first record is asked for."""
        places = [TopicPartition(channel.name, at) for at in range(await self._known(channel))]
        what = f"reading {channel.name}"
        async with self._client(self._new_consumer(channel, None)) as consumer:
            ends = await _asked(consumer.end_offsets(places), what)
            starts = await _asked(consumer.beginning_offsets(places), what) if from_start else ends
            consumer.assign(places)
            for place in places:
                consumer.seek(place, starts[place])
            while follow or [at for at in places if await consumer.position(at) < ends[at]]:
                wait = int(PROBE * 1000)
                fetched = await translated(consumer.getmany(timeout_ms=wait), what)
                for record in records_of(fetched):
                    at = TopicPartition(channel.name, record.partition)
                    if follow or record.offset < ends[at]:
                        yield record
                if not fetched:  # silence may be a broker that is away
                    await _asked(consumer.end_offsets(places), what)

    async def lag(self, channel: Channel, group: str) -> int:
        """Return how many records the group has not committed; 0 for an unknown channel."""
        what = f"asking for the lag of {group}"
        if channel.name not in self._partitions:
            async with self._client(self._new_admin()) as admin:
                if channel.name not in await _asked(admin.list_topics(), what):
                    return 0
        places = [TopicPartition(channel.name, at) for at in range(await self._known(channel))]
        async with self._client(self._new_consumer(channel, group)) as consumer:
            ends = await _asked(consumer.end_offsets(places), what)
            starts = await _asked(consumer.beginning_offsets(places), what)
            lag = 0
            for place in places:
                committed = await _asked(consumer.committed(place), what) or 0
                lag += ends[place] - max(committed, starts[place])
            return int(lag)

    async def _known(self, channel: Channel) -> int:
        """Return the number of partitions of a channel, created where it is missing."""
        if channel.name not in self._partitions:
            await self.ensure([channel])
        return self._partitions[channel.name]

    @asynccontextmanager
    async def _client(self, client: Any) -> AsyncIterator[Any]:
        """Start a client for one use."""
        what = f"connecting to {','.join(self._servers)}"
        await translated(start(client, ASK, what), what)
        try:
            yield client
        finally:
            await retire(client, STOP)

    def _new_producer(self) -> Any:
        return AIOKafkaProducer(
            bootstrap_servers=self._servers,
            acks="all",
            enable_idempotence=False,
            request_timeout_ms=10_000,
            retry_backoff_ms=250,
            linger_ms=0,  # the batches come ready-made: nothing more is to be waited for
            compression_type="snappy",
            max_batch_size=BATCH_BYTES,
        )

    def _new_consumer(self, channel: Channel, group: str | None) -> Any:
        return AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_interval_ms=300_000,
            session_timeout_ms=15_000,
            heartbeat_interval_ms=3_000,
            rebalance_timeout_ms=30_000,
            request_timeout_ms=20_000,
            metadata_max_age_ms=60_000,
            max_partition_fetch_bytes=max(2_097_152, channel.max_bytes),
            check_crcs=True,
            partition_assignment_strategy=(StickyPartitionAssignor,),
        )

    def _new_admin(self) -> Any:
        return AIOKafkaAdminClient(bootstrap_servers=self._servers, request_timeout_ms=8_000)


async def translated(call: Awaitable[Any], what: str) -> Any:
    """Return what a call of the client returns; raises our errors, but for a group moved on."""
    try:
        return await call
    except _FENCED:
        raise
    except _REJECTED as error:
        raise Rejected(f"{what}: {error}") from error
    except (errors.KafkaError, errors.ConsumerStoppedError, OSError) as error:
        raise Unavailable(f"{what}: {error!r}") from error


async def _asked(call: Awaitable[Any], what: str) -> Any:
    return await within(ASK, translated(call, what), what)


async def _create(admin: Any, channels: Sequence[Channel]) -> list[Channel]:
    """Create channels and return those that did not exist."""
    names = set(await admin.list_topics())
    missing = [channel for channel in channels if channel.name not in names]
    if not missing:
        return []
    # The protocol's version that this client speaks knows no default of the broker.
    replicas = min(3, len((await admin.describe_cluster())["brokers"]))
    topics = [
        NewTopic(
            channel.name,
            channel.partitions,
            replicas,
            topic_configs={
                "retention.ms": str(channel.retention * 1000),
                "max.message.bytes": str(channel.max_bytes),
                "message.timestamp.type": "LogAppendTime",
            },
        )
        for channel in missing
    ]
    answer = await admin.create_topics(topics)
    codes = {name: (code, message) for name, code, message in answer.topic_errors}
    created = []
    for channel in missing:
        code, message = codes[channel.name]
        if code == 0:
            created.append(channel)
        elif code != errors.TopicAlreadyExistsError.errno:  # another process was faster
            raise errors.for_code(code)(f"channel {channel.name}: {message}")
    return created


async def _describe(admin: Any, channels: Sequence[Channel]) -> dict[str, Channel]:
    """Return channels as they are on the broker."""
    names = [channel.name for channel in channels]
    topics = {topic["topic"]: topic for topic in await admin.describe_topics(names)}
    wanted: dict[str, None] = {"retention.ms": None, "max.message.bytes": None}
    answers = await admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name, wanted) for name in names]
    )
    found = {}
    for answer in answers:
        for code, message, _, name, entries in answer.resources:
            if code:
                raise errors.for_code(code)(f"channel {name}: {message}")
            values = {entry[0]: int(entry[1]) for entry in entries}
            found[name] = Channel(
                name,
                len(topics[name]["partitions"]),
                values["retention.ms"] // 1000,
                values["max.message.bytes"],
            )
    return found


def _is_address(server: str) -> bool:
    host, _, port = server.rpartition(":")
    return bool(host) and port.isdecimal()
