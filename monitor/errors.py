"""The exception tree, and what each class means for the record that caused it.

MonitorError
├── Rejected                 never going to work           dead-letter now
├── Unavailable(retry_after) broker, database, HTTP down   retry; then wait, resume at the commit
│   └── Unreachable          no connection at all         the same, and asked again sooner
├── DeadLetterLimitExceeded  too many dead letters         stop the consumer, readiness false
├── Stalled                  no client gets what waits     end the process, to be started again
└── ConfigError(problems)    the operator's input is wrong  refuse to start, list every problem
(anything else)              a bug                         retry a few times, then dead-letter
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class MonitorError(Exception):
    """The root of all errors that this service raises on purpose."""


class Rejected(MonitorError):
    """The input will never be accepted, however often it is tried."""


class Unavailable(MonitorError):
    """A peer (broker, database, HTTP server) cannot be reached or asks us to wait.

    `retry_after` is the peer's own wish in seconds, None where it said nothing; `status` is that
    of an HTTP answer, 0 where there was none.
    """

    def __init__(self, message: str, retry_after: float | None = None, status: int = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.status = status


class Unreachable(Unavailable):
    """No connection came about, so the peer was asked nothing: mostly our own network."""


class DeadLetterLimitExceeded(MonitorError):
    """So many records failed that something else than the records must be wrong."""


class Stalled(MonitorError):
    """Records wait and the broker answers, but one client after the other gets none of them."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the configuration: where it is, what is wrong and what cures it."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class ConfigError(MonitorError):
    """Everything that is wrong with the configuration, all of it at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
