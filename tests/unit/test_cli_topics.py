"""`monitor topics`: what people and scripts do with topics, on a real database and real files."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml.etree import fromstring
from typer.testing import CliRunner, Result

from monitor.cli import cli
from monitor.clock import SystemClock
from monitor.model import Article, Expectations, Owner, Topic
from monitor.store import SqlStore
from tests.support.articles import an_article

Monitor = Callable[..., Result]

TOPICS: dict[str, dict[str, Any]] = {
    "storms": {
        "name": "Storms",
        "query": "storm NOT (title:sport OR teacup)",
        "expect": {
            "match": ["A storm hit the coast.\nShips stayed in harbour.", "fixtures/storm.txt"],
            "no_match": ["A storm in a teacup."],
        },
    },
    "ships": {"name": "Ships", "query": "ferry OR @storms"},
}
STORM = "Harbour closed\n\nThe storm came at night."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration with two topics."""
    made = tmp_path / "config"
    (made / "fixtures").mkdir(parents=True)
    (made / "sources.yaml").write_text("")
    (made / "alerts.yaml").write_text("")
    (made / "fixtures" / "storm.txt").write_text(STORM)
    declare(made, TOPICS)
    return made


def declare(folder: Path, topics: dict[str, dict[str, Any]], name: str = "topics.yaml") -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump({"topics": topics}))
    return path


@pytest.fixture
def monitor(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Monitor:
    """Runs `monitor topics …`."""
    monkeypatch.setenv("MONITOR_CONFIG_DIR", str(folder))
    monkeypatch.setenv("MONITOR_DATA_DIR", str(folder.parent / "data"))
    monkeypatch.setenv("COLUMNS", "300")

    def run(*words: str, code: int = 0, given: str | None = None) -> Result:
        result = CliRunner().invoke(cli, ["topics", *words], input=given)
        assert result.exit_code == code, f"{result.output}{result.exception!r}"
        assert not (code == 2 and "Traceback" in result.output)
        return result

    return run


def in_archive(folder: Path, articles: Sequence[Article]) -> None:
    """Store articles, as the stream would."""

    async def work(store: SqlStore) -> None:
        await store.migrate()
        await store.save_articles(articles, SystemClock().now())

    with_store(folder, work)


def with_store(folder: Path, work: Callable[[SqlStore], Any]) -> Any:
    async def opened() -> Any:
        (folder.parent / "data").mkdir(exist_ok=True)
        store = SqlStore.from_url(f"sqlite+aiosqlite:///{folder.parent}/data/monitor.db")
        await store.start()
        try:
            return await work(store)
        finally:
            await store.stop()

    return asyncio.run(opened())


def topics_of(folder: Path, article_id: str) -> tuple[str, ...]:
    row = with_store(folder, lambda store: store.article(article_id))
    topics: tuple[str, ...] = row.article.topics
    return topics


def news(days: int = 1) -> list[Article]:
    """Return articles of the last days; two are tagged as an earlier query did."""
    now = SystemClock().now()
    ago = [now - timedelta(days=n, hours=1) for n in range(9)]
    return [
        an_article(id="s1", title="Storm", body="A storm.", fetched=ago[0], topics=("ships",)),
        an_article(id="s2", title="Calm", body="No wind.", fetched=ago[1], topics=("storms",)),
        an_article(id="s3", title="Ferry", body="It left.", fetched=ago[2], topics=("ships",)),
        an_article(id="s4", title="Old storm", body="A storm.", fetched=ago[8]),
    ]


class TestExpectations:
    """`monitor topics test`."""

    def test_all_are_met(self, monitor: Monitor) -> None:
        shown = monitor("test").stdout
        assert "3 expectations of 1 topic: all met." in shown
        assert "1 topic without any: ships" in shown

    def test_one_that_is_not_met_says_why(self, monitor: Monitor, folder: Path) -> None:
        bad = {"expect": {"match": ["Rain.\nNo more."], "no_match": ["fixtures/storm.txt"]}}
        declare(folder, {"storms": {**TOPICS["storms"], **bad}, "ships": TOPICS["ships"]})
        shown = monitor("test", code=1).stdout
        assert "storm would have to be there" in shown
        assert "matched by storm" in shown
        assert "2 not met." in shown
        outcomes = json.loads(monitor("test", "--json", code=1).stdout)
        assert [(each["expected"], each["passed"]) for each in outcomes] == [
            ("match", False),
            ("no_match", False),
        ]
        shown = monitor("test", "--topic", "ships", code=2).stderr
        assert "the topic 'ships' has no expectations: declare `expect` in topics.yaml" in shown

    def test_a_file_that_is_missing_is_told(self, monitor: Monitor, folder: Path) -> None:
        expect = {"expect": {"no_match": ["fixtures/none.txt"]}}
        declare(folder, {"storms": {**TOPICS["storms"], **expect}})
        assert "fixtures/none.txt" in monitor("test", code=1).stdout

    def test_every_article_of_a_file_of_lines(self, monitor: Monitor, folder: Path) -> None:
        lines = ('{"id": "1", "text": "A storm."}', '{"id": "2", "text": "Calm."}')
        (folder / "fixtures" / "day.jsonl").write_text("\n".join(lines))
        expect = {"expect": {"match": ["fixtures/day.jsonl"]}}
        declare(folder, {"storms": {**TOPICS["storms"], **expect}})
        outcomes = json.loads(monitor("test", "--json", code=1).stdout)
        assert [each["passed"] for each in outcomes] == [True, False]

    def test_results_for_a_ci(self, monitor: Monitor, tmp_path: Path) -> None:
        path = tmp_path / "junit.xml"
        monitor("test", "--junit", str(path))
        root = fromstring(path.read_bytes())
        assert (root.get("tests"), root.get("failures")) == ("3", "0")
        monitor("test", "--junit", str(tmp_path / "no" / "folder.xml"), code=2)

    def test_topics_of_files(self, monitor: Monitor, folder: Path) -> None:
        path = str(folder / "fixtures" / "storm.txt")
        (found,) = json.loads(monitor("test", path, "--json").stdout)
        assert found == {"title": "Harbour closed", "topics": ["ships", "storms"]}
        monitor("test", path, "--topic", "storms")
        assert "no topic is called 'storm'" in monitor("test", "--topic", "storm", code=2).stderr
        monitor("test", str(folder / "none.txt"), code=2)

    def test_nothing_is_stored(self, monitor: Monitor, folder: Path) -> None:
        monitor("test")
        assert not (folder.parent / "data").exists()


class TestExplain:
    """`monitor topics explain`."""

    def test_a_match_is_quoted(self, monitor: Monitor, folder: Path) -> None:
        shown = monitor("explain", "storms", str(folder / "fixtures" / "storm.txt")).stdout
        assert "✓ storm" in shown
        assert "body: The [storm] came at night." in shown
        assert "It matches the topic 'storms'." in shown

    def test_a_miss_says_the_least_that_is_missing(self, monitor: Monitor) -> None:
        shown = monitor("explain", "storms", "-", given="Calm\n\nTeacup.", code=1).stdout
        assert "✗ storm" in shown
        assert "• storm would have to be there" in shown
        assert "• teacup would have to be absent" in shown

    def test_a_text(self, monitor: Monitor) -> None:
        assert "It matches" in monitor("explain", "storms", "A storm hit the coast.").stdout
        assert "neither a file" in monitor("explain", "storms", "storm", code=2).stderr

    def test_the_beginning_of_an_id(self, monitor: Monitor, folder: Path) -> None:
        ids = ["5e1f" + "0" * 28, "5e1fa" + "1" * 27, "77aa" + "2" * 28]
        in_archive(folder, [an_article(id=id_, title="Storm", url="") for id_ in ids])
        assert "It matches" in monitor("explain", "storms", "77aa").stdout
        shown = monitor("explain", "storms", "5e1f", code=2).stderr
        assert "several articles have an id that begins with 5e1f: " in shown
        assert all(id_ in shown for id_ in ids[:2])
        monitor("explain", "storms", "5e1fa")
        monitor("wrong", "storms", "77aa")
        (mark,) = json.loads(monitor("wrong", "storms", "--json").stdout)
        assert mark["article_id"] == ids[2]
        assert "1 article unmarked" in monitor("wrong", "storms", "77aa", "--undo").stdout

    def test_a_query_and_a_stored_article(self, monitor: Monitor, folder: Path) -> None:
        in_archive(folder, news())
        found = json.loads(monitor("explain", "ferry left", "s3", "--json").stdout)
        assert (found["topic"], found["matches"], found["missing"]) == (None, True, [])
        assert found["article"] == {"id": "s3", "title": "Ferry"}
        assert [part["holds"] for part in found["tree"]["parts"]] == [True, True]
        (place,) = found["tree"]["parts"][1]["places"]
        assert (place["in"], place["start"], place["end"], place["text"]) == ("body", 3, 7, "left")
        missed = json.loads(monitor("explain", "ferry sank", "s3", "--json", code=1).stdout)
        assert missed["missing"] == [
            {"present": True, "any_of": ["sank"], "sentence": "sank would have to be there"}
        ]

    def test_a_file_of_several(self, monitor: Monitor, tmp_path: Path) -> None:
        path = tmp_path / "day.jsonl"
        path.write_text('{"id": "1", "text": "A storm."}\n{"id": "2", "text": "Calm."}\n')
        assert (
            "choose one with --id (1, 2" in monitor("explain", '"storm"', str(path), code=2).stderr
        )
        monitor("explain", '"storm"', str(path), "--id", "1")
        assert "no article with the id 9" in (
            monitor("explain", '"storm"', str(path), "--id", "9", code=2).stderr
        )

    def test_no_database_is_made(self, monitor: Monitor, folder: Path) -> None:
        shown = monitor("explain", "storms", "s3", code=2).stderr
        assert "s3 is neither a file nor the id of a stored article" in shown
        assert not (folder.parent / "data").exists()


class TestCheck:
    """`monitor topics check`."""

    def test_mistakes_and_surprises_of_a_changed_file(self, monitor: Monitor, folder: Path) -> None:
        assert monitor("check").stdout == "2 topics: 0 problems, 0 surprises.\n"
        changed = {"bad": {"query": "(storm"}, "odd": {"query": "storm rain OR @ships"}}
        path = str(declare(folder, changed, "new.yaml"))
        found = json.loads(monitor("check", path, "--json", code=1).stdout)
        assert [each["topic"] for each in found["problems"]] == ["bad"]
        assert [each["topic"] for each in found["surprises"]] == ["odd"]
        shown = monitor("check", path, code=1).stdout
        assert "✗ bad: the ( at column 1 is never closed" in shown
        assert "! odd: OR beside parts without an operator" in shown
        assert "2 topics: 1 problem, 1 surprise." in shown
        assert not (folder.parent / "data").exists()

    def test_words_that_no_stored_article_holds(self, monitor: Monitor, folder: Path) -> None:
        now = SystemClock().now()
        articles = [an_article(id=f"a{n}", body="A storm.", fetched=now) for n in range(200)]
        in_archive(folder, articles)
        declare(folder, {"odd": {"query": "strom* NOT qingdoa"}, "all": {"query": "storm"}})
        shown = monitor("check").stdout
        assert "· odd: strom* is in none of 200 articles" in shown
        assert "! all: storm is in 100 % of 200 articles" in shown
        assert "2 topics: 0 problems, 1 surprise, 1 with words of which nothing" in shown
        assert "odd" not in monitor("check", "--topic", "all").stdout
        assert "no topic is called 'al'" in monitor("check", "--topic", "al", code=2).stderr
        monitor("check", "--since", "x", code=2)


class TestMatch:
    """`monitor topics match`."""

    LINES = (
        '{"id": "1", "title": "A", "text": "A storm.", "language": "en"}\n'
        '{"id": 2, "title": "Storm in a teacup", "text": ""}\n'
        '{"id": "3", "title": "Storms", "text": "The storm."}\n'
    )

    @pytest.fixture
    def file(self, tmp_path: Path) -> str:
        path = tmp_path / "articles.jsonl"
        path.write_text(self.LINES)
        return str(path)

    def test_ids_one_a_line(self, monitor: Monitor, file: str) -> None:
        assert monitor("match", "storms", file).stdout == "1\n3\n"
        assert monitor("match", "storm teacup OR nothing", file).stdout == "2\n"
        assert monitor("match", '"storm"', file, "--json").stdout == '["1",2,"3"]\n'
        assert monitor("match", '"hurricane"', file).stdout == ""
        assert monitor("match", "storms", "-", given=self.LINES).stdout == "1\n3\n"

    def test_more_than_a_batch_in_the_order_of_the_file(
        self, monitor: Monitor, tmp_path: Path
    ) -> None:
        path = tmp_path / "many.jsonl"
        bodies = ("storm" if number % 3 else "calm" for number in range(1_000))
        lines = (json.dumps({"id": n, "text": body}) for n, body in enumerate(bodies))
        path.write_text("\n".join(lines))
        found = monitor("match", '"storm"', str(path)).stdout.split()
        assert found == [str(number) for number in range(1_000) if number % 3]

    def test_a_bad_line_is_told_and_the_others_are_matched(
        self, monitor: Monitor, tmp_path: Path
    ) -> None:
        path = tmp_path / "articles.jsonl"
        path.write_text(self.LINES.replace('{"id": 2', '{"id": {}'))
        result = monitor("match", '"storm"', str(path), code=1)
        assert result.stdout == "1\n3\n"
        assert "line 2" in result.stderr

    def test_mistakes(self, monitor: Monitor, file: str) -> None:
        assert "never closed" in monitor("match", "(storm", file, code=2).stderr
        assert "No such file" in monitor("match", '"storm"', "none.jsonl", code=2).stderr
        assert "did you mean storms?" in monitor("match", "strms", file, code=2).stderr
        assert "did you mean storms?" in monitor("match", "Storms", file, code=2).stderr

    def test_a_word_is_no_query_unless_it_is_quoted(self, monitor: Monitor, file: str) -> None:
        for words in (("match", "nope", file), ("explain", "nope", "a text"), ("suggest", "nope")):
            shown = monitor(*words, code=2).stderr
            assert "no topic is called 'nope'" in shown
            assert """as a query write it in quotes: '"nope"'""" in shown
        assert monitor("match", "Teacup", file).stdout == "2\n"

    def test_a_query_needs_no_configuration(
        self, monitor: Monitor, file: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MONITOR_CONFIG_DIR", "/nowhere")
        assert monitor("match", '"the storm"', file).stdout == "3\n"
        shown = monitor("match", "storms", file, code=2).stderr
        assert "no topic is called 'storms'" in shown
        assert "/nowhere: the folder does not exist" in shown

    def test_mistakes_elsewhere_in_the_configuration_do_not_matter(
        self, monitor: Monitor, file: str, folder: Path
    ) -> None:
        (folder / "sources.yaml").write_text("sources: {a: {type: fax}}")
        assert monitor("match", "storms", file).stdout == "1\n3\n"
        (folder / "topics.yaml").write_text("topics: [")
        assert "topics.yaml" in monitor("match", "storms", file, code=2).stderr
        assert monitor("match", '"the storm"', file).stdout == "3\n"


class TestRehearse:
    """`monitor topics rehearse`."""

    def test_a_topic_against_what_is_stored(self, monitor: Monitor, folder: Path) -> None:
        in_archive(folder, news())
        found = json.loads(monitor("rehearse", "storms", "--since", "7d", "--json").stdout)
        assert (found["articles"], found["changes"], found["retagged"]) == (3, 2, None)
        effect = found["topics"]["storms"]
        assert (effect["before"], effect["after"]) == (1, 1)
        assert [each["id"] for each in effect["gained_headlines"]] == ["s1"]
        assert [each["id"] for each in effect["lost_headlines"]] == ["s2"]
        assert topics_of(folder, "s1") == ("ships",)
        shown = monitor("rehearse", "storms", "--since", "7d").stdout
        assert "--apply would give 2 stored articles their new topics." in shown

    def test_a_topic_that_is_live_shows_what_it_has(self, monitor: Monitor, folder: Path) -> None:
        in_archive(folder, [each for each in news() if each.id == "s2"])
        declare(folder, {"storms": {"query": "calm"}})
        shown = " ".join(monitor("rehearse", "storms").stdout.split())
        assert "= s2 " in shown
        assert "day now then" in shown
        assert "source now then" in shown
        nothing = " ".join(monitor("rehearse", "storms", "--limit", "0").stdout.split())
        assert "= 1 more" in nothing
        assert "earlier" not in nothing

    def test_a_changed_file_and_its_application(self, monitor: Monitor, folder: Path) -> None:
        in_archive(folder, news())
        changed = {"storms": {**TOPICS["storms"], "query": "wind"}}
        path = str(declare(folder, changed, "new.yaml"))
        found = json.loads(monitor("rehearse", path, "--apply", "--json").stdout)
        assert found["articles"] == 4
        assert {name: each["after"] for name, each in found["topics"].items()} == {
            "ships": 0,
            "storms": 1,
        }
        assert found["retagged"] == 2
        assert [topics_of(folder, name) for name in ("s1", "s2", "s3")] == [(), ("storms",), ()]
        again = json.loads(monitor("rehearse", path, "--json").stdout)
        assert again["changes"] == 0

    def test_one_file_of_several_leaves_the_others_and_moves_what_uses_it(
        self, monitor: Monitor, folder: Path, tmp_path: Path
    ) -> None:
        in_archive(folder, news())
        (folder / "topics").mkdir()
        weather = {"storms": TOPICS["storms"], "rain": {"query": "rain"}}
        declare(folder / "topics", weather, "weather.yaml")
        declare(folder, {"ships": TOPICS["ships"], "calm": {"query": "calm"}})
        changed = declare(tmp_path, {"storms": {"query": "wind"}}, "weather.yaml")
        found = json.loads(monitor("rehearse", str(changed), "--json").stdout)
        assert set(found["topics"]) == {"storms", "rain", "ships"}
        gained = found["topics"]["ships"]["gained_headlines"]
        assert [each["id"] for each in gained] == ["s2"]

    def test_a_topic_that_somebody_made_is_known_everywhere(
        self, monitor: Monitor, folder: Path
    ) -> None:
        made = Topic(
            id="calm",
            name="Calm",
            query="calm NOT @storms",
            owner=Owner.USER,
            expect=Expectations(match=("All is calm.",)),
        )
        in_archive(folder, news())
        with_store(folder, lambda store: store.add_topic(made))
        assert "calm" in monitor("list").stdout
        assert "4 expectations of 2 topics: all met." in monitor("test").stdout
        assert json.loads(monitor("explain", "calm", "s2", "--json").stdout)["topic"] == "calm"
        found = json.loads(monitor("rehearse", "calm", "--apply", "--json").stdout)
        assert found["retagged"] == 1
        assert topics_of(folder, "s2") == ("calm", "storms")
        path = str(declare(folder, TOPICS, "new.yaml"))
        assert "calm" in json.loads(monitor("rehearse", path, "--json").stdout)["topics"]

    def test_mistakes(self, monitor: Monitor, folder: Path) -> None:
        assert (
            "write a number of hours"
            in monitor("rehearse", "storms", "--since", "x", code=2).stderr
        )
        assert "no topic is called 'x'" in monitor("rehearse", "x", code=2).stderr
        assert "no such file" in monitor("rehearse", "none.yaml", code=2).stderr
        path = declare(folder, {"storms": {"name": "S", "query": "(storm"}}, "bad.yaml")
        assert "never closed" in monitor("rehearse", str(path), code=2).stderr


class TestSuggest:
    """`monitor topics suggest` and `wrong`."""

    @pytest.fixture
    def archive(self, folder: Path) -> None:
        now = SystemClock().now()
        stormy = [f"Storm {n}. The gale warning for ships." for n in range(12)]
        wrong = [f"Storm {n}. The goalkeeper smiled." for n in range(12, 16)]
        calm = [f"Quiet day {n}. The market was calm." for n in range(40)]
        in_archive(
            folder,
            [
                an_article(id=f"a{n}", title="", body=body, fetched=now)
                for n, body in enumerate(stormy + wrong + calm)
            ],
        )

    @pytest.mark.usefixtures("archive")
    def test_what_is_frequent_in_its_matches(self, monitor: Monitor) -> None:
        found = json.loads(monitor("suggest", "storms", "--json").stdout)
        assert (found["matches"], found["others"], found["wrong"]) == (16, 40, 0)
        terms = [each["term"] for each in found["frequent"]]
        assert terms[0] in ("gale warning", "warning for", "for ships")
        assert not {"storm", "the"} & set(terms)
        assert '"gale warning"' in monitor("suggest", "storms").stdout

    @pytest.mark.usefixtures("archive")
    def test_what_is_frequent_in_what_is_wrong(self, monitor: Monitor) -> None:
        marked = monitor("wrong", "storms", "a12", "a13", "a14", "a15").stdout
        assert marked == "4 articles marked.\n"
        found = json.loads(monitor("suggest", "storms", "--json").stdout)
        assert (found["matches"], found["wrong"]) == (12, 4)
        assert found["frequent_in_wrong"][0]["term"] == "goalkeeper smiled"
        assert "goalkeeper" in monitor("suggest", "storms").stdout

    @pytest.mark.usefixtures("archive")
    def test_marks(self, monitor: Monitor) -> None:
        assert (
            "no stored article has the id zz"
            in monitor("wrong", "storms", "a1", "zz", code=1).stderr
        )
        (mark,) = json.loads(monitor("wrong", "storms", "--json").stdout)
        assert mark["article_id"] == "a1"
        assert "1 article unmarked." in monitor("wrong", "storms", "a1", "--undo").stdout
        assert "Nothing is marked" in monitor("wrong", "storms").stdout
        assert "no topic is called" in monitor("wrong", "none", "a1", code=2).stderr


def test_a_list_shows_each_topic_on_its_line(monitor: Monitor, folder: Path) -> None:
    declare(folder, {**TOPICS, "long": {"query": " OR ".join(f"word{n}" for n in range(100))}})
    long, ships, storms = sorted(monitor("list").stdout.splitlines()[2:])
    assert storms.split()[:4] == ["storms", "Storms", "normal", "3"]
    assert ships.split()[:4] == ["ships", "Ships", "normal", "none"]
    assert long.split()[:2] == ["long", "long"]
    listed = {topic["id"]: topic for topic in json.loads(monitor("list", "--json").stdout)}
    assert listed["long"]["query"].endswith("word99")
    assert len(listed["storms"]["expect"]["match"]) == 2


def test_a_list_has_the_version_that_articles_are_tagged_with(
    monitor: Monitor, folder: Path
) -> None:
    async def twice(store: SqlStore) -> None:
        await store.migrate()
        for query in ("hail", "ferry OR @storms"):
            await store.declare_topics([Topic(id="ships", name="Ships", query=query)], [])

    with_store(folder, twice)
    listed = {each["id"]: each["version"] for each in json.loads(monitor("list", "--json").stdout)}
    assert listed == {"ships": 2, "storms": 1}
    declare(folder, {**TOPICS, "ships": {"query": "boat"}})  # live from the next start on
    listed = {each["id"]: each["version"] for each in json.loads(monitor("list", "--json").stdout)}
    assert listed["ships"] == 3


def test_topics_that_cannot_be_are_refused_by_every_command(monitor: Monitor, folder: Path) -> None:
    declare(
        folder,
        {
            "a": {"query": "@b storm"},
            "b": {"query": "@a storm"},
            "c": {"query": "storm", "stem": "xx"},
            "d": {"query": "storm", "expect": {"match": "one text"}},
        },
    )
    told = monitor("test", code=2).stderr
    for part in ("a topic cannot use itself", "no stemmer for the language 'xx'", "expect.match"):
        assert part in told
