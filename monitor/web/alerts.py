"""What lists of alerts show: all of them, or those of one rule or one topic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.model import AlertRow
from monitor.protocols import Alerts

LOOKED_AT = 1_000
"""Most alerts that one request looks through: no index has those of a topic in their order."""
BATCH = 200


def rule_names(rows: Iterable[AlertRow]) -> dict[str, str]:
    """Return what the rules of alerts are called, by id; one without a name by its id."""
    return {row.alert.rule: row.alert.rule_name or row.alert.rule for row in rows}


@dataclass(frozen=True, slots=True)
class AlertListing:
    """One page of alerts. `older` is the `seq` from which the next one goes on, None on the last;
    a page with less than was asked for is not the last one where there is `older`."""

    rows: Sequence[AlertRow]
    older: int | None = None


async def listed_alerts(
    archive: Alerts, limit: int, before: int | None = None, rule: str = "", topic: str = ""
) -> AlertListing:
    """List alerts, the latest first; of one rule and for one topic where these are given.
    Raises Unavailable."""
    if not (rule or topic):
        rows = await archive.alerts(before, limit + 1)
        return AlertListing(rows[:limit], rows[limit - 1].seq if len(rows) > limit else None)
    found: list[AlertRow] = []
    for _ in range(LOOKED_AT // BATCH):
        batch = await archive.alerts(before, BATCH)
        for row in batch:
            if (rule and row.alert.rule != rule) or (topic and topic not in row.alert.topics):
                continue
            if len(found) == limit:
                return AlertListing(found, found[-1].seq)
            found.append(row)
        if len(batch) < BATCH:
            return AlertListing(found)
        before = batch[-1].seq
    return AlertListing(found, before)
