"""`monitor articles` and `monitor search`: what is said where there is nothing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli import cli
from monitor.model import Owner
from monitor.store import SqlStore
from tests.support.articles import NOW, an_article
from tests.support.polls import a_source


@pytest.fixture(autouse=True)
def _config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").mkdir()
    for name in ("sources", "topics", "alerts"):
        (tmp_path / "config" / f"{name}.yaml").write_text("")
    monkeypatch.setenv("MONITOR_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("MONITOR_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "No articles. `monitor run` polls the sources"),
        (["--topic", "sco"], "No stored article has the topic 'sco'."),
        (["--source", "afp"], "No stored article is of the source 'afp'."),
        (["--topic", "sco", "--source", "afp"], "article of the source 'afp' has the topic 'sco'"),
    ],
)
def test_an_empty_list_says_why(options: list[str], told: str) -> None:
    result = CliRunner().invoke(cli, ["articles", *options])
    assert result.exit_code == 0
    assert told in result.output


def test_the_articles_of_a_source_that_was_renamed(tmp_path: Path) -> None:
    async def fill(name: str, location: str) -> None:
        store = SqlStore.from_url(f"sqlite:///{tmp_path / 'data' / 'monitor.db'}")
        await store.start()
        await store.migrate()
        await store.declare([a_source(name, location=location, owner=Owner.CONFIG)], NOW)
        await store.save_articles([an_article(source="y-rss")], NOW)
        await store.stop()

    def listed() -> str:
        return CliRunner().invoke(cli, ["articles", "--source", "z-rss"]).output

    sources = tmp_path / "config" / "sources.yaml"
    sources.write_text("sources: {z-rss: {url: 'https://www.news.example/rss/'}}")
    asyncio.run(fill("y-rss", "http://news.example/rss"))  # as it was when the service last ran
    assert "Those of its address stand under 'y-rss'." in listed()
    asyncio.run(fill("z-rss", "https://www.news.example/rss/"))
    told = listed()
    assert "the new name of an old source" in told
    assert "followed no more: 'y-rss'" in told


def test_a_query_in_pieces_is_refused() -> None:
    result = CliRunner().invoke(cli, ["search", "hydrogen", "NEAR/5", "pipeline"])
    assert result.exit_code == 2
    assert "write the query as one, within single quotes: 'hydrogen NEAR/5 pipeline'" in (
        result.output
    )


@pytest.mark.parametrize("order", ["newest", "best"])
def test_a_search_looks_through_the_whole_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    async def fill() -> None:
        url = f"sqlite+aiosqlite:///{tmp_path / 'data' / 'monitor.db'}"
        store = SqlStore.from_url(url)
        await store.start()
        await store.migrate()
        words = ["storm", *["harbour"] * 9, "storm", *["harbour"] * 9]
        articles = [an_article(id=f"a{n}", title=word) for n, word in enumerate(words)]
        await store.save_articles(articles, NOW)
        await store.stop()

    (tmp_path / "data").mkdir()
    asyncio.run(fill())
    # No index of words finds what a regular expression may mean.
    monkeypatch.setattr("monitor.store.search.AT_ONCE", 2)
    monkeypatch.setattr("monitor.store.search.MOST", 2)
    monkeypatch.setattr("monitor.search.RANKED", 2)
    options = ["--order", order, "--limit", "2", "--json"]
    found = CliRunner().invoke(cli, ["search", "title:/storm/", *options])
    assert [row["article"]["id"] for row in json.loads(found.output)] == ["a10", "a0"]
