"""`monitor articles` and `monitor search`: what is said where there is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli import cli


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


def test_a_query_in_pieces_is_refused() -> None:
    result = CliRunner().invoke(cli, ["search", "hydrogen", "NEAR/5", "pipeline"])
    assert result.exit_code == 2
    assert "write the query as one, within single quotes: 'hydrogen NEAR/5 pipeline'" in (
        result.output
    )
