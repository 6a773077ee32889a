"""Wrong files of a configuration, as `monitor` reads them: all that can be known, told at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor import app
from monitor.declarations import (
    EmailChannel,
    RuleEntry,
    SourceEntry,
    TopicEntry,
    WebhookChannel,
)
from monitor.errors import ConfigError
from monitor.yamlfile import write_yaml

SECRET = "whsec_" + "QUJD" * 11
EMPTY = {"sources.yaml": "", "topics.yaml": "", "alerts.yaml": ""}


def told(folder: Path, environ: dict[str, str] | None = None, **files: str) -> list[str]:
    """Return every problem of a configuration; without any, there must be some."""
    for name, text in {**EMPTY, **{f"{key}.yaml": text for key, text in files.items()}}.items():
        (folder / name).write_text(text)
    with pytest.raises(ConfigError) as caught:
        app.load_config(environ={"MONITOR_CONFIG_DIR": str(folder), **(environ or {})})
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def topic(entry: str) -> str:
    return f"topics:\n  t:\n    {entry}\n"


def test_a_misspelt_key_hides_neither_channel_nor_query(tmp_path: Path) -> None:
    rules = "rules:\n  r: {topics: [t], channels: [lgo], query: foo and, naem: R}\n"
    assert told(tmp_path, alerts="channels: {log: {type: log}}\n" + rules) == [
        "rule 'r' in alerts.yaml: naem is not a key here; did you mean name?",
        "rule 'r' in alerts.yaml: query: column 5: write AND to combine parts, or quote the word"
        " to search for it",
        "rule 'r' in alerts.yaml: channel 'lgo' is not declared; did you mean log?",
    ]


def test_a_misspelt_query_is_one_mistake(tmp_path: Path) -> None:
    rules = "rules:\n  r: {topics: [t], channels: [lgo], qery: foo and}\n"
    assert told(tmp_path, topics=topic("quey: a"), alerts=rules) == [
        "topic 't' in topics.yaml: quey is not a key here; did you mean query?",
        "rule 'r' in alerts.yaml: qery is not a key here; did you mean query?",
        "rule 'r' in alerts.yaml: channel 'lgo' is not declared; declared are none",
    ]


def test_a_wrong_priority_hides_no_stemmer_and_no_query(tmp_path: Path) -> None:
    topics = """
topics:
  one: {query: storm AND, priority: hihg, stem: english}
  two: {query: '@one OR @three OR @gone', stem: xx}
  three: {query: [storm]}
"""
    assert [text.split(";")[0] for text in told(tmp_path, topics=topics)] == [
        "topic 'one' in topics.yaml: priority must be 'high', 'normal' or 'low', got hihg",
        "topic 'three' in topics.yaml: query must be text: put it in single quotes",
        "topic 'one' in topics.yaml: stem: no stemmer for the language 'english'",
        "topic 'one' in topics.yaml: query: column 7: AND needs something on both sides",
        "topic 'two' in topics.yaml: stem: no stemmer for the language 'xx'",
        "topic 'two' in topics.yaml: query: column 19: no topic or word list is called 'gone'",
    ]


def test_a_wrong_interval_hides_no_type_and_no_address(tmp_path: Path) -> None:
    sources = """
sources:
  one: {type: rss, url: 'https://x.example/', interval: 10s}
  two: {type: fax, url: 'https://x.example/', cron: daily}
  three: {ulr: 'https://y.example/', enabled: maybe, titel: x}
  Four: {type: mail, url: 'ftp://y.example/', password: hunter2, links: a}
"""
    assert [text.replace(" in sources.yaml", "") for text in told(tmp_path, sources=sources)] == [
        "source 'one': interval must be at least 60 s, got 10s",
        "source 'one': type 'rss' is unknown; did you mean feed?",
        "source 'two': type 'fax' is unknown; known are auto, feed, jsonfeed, mail, page, site,"
        " sitemap, text",
        "source 'two': cron: 'daily' is no schedule: five fields are needed, minute hour day"
        " month weekday",
        "source 'two': has the same url as 'one': drop one of them",
        "source 'three': enabled must be true or false, got maybe",
        "source 'three': ulr is not a key here; did you mean url?",
        "source 'three': titel is not a key here; did you mean title?",
        "source 'Four': a name is small letters, digits, dots, dashes and underscores, at most 100",
        "source 'Four': password must not stand here: write ${NEWSLETTER_PASSWORD} and export that",
        "source 'Four': url must be like imaps://USER@HOST/FOLDER, without the password",
        "source 'Four': links is for type 'page' alone: drop it",
    ]


def test_settings_are_told_with_everything_else(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        {"MONITOR_PORT": "abc", "MONITOR_BATCH_SIZE": "0", "MONITOR_BROKER_URL": "kafka://h:1"},
        monitor="log_levle: x\nlog_level: inof\nsmtp_sender: nobody\nfetch_deadline: [1]\n5: x\n",
        alerts="channels: {m: {type: email, to: [a b]}, n: {type: emial}}\n",
        topics=topic("query: x AND"),
    )
    assert sorted(found) == sorted(
        [
            "MONITOR_PORT: must be a whole number from 0 to 65535, got abc",
            "MONITOR_BATCH_SIZE: must be from 1 to 5000, got 0",
            "MONITOR_CONTACT: server mode needs a contact: set it to your mail address or a page"
            " about you; publishers see it",
            "log_levle in monitor.yaml: is not a key here; did you mean log_level?",
            "log_level in monitor.yaml: must be 'debug', 'info', 'warning' or 'error', got inof;"
            " did you mean info?",
            "smtp_sender in monitor.yaml: must be like alerts@example.org or Name"
            " <alerts@example.org>, got nobody",
            "fetch_deadline in monitor.yaml: must be a number from 1 to 300",
            next(text for text in found if text.startswith("5 in monitor.yaml: is not a key here")),
            "channel 'm' in alerts.yaml: item 1 of to must be a mail address, like"
            " desk@example.org, got a b",
            "channel 'm' in alerts.yaml: mail needs a server: set MONITOR_SMTP_URL",
            "channel 'n' in alerts.yaml: type must be one of log, stream, webhook, email, got"
            " emial; did you mean email?",
            "topic 't' in topics.yaml: query: column 3: AND needs something on both sides",
        ]
    )


def test_a_missing_folder_hides_no_setting(tmp_path: Path) -> None:
    environ = {"MONITOR_CONFIG_DIR": str(tmp_path / "none"), "MONITOR_PORT": "abc"}
    with pytest.raises(ConfigError) as caught:
        app.load_config(environ=environ)
    assert [problem.place for problem in caught.value.problems] == [
        "MONITOR_PORT",
        str(tmp_path / "none"),
    ]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"topics": topic("{query: a, expect: {match: foo text}}")},
         "topic 't' in topics.yaml: expect.match must be a list: write [foo text]"),
        ({"topics": topic("{query: a, expect: {match: \"it's: 1, 2\"}}")},
         "topic 't' in topics.yaml: expect.match must be a list: write ['it''s: 1, 2']"),
        ({"topics": topic("{query: a, expect: {match: [a, 5]}}")},
         "topic 't' in topics.yaml: item 2 of expect.match must be text: put it in single quotes:"
         " '5'"),
        ({"topics": topic("{query: a, expect: {mach: [a]}}")},
         "topic 't' in topics.yaml: expect.mach is not a key here; did you mean match?"),
        ({"topics": topic("{query: a, expect: foo}")},
         "topic 't' in topics.yaml: expect must have keys with values; its keys are match,"
         " no_match"),
        ({"topics": topic("foo")},
         "topic 't' in topics.yaml: must have keys with values, such as {query: harbour AND"
         " strike}"),
        ({"topics": topic("query: 2024")},
         "topic 't' in topics.yaml: query must be text: put it in single quotes: '2024'"),
        ({"topics": topic("query:")},
         "topic 't' in topics.yaml: query has no value: add one"),
        ({"topics": topic("{query: a, name: }")},
         "topic 't' in topics.yaml: name has no value: add one, or drop it"),
        ({"topics": topic("{query: a, colour: red}")},
         "topic 't' in topics.yaml: colour is not a key here; the keys are description, expect,"
         " name, priority, query, stem"),
        ({"topics": "topcs: {}\n"},
         "topcs in topics.yaml: is not a key of this file; did you mean topics?"),
        ({"alerts": "channels: {log: {type: log}}\nrules: {r: {topics: aukus, channels: [log]}}\n"},
         "rule 'r' in alerts.yaml: topics must be a list: write [aukus]"),
        ({"alerts": "rules: {r: aukus}\n"},
         "rule 'r' in alerts.yaml: must have keys with values, such as {topics:"
         " [harbour-strikes], channels: [log]}"),
        ({"alerts": "channels: {log: {type: log}}\nrules: {r: {topics: [], channels: [log]}}\n"},
         "rule 'r' in alerts.yaml: topics must name at least one"),
        ({"alerts": "channels: {c: log}\n"},
         "channel 'c' in alerts.yaml: must have keys with values, such as {type: log}"),
        ({"alerts": "channels: {c: {}}\n"},
         "channel 'c' in alerts.yaml: type is missing: add one of log, stream, webhook, email"),
        ({"alerts": f"channels: {{c: {{type: webhook, url: ftp://x, secret: {SECRET}}}}}"},
         "channel 'c' in alerts.yaml: url must begin with https:// or http://, got ftp://x"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_words_with_its_cure(
    tmp_path: Path, files: dict[str, str], sentence: str
) -> None:
    assert told(tmp_path, None, **files) == [sentence]


def test_every_variable_that_is_not_set_is_told(tmp_path: Path) -> None:
    channel = "{type: webhook, url: '${A}${B}', secret: '${C}', colour: red}"
    assert told(tmp_path, {"B": "x"}, alerts=f"channels: {{c: {channel}}}\n") == [
        "channel 'c' in alerts.yaml: ${A} is not set: export A or A_FILE",
        "channel 'c' in alerts.yaml: ${C} is not set: export C or C_FILE",
        "channel 'c' in alerts.yaml: colour is not a key here; the keys are secret, type, url",
    ]


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    channel = "{type: webhook, url: 'https://x.example/', secret: 12345678, sercet: hunter2}"
    found = told(
        tmp_path,
        {"MONITOR_SMTP_URL": "hunter2", "MONITOR_DATABASE_URL": "hunter2://x"},
        alerts=f"channels: {{c: {channel}, d: hunter2}}\n",
    )
    assert len(found) == 5
    assert not any("hunter2" in text or "12345678" in text for text in found)


LINE = "write `query: >-` and the value on a line of its own below, indented further, or put all"


@pytest.mark.parametrize(
    "value",
    ['score>=5: 3*"arms control"', "@drones NEAR/8 (x)", '"Shanghai" AND foo', "*ister", "`x`",
     "- x", "a (b: c)"],
)  # fmt: skip
def test_a_query_that_is_no_yaml_is_told_how_to_be_written(tmp_path: Path, value: str) -> None:
    (found,) = told(tmp_path, topics=topic(f"query: {value}"))
    assert found.startswith("topics.yaml line 3: not valid YAML: ")
    assert f"in the value of query, {LINE}" in found
    (found,) = told(tmp_path, topics=f"topics:\n  t: {{query: {value}, name: x}}\n")
    assert found.startswith("topics.yaml line 2: not valid YAML: ")
    assert found.endswith("; if it is in a value, put all of query in single quotes")
    # The cure cures: what is wrong then is wrong as a query.
    for cured in (f"query: '{value}'", f"query: >-\n      {value}"):
        found_then = told(tmp_path, topics=topic(f"{cured}\n    x: 1"))
        assert not any("YAML" in text for text in found_then)


@pytest.mark.parametrize(
    ("value", "line"), [("foo #bar", 3), ("#bar", 3), ("\n      foo\n      b #bar x", 5)]
)
def test_a_hashtag_behind_a_query_is_not_dropped_in_silence(
    tmp_path: Path, value: str, line: int
) -> None:
    assert told(tmp_path, topics=topic(f"query: {value}"))[0] == (
        f"topics.yaml line {line}: query: YAML takes #bar and what follows for a comment: put it in"
        " single quotes, or write `query: >-` and it on the line below"
    )
    fine = ("query: foo # bar", "query: 'foo #bar'", "query: >-\n      foo #bar", "query: a #")
    for text in fine:
        (unknown,) = told(tmp_path, topics=topic(f"{text}\n    xyz: 1"))
        assert "xyz is not a key here" in unknown


def test_a_file_that_is_no_yaml_makes_nothing_else_wrong(tmp_path: Path) -> None:
    (tmp_path / "topics").mkdir()
    (tmp_path / "topics" / "more.yaml").write_text("topics: {u: {query: '@t OR @x AND'}}")
    rule = "{topics: [t], channels: [log], query: '@t AND @u'}"
    found = told(
        tmp_path,
        topics=topic("query: @bad"),
        alerts=f"channels: {{log: {{type: log}}}}\nrules: {{r: {rule}}}\n",
    )
    assert [text.split(":")[0] for text in found] == [
        "topics.yaml line 3",
        "topic 'u' in topics/more.yaml",
        "topic 'u' in topics/more.yaml",
    ]
    assert "is called 'x'" in "".join(found)
    assert "is called 't'" not in "".join(found)


def test_what_looks_like_a_date_and_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    (found,) = told(tmp_path, topics=topic("query: 2024-13-45"))
    assert found.startswith("topics.yaml line 3: not valid YAML: month must be in 1..12")
    assert LINE in found


def test_a_topic_that_is_there_twice_is_judged_as_well(tmp_path: Path) -> None:
    (tmp_path / "topics").mkdir()
    (tmp_path / "topics" / "more.yaml").write_text("topics: {t: {query: b AND}}")
    assert told(tmp_path, topics=topic("query: a")) == [
        "topic 't' in topics/more.yaml: is in topics.yaml as well: rename one of them",
        "topic 't' in topics/more.yaml: query: column 3: AND needs something on both sides",
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
KEYS = {
    "sources": (*SourceEntry.model_fields, "ulr", ""),
    "topics": (*TopicEntry.model_fields, "quey", "expect"),
    "rules": (*RuleEntry.model_fields, "qery"),
    "channels": (*WebhookChannel.model_fields, *EmailChannel.model_fields),
}


def entries(section: str) -> st.SearchStrategy[object]:
    values = VALUES | st.sampled_from(["webhook", "email", "https://x.example/", "mail", ["log"]])
    entry = VALUES | st.dictionaries(st.sampled_from(KEYS[section]), values, max_size=4)
    return VALUES | st.dictionaries(st.sampled_from(["a", "b", "B"]), entry, max_size=2)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)
@given(st.fixed_dictionaries({name: entries(name) for name in KEYS}), VALUES)
def test_whatever_is_written_holds_or_is_told(
    tmp_path: Path, sections: dict[str, object], monitor: object
) -> None:
    files = {
        "sources": {"sources": sections["sources"]},
        "topics": {"topics": sections["topics"]},
        "alerts": {name: sections[name] for name in ("channels", "rules")},
        "monitor": {"port": monitor, "log_level": monitor, "roles": monitor},
    }
    for name, content in files.items():
        (tmp_path / f"{name}.yaml").write_text(write_yaml(content))
    try:
        app.load_config(environ={"MONITOR_CONFIG_DIR": str(tmp_path)})
    except ConfigError as error:
        found = error.problems
    else:
        found = ()
    assert all(each.place and each.message for each in found)
    foreign = ("Input", "tuple", "pydantic", "instance")
    assert not any(word in each.message for each in found for word in foreign)
