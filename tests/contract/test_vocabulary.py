"""What the articles of the last 30 days hold, on every database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor import vocabulary
from monitor.clock import SystemClock
from monitor.store import SqlStore
from monitor.topics.advice import ENOUGH, Vocabulary, strangers
from monitor.topics.query import parse
from monitor.vocabulary import NewestWords
from tests.support.articles import an_article

DAY = timedelta(days=1)
TODAY = SystemClock().now()


async def asked(store: SqlStore) -> Vocabulary:
    """The vocabulary of the command and of the API."""
    return await NewestWords.of(store, SystemClock().now())


async def fill(store: SqlStore, articles: int = ENOUGH) -> None:
    """Store articles of today and yesterday, and one that is too old to count."""
    made = [an_article(id="old", title="A gale", body="", fetched=TODAY - 31 * DAY)]
    made += [
        an_article(id=f"a{n}", title=f"Storm ferry{n}", body="Défense", fetched=TODAY - n % 2 * DAY)
        for n in range(articles)
    ]
    await store.save_articles(made, TODAY)


async def told(vocabulary: Vocabulary, query: str) -> list[str]:
    return [surprise.sentence for surprise in await strangers(parse(query), vocabulary)]


async def test_what_no_article_of_the_last_30_days_holds_is_told(store: SqlStore) -> None:
    await fill(store)
    words = await asked(store)
    assert words.articles == ENOUGH
    cure = "in none of 200 articles: check the spelling"
    assert await told(words, "ferry7 (gale OR gal* OR hail^en OR galez~1 OR ferry8)") == [
        f"gale, gal*, hail^en, galez~1 are {cure}"
    ]
    assert await told(words, "ferry7 ferry1* ferry12^en =FERRY9 unheard~2 défense NOT gale") == [
        f"unheard~2 is {cure}",
        "defense is in 100 % of 200 articles: leave it out, or write =DEFENSE if the capitals are"
        " meant",
    ]


async def test_few_articles_tell_nothing(store: SqlStore) -> None:
    await fill(store, ENOUGH - 1)
    assert await told(await asked(store), "gale") == []


async def test_what_only_a_sample_lacks_is_not_told(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "SAMPLE", 2)
    await fill(store)
    await store.save_articles([an_article(id="new", title="x"), an_article(id="last")], TODAY)
    words = await asked(store)
    assert await told(words, "ferry7 ferry8* ferry9^en ferry101~1 zzz*") == [
        "zzz* is in none of 202 articles: check the spelling"
    ]
