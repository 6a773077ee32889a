"""A feed whose hub pushes what it publishes: stored and alerted without a poll."""

from __future__ import annotations

from pathlib import Path

from tests.support.clock import FastClock
from tests.support.hub import Hub
from tests.support.running import WITHIN, a_service
from tests.support.site import TITLES, Site, atom
from tests.support.world import until

ATOM = "application/atom+xml"
LOOK = 601.0
SETTLES = 31.0


async def test_what_a_hub_pushes_is_alerted_without_a_poll(tmp_path: Path) -> None:
    clock = FastClock(rate=1)
    async with Hub(clock) as hub, Site("127.5.0.1") as site:
        topic = site.url("/feed")

        def document(count: int) -> str:
            links = f'<link rel="hub" href="{hub.url}"/><link rel="self" href="{topic}"/>'
            text = atom(site.url(""), count, "The council met.")
            return text.replace("<title>", f"{links}<title>", 1)

        site.put("/feed", document(2), ATOM)
        feed = {"type": "feed", "url": topic, "full_text": "never", "backlog": "none"}
        async with a_service(tmp_path, {"wire": feed}, clock) as running:
            await running.stored(2)
            before = await running.source("wire")
            for wait in (LOOK, SETTLES):
                clock.advance(wait)
                await running.service.subscriber.run_once()
            await hub.settled()
            ((key, _),) = hub.subscribed.items()
            confirmed = await running.source("wire")
            polls = len(confirmed["polls"])
            asked = len(site.asked)
            unsigned = await hub.send(topic, key[1], document(4).encode(), "sha256=" + "0" * 64)
            answers = await hub.publish(topic, document(3).encode())

            async def alerted() -> bool:
                return TITLES[2] in await running.alerted()

            took = await until(alerted, WITHIN, "the pushed article alerted")
            await running.stored(3)
            after = await running.source("wire")
            assert await running.alerted() == sorted(TITLES[:3])
    assert key == (topic, key[1])
    assert key[1].startswith(f"{running.base}/websub/")
    assert [made.status for made in hub.verifications] == [200]
    assert (unsigned, answers) == (202, [202])
    assert took < 10
    assert confirmed["hub"]["confirmed_until"] is not None
    assert (len(after["polls"]), len(site.asked)) == (polls, asked), "without a poll"
    assert after["pace"] > 3 * before["pace"], "a hub that pushes is relied on"
