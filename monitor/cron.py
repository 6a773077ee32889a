"""Schedules in cron's words, in UTC. The only importer of cronsim."""

from __future__ import annotations

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError


def next_run(cron: str, after: datetime) -> datetime:
    """Return the first moment after `after` that a schedule of five fields names, in UTC.

    Raises ValueError, with what is wrong, where it is no such schedule or names no moment at all.
    """
    if len(cron.split()) != 5:
        raise ValueError(
            f"{cron!r} is no schedule: five fields are needed, minute hour day month weekday"
        )
    try:
        return next(CronSim(cron, after.astimezone(UTC)))
    except CronSimError as error:
        raise ValueError(f"{cron!r} is no schedule: {str(error).lower()}") from error
    except StopIteration as error:
        raise ValueError(f"{cron!r} never comes") from error
