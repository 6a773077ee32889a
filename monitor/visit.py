"""What one visit to a host has asked so far, and whether it may ask for a page (RFC 9309)."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.decide.hosts import THROTTLED
from monitor.errors import MonitorError, Rejected, Unavailable
from monitor.model import Asked, Document, NotModified, Robots
from monitor.protocols import Clock, Getter
from monitor.sources.robots import MAX_ANSWER, allowed, crawl_delay, is_fresh, robots_of
from monitor.text.hosts import origin


@dataclass(slots=True)
class Visit:
    """`robots` are those that are known, by origin; `learned` those that were fetched meanwhile.
    `delay` in s is what robots.txt asks for between two requests."""

    web: Getter
    clock: Clock
    agent: str
    robots: dict[str, Robots]
    learned: dict[str, Robots] = field(default_factory=dict)
    requests: int = 0
    delay: float = 0.0
    answer: Document | NotModified | None = None

    def __post_init__(self) -> None:
        # A feed needs no leave, but the host's next page is as far from it as from any other.
        known = self.robots.values()
        self.delay = max((crawl_delay(robots, self.agent) for robots in known), default=0.0)

    async def get(self, url: str, *, max_bytes: int = 0, user_agent: str = "") -> Document:
        """Return what an address holds, and count the request. Raises as the getter."""
        self.requests += 1
        return await self.web.get(url, max_bytes=max_bytes, user_agent=user_agent)

    async def ask_leave(self, url: str, agent: str = "") -> None:
        """Return where robots.txt lets us ask for a page; it is fetched once a day.

        Raises Rejected where it forbids the page, Unavailable where it cannot be had.
        """
        place, agent = origin(url), agent or self.agent
        known = self.robots.get(place)
        if known is None or not is_fresh(known, self.clock.now()):
            answer: Document | MonitorError
            try:
                answer = await self.get(f"{place}/robots.txt", max_bytes=MAX_ANSWER)
            except MonitorError as error:
                answer = error
            known = robots_of(answer, self.clock.now())
            self.robots[place] = self.learned[place] = known
        self.delay = crawl_delay(known, agent)
        if known.deny_all:
            raise Unavailable(f"robots.txt of {place} cannot be read, so its pages are not asked")
        if not allowed(known, url, agent):
            raise Rejected(f"robots.txt of {place} forbids {url}")

    def asked(self, error: MonitorError | None, *, conditional: bool = False) -> Asked:
        """Return the visit in numbers; `conditional` says that its source was asked so."""
        status = error.status if isinstance(error, Unavailable) else 0
        answer = self.answer
        return Asked(
            requests=self.requests,
            conditional=int(conditional and self.requests > 0),
            not_modified=int(isinstance(answer, NotModified) and answer.status == 304),
            throttled=int(status in THROTTLED),
            failed=int(error is not None),
            size=answer.size if answer else 0,
        )
