"""The configuration: every mistake at once, each with its place and the cure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from monitor.config import Config, load
from monitor.declarations import SourceRules, check_source, unmade_topics, values_of
from monitor.errors import ConfigError
from monitor.model import Expectations, FullText, Owner, Priority, Source, Topic, WordList
from monitor.settings import Role, Settings
from monitor.store.url import dialect_of

RULES = SourceRules(
    {"auto": "url", "feed": "url", "page": "url", "mail": "url", "text": "path"},
    check_cron=lambda cron: None if cron.count(" ") == 4 else "five fields are needed",
    check_links=lambda links: "no selector" if links == "[" else None,
)
SECRET = "whsec_" + "QUJD" * 11
GOOD = {
    "sources.yaml": """
sources:
  bbc: {type: feed, url: https://example.org/feed, interval: 15m}
  fixture: {type: text, path: fixtures/a.txt}
""",
    "topics.yaml": "topics:\n  sco: {name: SCO, query: shanghai}\n",
    "alerts.yaml": f"""
channels:
  log: {{type: log}}
  hook: {{type: webhook, url: "https://example.org/hook", secret: "{SECRET}"}}
rules:
  sco: {{topics: [sco], channels: [log, hook]}}
""",
}


def configured(folder: Path, environ: dict[str, str] | None = None, **files: str) -> Config:
    for name, text in {
        **GOOD,
        **{key.replace("_yaml", ".yaml"): value for key, value in files.items()},
    }.items():
        (folder / name).write_text(text)
    environment = {"MONITOR_CONFIG_DIR": str(folder), **(environ or {})}
    return load(RULES, _check, environment)


def _check(topics: Sequence[Topic], lists: Sequence[WordList]) -> Mapping[str, Sequence[str]]:
    wrong = {words.name: ["no term"] for words in lists if not words.terms}
    return wrong | {topic.id: ["column 1: nothing"] for topic in topics if topic.query == "bad"}


def problems_of(folder: Path, environ: dict[str, str] | None = None, **files: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        configured(folder, environ, **files)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def test_a_good_configuration(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert [source.interval for source in config.sources] == [900, None]
    assert config.sources[1].location == str(tmp_path / "fixtures/a.txt")
    assert config.settings.roles == tuple(Role)
    assert config.settings.broker == "sqlite:///data/stream.db"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    config = configured(
        tmp_path, {"MONITOR_PORT": "9001"}, monitor_yaml="port: 9000\nlog_level: error\n"
    )
    assert (config.settings.port, config.settings.log_level) == (9001, "error")


def test_a_wrong_option_is_named_as_it_was_given(tmp_path: Path) -> None:
    configured(tmp_path)
    environ = {"MONITOR_CONFIG_DIR": str(tmp_path), "MONITOR_PORT": "9001"}
    with pytest.raises(ConfigError) as caught:
        load(RULES, _check, environ, port="80000", roles="foo")
    places = {problem.place for problem in caught.value.problems}
    assert places == {"--port", "--roles"}


def test_names_of_a_reverse_proxy(tmp_path: Path) -> None:
    names = configured(tmp_path, {"MONITOR_ALLOWED_HOSTS": "news.example.org, desk"})
    assert names.settings.allowed_hosts == ("news.example.org", "desk")
    in_file = configured(tmp_path, monitor_yaml="allowed_hosts: [desk]\n")
    assert in_file.settings.allowed_hosts == ("desk",)
    for wrong in ("https://news.example.org", "news.example.org:443", "*"):
        (problem,) = problems_of(tmp_path, {"MONITOR_ALLOWED_HOSTS": wrong})
        assert "MONITOR_ALLOWED_HOSTS: must be names like news.example.org" in problem


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("smtp://user:secret@host\n")
    config = configured(tmp_path, {"MONITOR_SMTP_URL_FILE": str(tmp_path / "url")})
    assert config.settings.smtp_url.get_secret_value() == "smtp://user:secret@host"
    assert "secret@" not in repr(config)


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    found = problems_of(
        tmp_path,
        {"MONITOR_PORT": "99999"},
        monitor_yaml="prot: 1\n",
        sources_yaml="sources:\n  bbc: {type: feed, url: 'http://x/', interval: 5}\n",
        topics_yaml="topics:\n  t: {query: bad}\n",
        alerts_yaml="channels: {}\nrules:\n  r: {topics: [u], channels: [c]}\n",
    )
    assert "source 'bbc' in sources.yaml: interval must be at least 60 s, got 5" in found
    assert "topic 't' in topics.yaml: query: column 1: nothing" in found
    assert any(text.startswith("MONITOR_PORT: ") and "99999" in text for text in found)
    assert any(text.startswith("prot in monitor.yaml: is not a key here") for text in found)
    assert any("channel 'c' is not declared" in text for text in found)


def test_a_rule_may_wait_for_a_topic_that_somebody_makes(tmp_path: Path) -> None:
    rules = "channels: {c: {type: log}}\nrules:\n  r: {topics: [later, sc0, '*'], channels: [c]}\n"
    config = configured(tmp_path, alerts_yaml=rules)
    assert config.warnings == ()
    later, misspelt = unmade_topics(config.rules, ["sco"])
    place = "rule 'r' in alerts.yaml: there is no topic"
    assert later == f"{place} 'later'; it alerts once somebody makes that topic"
    assert misspelt == f"{place} 'sc0'; did you mean sco?"
    assert unmade_topics(config.rules, ["sc0", "later"]) == []


@pytest.mark.parametrize(("query", "wrong"), [("x", ""), ("bad", "query: column 1: nothing")])
def test_the_query_of_a_rule(tmp_path: Path, query: str, wrong: str) -> None:
    rule = f"{{topics: [sco], channels: [c], query: {query}}}"
    rules = f"channels: {{c: {{type: log}}}}\nrules:\n  r: {rule}\n"
    if wrong:
        found = problems_of(tmp_path, alerts_yaml=rules)
        assert found == [f"rule 'r' in alerts.yaml: {wrong}"]
    else:
        assert configured(tmp_path, alerts_yaml=rules).rules[0].query == query


def test_topics_of_a_folder_and_word_lists(tmp_path: Path) -> None:
    (tmp_path / "topics").mkdir()
    (tmp_path / "lists").mkdir()
    (tmp_path / "topics" / "more.yaml").write_text(
        "topics:\n  nato: {query: nato, stem: en, priority: high, expect: {match: [a, b]}}\n"
    )
    (tmp_path / "lists" / "towns.txt").write_text("# towns\nAstana\n\nNew Delhi  # India\n")
    config = configured(tmp_path)
    assert config.lists == (WordList(name="towns", terms=("Astana", "New Delhi")),)
    expect = Expectations(match=("a", "b"))
    assert config.topics[1] == Topic(
        id="nato", name="nato", query="nato", stem="en", priority=Priority.HIGH, expect=expect
    )


def test_mistakes_of_topics_name_their_files(tmp_path: Path) -> None:
    (tmp_path / "topics").mkdir()
    (tmp_path / "lists").mkdir()
    (tmp_path / "topics" / "more.yaml").write_text("topics: {sco: {query: x}, t: {query: bad}}")
    (tmp_path / "lists" / "empty.txt").write_text("# nothing\n")
    assert sorted(problems_of(tmp_path)) == [
        "topic 'sco' in topics/more.yaml: is in topics.yaml as well: rename one of them",
        "topic 't' in topics/more.yaml: query: column 1: nothing",
        "word list lists/empty.txt: no term",
    ]


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        ("{type: feed}", "needs a url"),
        (
            "{type: fax, url: 'http://x/'}",
            "type 'fax' is unknown; known are auto, feed, mail, page, text",
        ),
        ("{type: feed, url: 'ftp://x/'}", "must be http:// or https://"),
        ("{type: feed, url: 'http://u:p@x/'}", "without user or password"),
        ("{type: feed, url: 'http://x/', interval: soon}", "must be seconds or like"),
        ("{type: feed, url: 'http://x/', intervall: 5}", "intervall is not a key here"),
        ("{url: 'http://x/', interval: 15m, cron: '0 6 * * *'}", "drop one of them"),
        ("{url: 'http://x/', cron: daily}", "cron: five fields are needed"),
        ("{url: 'http://x/', full_text: maybe}", "full_text must be 'auto', 'always' or 'never'"),
        ("{url: 'http://x/', backlog: long}", "backlog must be seconds or like 90s"),
        ("{url: 'http://x/', links: a.news}", "links is for type 'page' alone"),
        ("{type: page, url: 'http://x/', links: '['}", "links: no selector"),
        ('{url: "http://x/", user_agent: "a\\nb"}', "user_agent must be one line of ASCII"),
        ('{url: "http://x/", title: "a\\eb"}', "title must be one line"),
        ("{url: 'http://x/', password: '${P}'}", "password is for type 'mail' alone"),
        ("{type: mail, url: 'http://x/', password: '${P}'}", "imaps://USER@HOST/FOLDER"),
        ("{type: mail, url: 'imaps://me@x/', password: hunter2}", "write ${NEWSLETTER_PASSWORD}"),
        ("{type: mail, url: 'imaps://me:hunter2@x/', password: '${P}'}", "without the password"),
        ("{type: mail, url: 'imaps://me@x/'}", "needs a password: name it"),
        ("{url: 'http://x:99999/'}", "must be http:// or https://"),
        ("{url: 'http://x\\@y/'}", "must be http:// or https://"),
        ("feed", "must have keys with values"),
    ],
)
def test_a_wrong_source_names_itself_and_the_cure(tmp_path: Path, entry: str, part: str) -> None:
    (found,) = problems_of(
        tmp_path, sources_yaml=f"sources:\n  one: {entry}\n", alerts_yaml="rules: {}\n"
    )
    assert found.startswith("source 'one' in sources.yaml: ")
    assert part in found
    assert "hunter2" not in found


def test_a_mailbox_may_begin_tls_later(tmp_path: Path) -> None:
    entry = "{type: mail, url: 'imap://me@x/', password: '${P}'}"
    config = configured(tmp_path, sources_yaml=f"sources:\n  one: {entry}\n", alerts_yaml="")
    assert config.sources[0].location == "imap://me@x/"


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        ("{type: webhook, url: 'http://x/', secret: abc}", "whsec_"),
        ("{type: webhook, url: 'http://x/', secret: '${NOPE}'}", "export NOPE or NOPE_FILE"),
        ("{type: fax}", "type must be one of"),
        ("{type: email, to: [a@b.example]}", "set MONITOR_SMTP_URL"),
    ],
)
def test_a_wrong_channel_names_itself_and_the_cure(tmp_path: Path, entry: str, part: str) -> None:
    found = problems_of(tmp_path, alerts_yaml=f"channels:\n  one: {entry}\nrules: {{}}\n")
    assert any(text.startswith("channel 'one' in alerts.yaml: ") and part in text for text in found)
    assert not any("abc" in text for text in found)


def test_yaml_that_is_broken_or_says_things_twice(tmp_path: Path) -> None:
    found = problems_of(
        tmp_path,
        sources_yaml="sources:\n  a: {type: feed, url: 'http://x/'}\n  a: {type: text}\n",
        topics_yaml="topics: [",
        alerts_yaml="rules: {}\n",
    )
    assert "sources.yaml line 3: not valid YAML: key 'a' is there twice" in found
    assert any(text.startswith("topics.yaml line ") for text in found)


def test_a_missing_folder_says_how_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="MONITOR_CONFIG_DIR"):
        load(RULES, _check, {"MONITOR_CONFIG_DIR": str(tmp_path / "nowhere")})


def test_a_misspelt_variable_is_a_warning(tmp_path: Path) -> None:
    config = configured(tmp_path, {"MONITOR_PROT": "1"})
    assert config.warnings == (
        "MONITOR_PROT is set, but no setting has that name; did you mean MONITOR_PORT?",
    )


FULL = Source(
    name="one",
    type="page",
    location="https://example.org/news",
    title="One",
    cron="0 6 * * *",
    full_text=FullText.ALWAYS,
    backlog=None,
    links="a.news",
    user_agent="Mozilla/5.0",
    enabled=False,
    owner=Owner.USER,
)


@pytest.mark.parametrize(
    "source",
    [
        FULL,
        Source(name="two", type="auto", location="https://x.example/", title="two", interval=60,
               backlog=0, owner=Owner.USER),
    ],
)  # fmt: skip
def test_a_source_and_its_keys_are_the_same(source: Source) -> None:
    assert check_source(source.name, values_of(source, RULES), RULES) == (source, ())


def test_a_key_without_a_value_has_its_default() -> None:
    source, _ = check_source("one", {"url": "https://x.example/", "backlog": None}, RULES)
    assert source is not None
    assert (source.type, source.backlog, source.interval) == ("auto", 86_400, None)


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"type": "text", "path": "/etc/passwd"}, "can only be declared in sources.yaml"),
        ({"type": "mail", "url": "imaps://me@evil.example/", "password": "${MONITOR_SMTP_URL}"},
         "declare it in sources.yaml"),
    ],
)  # fmt: skip
def test_only_the_operator_names_files_and_secrets(values: dict[str, str], part: str) -> None:
    source, (fault,) = check_source("one", values, RULES)
    assert source is None
    assert part in fault


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("", "data/monitor.db"),
        ("sqlite:///data/a.db", "data/a.db"),
        ("sqlite:////abs/a.db", "/abs/a.db"),
        ("sqlite+aiosqlite:///a%20b.db?timeout=1", "a b.db"),
        ("sqlite://", None),
        ("sqlite:///", None),
        ("sqlite:///:memory:", None),
        ("postgresql+asyncpg://user:password@host/a.db", None),
    ],
)
def test_the_file_of_an_embedded_database(url: str, file: str | None) -> None:
    settings = Settings(database_url=url)
    assert settings.database_file == (file and Path(file))
    if file is not None:
        assert dialect_of(settings.database)[0].database == file
