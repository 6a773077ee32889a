"""What the service says of itself: metrics, logs and health, all declared here.

Metric names follow Prometheus' naming and OpenTelemetry's messaging conventions; labels never
hold a URL, a title or a source, so the number of series stays small.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(f"newsmonitor_{name}", text, labels, registry=REGISTRY)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(f"newsmonitor_{name}", text, labels, registry=REGISTRY)


def _histogram(name: str, text: str, *labels: str) -> Histogram:
    return Histogram(f"newsmonitor_{name}", text, labels, registry=REGISTRY, buckets=_SECONDS)


POLLS = _counter("source_polls", "Finished polls.", "outcome")
POLL_SECONDS = _histogram("source_poll_duration_seconds", "From lease to recorded poll.", "outcome")
POLL_LAG = _gauge("source_poll_lag_seconds", "How late the latest poll started.")
HUB_PUSHES = _counter("hub_pushes", "Documents that WebSub hubs sent.", "outcome")
PAGES = _counter("article_pages", "Visits for the pages of articles.", "outcome")
ARTICLES_FETCHED = _counter("articles_fetched", "New or revised articles put into the outbox.")
OUTBOX_ROWS = _gauge("outbox_rows", "Rows in the outbox.", "state")
OUTBOX_AGE = _gauge("outbox_oldest_age_seconds", "Age of the oldest row that is not sent.")
RELAY_RESENT = _counter("outbox_resent", "Rows sent again because they were never stored.")
RECEIVED = _counter("consumed_messages", "Records received.", "consumer")
SENT = _counter("sent_messages", "Records sent.", "consumer")
PROCESS_SECONDS = _histogram(
    "process_duration_seconds", "One batch, from received to committed.", "consumer"
)
LAG = _gauge("consumer_lag_records", "Records not committed yet.", "consumer")
DEAD_LETTERS = _counter("dead_letters", "Records that were dead-lettered.", "consumer", "reason")
RETRIES = _counter("process_retries", "Batches that were tried again.", "consumer", "reason")
ARTICLES_STORED = _counter("articles_stored", "Articles that the store step has handled.")
COPIES = _counter("article_copies", "Articles dropped as copies of one already owned.")
ALERTS = _counter("alerts", "Alerts handed to the store.")
DELIVERIES = _counter("alert_delivery_attempts", "Attempts to deliver.", "kind", "outcome")
DELIVERY_SECONDS = _histogram(
    "alert_delivery_latency_seconds", "From the article's poll to a delivery that worked.", "kind"
)
SSRF_BLOCKED = _counter("ssrf_blocked", "Requests refused for where they would have gone.")
LOOP_LAG = _gauge("event_loop_lag_seconds", "How late the event loop ran its last beat.")

HealthStatus = Literal["ok", "degraded", "down"]


@dataclass(slots=True)
class Health:
    """What each part says of itself. Degraded parts leave the service ready; one down does not.

    `beat` is the monotonic time of the event loop's last beat.
    """

    parts: dict[str, tuple[HealthStatus, str]] = field(default_factory=dict)
    beat: float = 0.0
    starting: bool = False
    draining: bool = False

    def report(self, part: str, status: HealthStatus, text: str = "") -> None:
        """Remember how a part is; log when that changes."""
        before = self.parts.get(part, ("ok", ""))[0]
        self.parts[part] = (status, text)
        if status != before:
            level = logging.INFO if status == "ok" else logging.WARNING
            logging.getLogger(__name__).log(
                level, "%s is %s", part, f"{status}: {text}" if text else status
            )

    def ready(self) -> bool:
        """Return whether this process can do its work."""
        down = any(status == "down" for status, _ in self.parts.values())
        return not (self.starting or self.draining or down)

    def summary(self) -> Mapping[str, object]:
        """Return the status of the whole and of each part, ready for JSON."""
        states = {status for status, _ in self.parts.values()}
        order = (
            ("draining", self.draining),
            ("down", "down" in states),
            ("starting", self.starting),
            ("degraded", "degraded" in states),
        )
        whole = next((name for name, holds in order if holds), "ok")
        return {
            "status": whole,
            "parts": {
                name: {"status": status, "text": text}
                for name, (status, text) in sorted(self.parts.items())
            },
        }


def configure_logging(style: Literal["auto", "text", "json"], level: str) -> None:
    """Send all logs to stderr: JSON lines, or text where a person reads along."""
    text = style == "text" or (style == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if text else "iso", utc=not text),
    ]
    final: list[structlog.typing.Processor]
    if text:
        final = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                pad_event_to=0,
                exception_formatter=structlog.dev.plain_traceback,  # no values: some are secret
            )
        ]
    else:
        final = [
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    for noisy in ("alembic", "uvicorn", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
