"""A real Apache Kafka for tests: one node of a pinned version, its programs fetched by Maven."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import uuid
import warnings
from collections.abc import Generator, Iterator
from pathlib import Path
from types import TracebackType

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from tests.support.maven import folder_of, jars_of
from tests.support.ports import free_port

VERSION = "4.3.1"
HOST = "127.0.0.1"
START_SECONDS = 90.0
STOP_SECONDS = 30.0

ARTIFACTS = (
    ("org.apache.kafka", "kafka_2.13", VERSION),
    ("org.apache.kafka", "kafka-tools", VERSION),
)


def available() -> str | None:
    """Return why Kafka cannot be started here, None where it can."""
    missing = [name for name in ("java", "mvn") if shutil.which(name) is None]
    if missing and not (shutil.which("java") and folder_of(ARTIFACTS).is_dir()):
        return f"Kafka needs {' and '.join(missing)} on the PATH"
    return None


class KafkaServer:
    """One server. It is started with `start`, or by `with`, which also stops it."""

    def __init__(self, data: Path | None = None, port: int | None = None) -> None:
        """Take a folder that is kept, or a temporary one; a fixed port, or a free one."""
        self.port = port or free_port()
        self._controller_port = free_port()
        self._kept = data is not None
        self._home = (data or Path(tempfile.mkdtemp(prefix="monitor-kafka-"))).absolute()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL that MONITOR_BROKER_URL takes."""
        return f"kafka://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The number of the server's first process."""
        assert self._process is not None
        return self._process.pid

    @property
    def log_file(self) -> Path:
        """What the server wrote."""
        return self._home / "kafka.log"

    def describe(self) -> str:
        """Return a line for a person."""
        return f"MONITOR_BROKER_URL={self.url}  # Apache Kafka {VERSION}, log {self.log_file}"

    def start(self) -> None:
        """Format the folder where it is new and start; returns when requests are answered.

        Raises RuntimeError, with the end of its log, where it does not come up.
        """
        if self._process is not None:
            return
        jars = jars_of(ARTIFACTS)
        self._home.mkdir(parents=True, exist_ok=True)
        settings = self._home / "server.properties"
        settings.write_text(self._settings())
        with self.log_file.open("ab") as log:
            if not (self._home / "log" / "meta.properties").exists():
                cluster = uuid.uuid4().hex[:22]
                tool = ("kafka.tools.StorageTool", "format", "--standalone", "--cluster-id")
                command = _java(jars, *tool, cluster, "--config", str(settings))
                subprocess.run(command, check=True, stdout=log, stderr=log)
            self._process = subprocess.Popen(
                _java(jars, "kafka.Kafka", str(settings)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests, which then stop the server
            )
        self._await_answer()

    def stop(self) -> None:
        """Stop in good order, by force where that takes too long; a temporary folder goes."""
        self._end(signal.SIGTERM)
        if not self._kept:
            shutil.rmtree(self._home, ignore_errors=True)

    def kill(self) -> None:
        """Kill it as a power cut would, but for what the system still writes."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stop it in its tracks: its connections stay open and nobody answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """Start again on the same port with the same data, after `kill` or from running."""
        self._end(signal.SIGTERM)
        self.start()

    async def delete(self, topic: str) -> None:
        """Delete a topic."""
        admin = AIOKafkaAdminClient(bootstrap_servers=f"{HOST}:{self.port}")
        await admin.start()
        try:
            await admin.delete_topics([topic])
            while topic in await admin.list_topics():
                await asyncio.sleep(0.05)
        finally:
            await admin.close()

    def __enter__(self) -> KafkaServer:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _settings(self) -> str:
        return "\n".join(
            (
                "process.roles=broker,controller",
                "node.id=1",
                f"listeners=PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self._controller_port}",
                f"advertised.listeners=PLAINTEXT://{HOST}:{self.port}",
                f"controller.quorum.bootstrap.servers={HOST}:{self._controller_port}",
                "controller.listener.names=CONTROLLER",
                f"log.dirs={self._home / 'log'}",
                "offsets.topic.replication.factor=1",
                "offsets.topic.num.partitions=4",
                "transaction.state.log.replication.factor=1",
                "transaction.state.log.min.isr=1",
                "group.initial.rebalance.delay.ms=0",
                "auto.create.topics.enable=false",
                "",
            )
        )

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(self.port):
            died = self._process is None or self._process.poll() is not None
            if died or time.monotonic() > deadline:
                self._end(signal.SIGKILL)
                tail = self.log_file.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"Kafka did not start on port {self.port}:\n{tail}")
            time.sleep(0.1)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise RuntimeError("Kafka is not running")
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def reason_to_skip() -> str | None:
    """Return why Kafka's tests are skipped; fails where MONITOR_TEST_REQUIRE_ALL=1 forbids it."""
    reason = available()
    if reason is not None and os.environ.get("MONITOR_TEST_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    return reason


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Collect the connections that Kafka's client has forgotten to close when it was cut off.

    Here, silently, instead of wherever the collector's turn would come: after the test's loop has
    gone, too, since it may hold some until then.
    """
    if not item.get_closest_marker("kafka"):
        return (yield)
    gc.disable()
    try:
        return (yield)
    finally:
        with warnings.catch_warnings(action="ignore", category=ResourceWarning):
            gc.collect()
        gc.enable()


@pytest.fixture(scope="session")
def kafka_server() -> Iterator[KafkaServer]:
    """A running Kafka for all tests of the session, which must not stop it."""
    if (reason := reason_to_skip()) is not None:
        pytest.skip(reason)
    with KafkaServer() as server:
        yield server


@pytest.fixture
def mortal_kafka() -> Iterator[KafkaServer]:
    """A running Kafka for one test alone, which may kill it."""
    if (reason := reason_to_skip()) is not None:
        pytest.skip(reason)
    with KafkaServer() as server:
        yield server
    # What a client leaves behind when it is abandoned is to be found in this test, not later.
    gc.collect()


def _java(jars: Path, *arguments: str) -> list[str]:
    options = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-Djava.awt.headless=true")
    return ["java", *options, "-cp", f"{jars}/*", *arguments]


def _answers(port: int) -> bool:
    """Ask which requests the server knows, in the oldest form, and wait for an answer."""
    request = struct.pack(">hhih", 18, 0, 1, -1)
    try:
        with socket.create_connection((HOST, port), timeout=2) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            return len(connection.recv(4)) > 0
    except OSError:
        return False
