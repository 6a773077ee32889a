"""The topics of a process: what one start has parsed, the next one need not."""

from __future__ import annotations

import pytest

from monitor.catalog import Catalog
from monitor.errors import Unavailable
from monitor.model import Topic
from monitor.store import SqlStore
from monitor.telemetry import Health
from monitor.topics.packed import unpack
from monitor.topics.tree import Term
from tests.support.articles import an_article

STORM = Topic(id="storm", name="Storms", query="storm OR hurricane")
GALE = Topic(id="gale", name="Gales", query="gale")
ARTICLES = [an_article(title="A hurricane"), an_article(title="A gale")]


async def a_store() -> SqlStore:
    store = SqlStore.from_url("sqlite://")
    await store.start()
    await store.migrate()
    return store


async def test_the_next_start_finds_what_was_parsed() -> None:
    store = await a_store()
    await Catalog(store, Health()).declare([STORM, GALE], [])
    change = await store.catalog_since(-1)
    assert unpack(change.trees["gale"]) == Term("gale")
    again = Catalog(store, Health())
    await again.declare([STORM, GALE], [])
    assert [topics for topics, _ in await again.match(ARTICLES)] == [("storm",), ("gale",)]
    assert await store.catalog_revision() == change.revision
    await store.stop()


async def test_topics_take_effect_where_their_trees_cannot_be_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("away")

    store, health = await a_store(), Health()
    monkeypatch.setattr(store, "keep_trees", away)
    catalog = Catalog(store, health)
    await catalog.declare([STORM], [])
    assert catalog.versions == {"storm": 1}
    assert health.parts["topics"] == ("ok", "")
    await store.stop()
