"""Claims and sightings, on every database."""

from __future__ import annotations

import asyncio
import random
import string
from dataclasses import replace

import pytest

from consumers.dedupe import claims_of
from monitor.errors import Rejected
from monitor.model import Sighting
from monitor.sources.items import item_id_of
from monitor.store import SqlStore
from monitor.text.urls import MAX_URL
from tests.support.articles import NOW, an_article
from tests.support.stores import OpenStore


async def test_the_first_writer_owns_a_key_for_ever(store: SqlStore) -> None:
    assert await store.claim({"url:1": "a"}) == {"url:1": "a"}
    assert await store.claim({"url:1": "b", "url:2": "b"}) == {"url:1": "a", "url:2": "b"}
    assert await store.claim({"url:1": "a"}) == {"url:1": "a"}, "and the owner keeps it"


async def test_no_keys_have_no_owners(store: SqlStore) -> None:
    assert await store.claim({}) == {}


async def test_keys_of_every_kind_of_text(store: SqlStore) -> None:
    keys = {"ключ 🗝": "é", 'it\'s "quoted" \\ %_': "b", "": "empty", "{1,2}": "NULL"}
    assert await store.claim(keys) == keys
    assert await store.claim(dict.fromkeys(keys, "late")) == keys


async def test_the_longest_keys_that_an_article_has(store: SqlStore) -> None:
    chosen = random.Random(1)
    guid = "tag:" + "".join(chr(chosen.randint(0x4E00, 0x9FFF)) for _ in range(1_020))
    path = "".join(chosen.choices(string.ascii_letters + string.digits, k=MAX_URL - 30))
    article = an_article(item_id=item_id_of(guid), url=f"https://x.example/{path}")
    keys = dict.fromkeys(claims_of(article), "a")
    assert len(keys) > 1
    assert await store.claim(keys) == keys


@pytest.mark.parametrize("bad", ["nul\0here", "half a pair \ud800"])
async def test_text_that_a_database_cannot_hold_is_rejected(store: SqlStore, bad: str) -> None:
    with pytest.raises(Rejected):
        await store.claim({bad: "a", "good": "a"})
    assert await store.claim({"good": "b"}) == {"good": "b"}, "nothing of the batch remains"


async def test_a_backslash_before_u0000_is_no_nul(store: SqlStore) -> None:
    assert await store.claim({"\\u0000": "a"}) == {"\\u0000": "a"}


async def test_claimers_at_once_agree_on_every_owner(open_store: OpenStore) -> None:
    stores = [await open_store() for _ in range(3)]
    keys = [f"key{number}" for number in range(150)]

    async def claim(number: int) -> dict[str, str]:
        start = number * 17 % 100
        mine = keys[start : start + 50]
        ordered = mine if number % 2 else mine[::-1]
        return dict(await stores[number % 3].claim(dict.fromkeys(ordered, f"owner{number}")))

    owners: dict[str, set[str]] = {}
    for answer in await asyncio.gather(*(claim(number) for number in range(24))):
        for key, owner in answer.items():
            owners.setdefault(key, set()).add(owner)
    assert all(len(names) == 1 for names in owners.values())
    assert await stores[0].claim(dict.fromkeys(owners, "late")) == {
        key: names.pop() for key, names in owners.items()
    }


async def test_of_copies_claimed_at_once_one_is_the_original(open_store: OpenStore) -> None:
    stores = [await open_store() for _ in range(2)]
    for run in range(10):
        keys = [f"url:{run}", f"text:{run}"]
        answers = await asyncio.gather(
            stores[0].claim(dict.fromkeys(keys, "a")), stores[1].claim(dict.fromkeys(keys, "b"))
        )
        owners = {owner for answer in answers for owner in answer.values()}
        assert owners in ({"a"}, {"b"})


def a_sighting(article_id: str, original_id: str) -> Sighting:
    return Sighting(
        article_id=article_id, original_id=original_id, source="wire", url="https://x", seen=NOW
    )


async def test_the_first_sighting_of_a_copy_stands(store: SqlStore) -> None:
    await store.record_sightings([a_sighting("copy", "original"), a_sighting("copy", "other")])
    await store.record_sightings([replace(a_sighting("copy", "third"), url="https://y")])
    assert await store.copies(["copy", "original"]) == {"copy": "original"}
    assert await store.copies([]) == {}
    await store.record_sightings([])
