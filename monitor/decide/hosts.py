"""When a host may be asked again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.errors import MonitorError, Unavailable

LEAST_GAP = 2.0
LONGEST_CRAWL_DELAY = 60.0
LONGEST_HOLD = 3_600.0
THROTTLED = frozenset({429, 503})


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlan:
    """When a host may be asked next, and the URL that it answered with 429 or 503 last."""

    next_at: datetime
    throttled_by: str = ""


def host_after(
    url: str,
    *,
    started: datetime,
    ended: datetime,
    requests: int = 1,
    crawl_delay: float = 0.0,
    throttled_by: str = "",
    error: MonitorError | None = None,
) -> HostPlan:
    """Return when a host may be asked again after a visit for `url`.

    Starts of requests are 2 s apart, or what its robots.txt asks for, up to a minute; where the
    visit took more than one request the gap counts from its end. A host that throttles one URL is
    asked for others; when it throttles a second one (`throttled_by` is the first), it is left alone
    for its Retry-After, an hour at most and without one. A good answer ends that.
    """
    gap = timedelta(seconds=max(LEAST_GAP, min(crawl_delay, LONGEST_CRAWL_DELAY)))
    next_at = max((started if requests <= 1 else ended) + gap, ended)
    if error is None:
        return HostPlan(next_at=next_at)
    if not (isinstance(error, Unavailable) and error.status in THROTTLED):
        return HostPlan(next_at=next_at, throttled_by=throttled_by)
    if throttled_by and throttled_by != url:
        wish = LONGEST_HOLD if error.retry_after is None else error.retry_after
        next_at = max(next_at, ended + timedelta(seconds=min(wish, LONGEST_HOLD)))
    return HostPlan(next_at=next_at, throttled_by=url)
