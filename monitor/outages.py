"""Tells of sources that cannot be reached: in one line for all, when their number changes much."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

NAMES_SHOWN = 3
QUIET = 600.0
"""Seconds in which a number that has not doubled is not told again: when the network goes, one
source after the other finds out."""


@dataclass(slots=True)
class Outages:
    """Who cannot be reached now, and how many that were when it was last told."""

    _unreachable: dict[str, str] = field(default_factory=dict)
    _reported: int = 0
    _told_at: float = 0.0

    def note(self, source: str, error: str) -> None:
        """Remember why a source cannot be reached; "" where it can."""
        if error:
            self._unreachable[source] = error
        else:
            self._unreachable.pop(source, None)

    def report(self, now: float) -> None:
        """Say in one line that sources cannot be reached, where that is news at `now`, in seconds
        that never run backwards."""
        count = len(self._unreachable)
        soon = now - self._told_at < QUIET and count < 2 * self._reported
        if count == self._reported or (count and soon):
            return
        self._reported, self._told_at = count, now
        if not count:
            log.info("all sources can be reached again")
            return
        names = ", ".join(sorted(self._unreachable)[:NAMES_SHOWN])
        more = f" and {count - NAMES_SHOWN} more" if count > NAMES_SHOWN else ""
        reason = next(iter(self._unreachable.values()))
        log.warning(
            "%d source%s unreachable (%s%s): %s; polling goes on with growing pauses",
            count,
            " is" if count == 1 else "s are",
            names,
            more,
            reason,
        )
