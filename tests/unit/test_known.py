"""What is known is asked once for all that ask within a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from monitor.errors import Unavailable
from monitor.known import LINGER, Gathered
from monitor.model import Known
from monitor.store import SqlStore
from tests.support.articles import an_article
from tests.support.clock import FakeClock


class Counted(SqlStore):
    """A store that notes what it was asked for; `away` says that its database is."""

    away = False
    asked: list[Sequence[str]]

    async def known(self, article_ids: Sequence[str]) -> Mapping[str, Known]:
        self.asked.append(article_ids)
        if self.away:
            raise Unavailable("the database is away")
        return await super().known(article_ids)


@pytest.fixture
async def store(tmp_path: Path) -> Counted:
    opened = Counted.from_url(f"sqlite+aiosqlite:///{tmp_path}/monitor.db")
    assert isinstance(opened, Counted)
    opened.asked = []
    await opened.start()
    await opened.migrate()
    await opened.record_articles([an_article(id="a"), an_article(id="b")])
    return opened


async def test_polls_that_ask_together_are_answered_together(store: Counted) -> None:
    clock = FakeClock()
    gathered = Gathered(store, clock, polling=4)
    one, other = await asyncio.gather(gathered.known(["a", "x"]), gathered.known(["a", "b"]))
    assert store.asked == [["a", "b", "x"]]
    assert set(one) >= {"a"}
    assert set(other) == {"a", "b"}
    assert clock.slept == [LINGER]
    await store.stop()


async def test_a_poll_that_is_alone_does_not_wait(store: Counted) -> None:
    clock = FakeClock()
    gathered = Gathered(store, clock, polling=1)
    assert set(await gathered.known(["b"])) == {"b"}
    assert await gathered.known([]) == {}
    assert (store.asked, clock.slept) == ([["b"]], [])
    await store.stop()


async def test_an_outage_is_told_to_all_and_to_nobody_after_them(store: Counted) -> None:
    gathered = Gathered(store, FakeClock(), polling=2)
    store.away = True
    outcomes = await asyncio.gather(
        gathered.known(["a"]), gathered.known(["b"]), return_exceptions=True
    )
    assert [str(outcome) for outcome in outcomes] == ["the database is away"] * 2
    store.away = False
    assert set(await gathered.known(["a"])) == {"a"}
    await store.stop()


async def test_a_poll_that_is_given_up_does_not_stop_the_others(store: Counted) -> None:
    gathered = Gathered(store, FakeClock(), polling=3)
    asking = [asyncio.ensure_future(gathered.known([name])) for name in ("a", "b")]
    await asyncio.sleep(0)
    asking[0].cancel()
    assert set(await asking[1]) >= {"b"}
    with pytest.raises(asyncio.CancelledError):
        await asking[0]
    await store.stop()
