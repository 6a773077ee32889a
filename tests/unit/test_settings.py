"""The configuration: every mistake at once, each with its place and the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.errors import ConfigError
from monitor.settings import Config, Role, load

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


def _check(query: str) -> str | None:
    return "column 1: nothing" if query == "bad" else None


def problems_of(folder: Path, environ: dict[str, str] | None = None, **files: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        configured(folder, environ, **files)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def test_a_good_configuration(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert [source.interval for source in config.sources] == [900, 900]
    assert config.sources[1].location == str(tmp_path / "fixtures/a.txt")
    assert config.settings.roles == tuple(Role)
    assert config.settings.broker == "sqlite:///data/stream.db"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    config = configured(
        tmp_path, {"MONITOR_PORT": "9001"}, monitor_yaml="port: 9000\nlog_level: error\n"
    )
    assert (config.settings.port, config.settings.log_level) == (9001, "error")


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
    assert any("topic 'u' is not in topics.yaml" in text for text in found)


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        ("{type: feed}", "needs a url"),
        ("{type: fax, url: 'http://x/'}", "type 'fax' is unknown; known are feed, text"),
        ("{type: feed, url: 'ftp://x/'}", "must be http:// or https://"),
        ("{type: feed, url: 'http://u:p@x/'}", "without user or password"),
        ("{type: feed, url: 'http://x/', interval: soon}", "must be seconds or like"),
        ("{type: feed, url: 'http://x/', intervall: 5}", "intervall is not a key here"),
        ("{url: 'http://x/'}", "type is missing"),
    ],
)
def test_a_wrong_source_names_itself_and_the_cure(tmp_path: Path, entry: str, part: str) -> None:
    (found,) = problems_of(
        tmp_path, sources_yaml=f"sources:\n  one: {entry}\n", alerts_yaml="rules: {}\n"
    )
    assert found.startswith("source 'one' in sources.yaml: ")
    assert part in found


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
