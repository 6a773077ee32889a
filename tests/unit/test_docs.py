"""The documentation names everything that exists, each on its page, and nothing that does not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_args

import click
import pytest
import typer
import yaml
from prometheus_client.metrics_core import Metric

from monitor import app
from monitor.api.app import create_app
from monitor.channels import CHANNELS, READERS, dead_letter_channels, group_of
from monitor.cli import cli
from monitor.clock import SystemClock
from monitor.declarations import (
    ChannelConfig,
    EmailChannel,
    LogChannel,
    StreamChannel,
    WebhookChannel,
)
from monitor.model import ChannelKind
from monitor.retry import DELIVERY_DELAYS
from monitor.settings import PREFIX, Role, Settings
from monitor.sources import TYPES
from monitor.telemetry import REGISTRY, Health
from monitor.topics.query import parse
from monitor.topics.tree import Term
from tests.support.articles import an_article
from tests.support.matchers import matcher_of

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").glob("*.md"))),
)
CODE = re.compile(r"`([^`]+)`")
Row = tuple[str, ...]


@cache
def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(name: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    _, found, rest = f"\n{page(name)}".partition(f"\n{heading}\n")
    assert found, f"{name} has no heading '{heading}'"
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def tables(text: str) -> Iterator[tuple[Row, list[Row]]]:
    """Yield the headings and the rows of each table."""
    for block in re.findall(r"(?:^\|.*\|$\n?)+", text, flags=re.MULTILINE):
        head, _, *rows = (
            tuple(cell.strip() for cell in line.strip("|").split("|"))
            for line in block.strip().splitlines()
        )
        yield head, rows


def table(text: str, first: str) -> list[Row]:
    """Return the rows of the table whose first heading is this."""
    for head, rows in tables(text):
        if head[0] == first:
            return rows
    raise AssertionError(f"there is no table of '{first}'")


def named(rows: Iterable[Row], column: int = 0) -> set[str]:
    return {name for row in rows for name in CODE.findall(row[column])}


def test_settings() -> None:
    rows = table(section("docs/configuration.md", "## Settings"), "Variable")
    told = {(row[0].strip("`"), row[1].strip("`"), row[2].strip("`")) for row in rows}
    real = {
        (f"{PREFIX}{key.upper()}", key, shown(key, field.get_default(call_default_factory=True)))
        for key, field in Settings.model_fields.items()
    }
    assert told == real


def shown(key: str, default: Any) -> str:
    """Return a default as the table writes it."""
    if key == "roles":
        assert default == tuple(Role)
        return "all"
    if isinstance(default, tuple):
        default = ",".join(default)
    text = default.get_secret_value() if hasattr(default, "get_secret_value") else str(default)
    return text or "empty"


def test_source_types() -> None:
    rows = table(section("docs/configuration.md", "## sources.yaml"), "Source type")
    told = {row[0].strip("`"): row[1].strip("`") for row in rows}
    assert told == {name: app.LOCATIONS[kind.reach] for name, kind in TYPES.items()}


def test_every_source_type_has_its_use() -> None:
    rows = table(section("docs/sources.md", "## Which type to take"), "There is")
    assert named(rows, 1) == set(TYPES)


def test_the_examples_of_sources_hold(tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", page("docs/sources.md"), re.M | re.S)
    (tmp_path / "topics.yaml").write_text("")
    (tmp_path / "alerts.yaml").write_text("")
    assert blocks
    for block in blocks:
        (tmp_path / "sources.yaml").write_text(block)
        environ = {"LETTERS_PASSWORD": "secret"}
        assert len(app.load_config(config_dir=tmp_path, environ=environ).sources) == 1


def test_kinds_of_channels_and_their_keys() -> None:
    rows = table(section("docs/configuration.md", "## alerts.yaml"), "Channel type")
    told = {row[0].strip("`"): set(CODE.findall(row[1])) for row in rows}
    declared = (LogChannel, StreamChannel, WebhookChannel, EmailChannel)
    assert set(get_args(get_args(ChannelConfig)[0])) == set(declared)
    assert told == {
        get_args(kind.model_fields["type"].annotation)[0]: set(kind.model_fields)
        for kind in declared
    }
    assert set(told) == set(ChannelKind)


@pytest.mark.parametrize(
    ("heading", "first", "entry"),
    [
        ("## sources.yaml", "Key", "SourceEntry"),
        ("## topics.yaml", "Key", "TopicEntry"),
        ("## alerts.yaml", "Key of a rule", "RuleEntry"),
    ],
)
def test_keys_of_what_is_declared(heading: str, first: str, entry: str) -> None:
    from monitor import declarations

    keys = set(getattr(declarations, entry).model_fields)
    assert named(table(section("docs/configuration.md", heading), first)) == keys


def test_the_examples_of_the_configuration_hold(tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", page("docs/configuration.md"), re.M | re.S)
    names = {"sources": "sources.yaml", "topics": "topics.yaml", "channels": "alerts.yaml"}
    for block in blocks:
        (tmp_path / names[next(iter(yaml.safe_load(block)))]).write_text(block)
    assert {path.name for path in tmp_path.iterdir()} == set(names.values())
    secret = "whsec_" + "QUJD" * 11
    found = app.load_config(
        config_dir=tmp_path, environ={"DESK_SECRET": secret, "MONITOR_CONFIG_DIR": str(tmp_path)}
    )
    assert (len(found.sources), len(found.topics), len(found.rules)) == (1, 1, 1)


def test_the_first_steps_of_the_readme_hold(tmp_path: Path) -> None:
    topic, alerts = re.findall(r"^```yaml\n(.*?)^```", page("README.md"), re.M | re.S)
    shipped = {name: page(f"config/{name}.yaml") for name in ("topics", "alerts")}
    declared = yaml.safe_load(shipped["alerts"])
    for key, entries in yaml.safe_load(alerts).items():
        declared[key] |= entries
    (tmp_path / "sources.yaml").write_text("")
    (tmp_path / "topics.yaml").write_text(shipped["topics"] + topic)
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(declared))
    secret = "whsec_" + "QUJD" * 11
    found = app.load_config(config_dir=tmp_path, environ={"DESK_SECRET": secret})
    (fixture,) = set(re.findall(r"config/fixtures/\S+\.txt", page("README.md")))
    title, _, body = page(fixture).partition("\n")
    article = an_article(title=title, body=body)
    assert matcher_of(found.topics).match([article]) == [tuple(sorted(t.id for t in found.topics))]


def test_the_schedule_of_retries() -> None:
    told = re.search(r"tried again after ([^,]+(?:, [^,]+)* and \d+ h),", page_as_one_line())
    assert told
    units = {"s": 1, "min": 60, "h": 3600}
    parts = re.findall(r"(\d+) (s|min|h)", told[1])
    assert tuple(float(number) * units[unit] for number, unit in parts) == DELIVERY_DELAYS


def page_as_one_line() -> str:
    return " ".join(page("docs/configuration.md").split())


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every command with the words that call it. Groups hold commands and do nothing."""
    inner: Mapping[str, Any] = getattr(command, "commands", {})
    if not inner or path == "monitor" or command.invoke_without_command:
        yield path, command
    for name, item in inner.items():
        yield from commands(item, f"{path} {name}")


COMMANDS = dict(commands(typer.main.get_command(cli), "monitor"))


def test_commands() -> None:
    headings = re.findall(r"^## `(monitor[^`]*)`$", page("docs/commands.md"), re.MULTILINE)
    assert sorted(headings) == sorted(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS)
def test_options_and_arguments(path: str) -> None:
    text = section("docs/commands.md", f"## `{path}`")
    command = COMMANDS[path]
    options, arguments = {"--help"}, set()
    for item in command.params:
        if item.param_type_name == "option":
            options |= {name for name in (*item.opts, *item.secondary_opts) if name[:2] == "--"}
        else:
            arguments.add(str(item.name).upper())
    listed = {name for head, rows in tables(text) if head[0] == "Option" for name in named(rows)}
    assert listed | {"--help"} == options
    usage = re.search(rf"`{path} ([^`]*[A-Z][^`]*)`", text)
    told = set(re.findall(r"[A-Z]+", usage[1])) if usage else set()
    assert told == arguments


@pytest.mark.parametrize("name", PAGES)
def test_every_command_that_is_printed_exists(name: str) -> None:
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", page(name), re.M | re.S))
    for line in re.findall(
        r"^(?:[A-Z_]+=\S+ )?(?:\.venv/bin/)?(monitor .*)$", blocks, re.MULTILINE
    ):
        path = max((path for path in COMMANDS if f"{line} ".startswith(f"{path} ")), key=len)
        command = COMMANDS[path]
        known = {"--help"} | {name for item in command.params for name in item.opts}
        used = {word for word in line.split() if word.startswith("--")}
        assert used <= known, line
        assert isinstance(command, click.Command) or path, line


def test_exit_codes() -> None:
    from monitor.cli import session

    codes = {"0", str(session.FAILED), str(session.USAGE), str(session.UNREACHABLE)}
    assert {row[0] for row in table(section("docs/commands.md", "## Exit codes"), "Code")} == codes


def test_roles() -> None:
    rows = table(section("docs/operations.md", "## Roles"), "Role")
    assert named(rows) == set(Role)
    (glossary,) = [row for row in table(page("docs/glossary.md"), "Word") if row[0] == "**Role**"]
    assert named([glossary], 1) == set(Role)


def test_channels_and_groups() -> None:
    rows = table(section("docs/operations.md", "## Channels and groups"), "Channel")
    told = {(row[0].strip("`"), row[2].strip("`"), row[3].strip("`")) for row in rows}
    assert told == {(channel.name, name, group_of(name)) for name, channel in READERS}
    unread = {channel.name for channel in CHANNELS} - {channel for channel, _, _ in told}
    assert unread <= set(CODE.findall(section("docs/operations.md", "## Channels and groups")))


def test_dead_letter_channels() -> None:
    rows = table(section("docs/operations.md", "## Dead letters"), "Dead-letter channel")
    assert named(rows) == {channel.name for channel in dead_letter_channels()}


def test_metrics() -> None:
    rows = table(section("docs/operations.md", "## Metrics"), "Metric")
    told = {(row[0].strip("`"), row[1], tuple(CODE.findall(row[2]))) for row in rows}
    assert told == {described(metric) for metric in REGISTRY.collect()}


def described(metric: Metric) -> tuple[str, str, tuple[str, ...]]:
    """Return name, type and labels as Prometheus shows them."""
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    (collector,) = [
        item for item in REGISTRY._collector_to_names if metric.name == getattr(item, "_name", "")
    ]
    return name, metric.type, tuple(collector._labelnames)  # type: ignore[attr-defined]


def test_parts_of_the_health_report() -> None:
    text = section("docs/operations.md", "## Health")
    sources = [*(ROOT / "monitor").rglob("*.py"), *(ROOT / "consumers").glob("*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    parts = set(re.findall(r'health\.report\(\s*"(\w+)"', code))
    parts |= set(re.findall(r'life\.(?:wait_for|watch)\("(\w+)"', code))
    told = re.search(r"Parts are (.*?) one `consumer NAME`", text, re.DOTALL)
    assert told
    assert set(CODE.findall(told[1])) == parts


def routes(items: Iterable[Any]) -> Iterator[str]:
    """Yield every endpoint: routers that are included keep their own routes."""
    for route in items:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes(inner.routes)
        elif methods := getattr(route, "methods", None):
            path = route.path.replace(":path}", "}")
            yield from (f"{method} {path}" for method in methods - {"HEAD"})
        else:
            yield route.path


def test_endpoints() -> None:
    web = create_app(None, Health(), clock=SystemClock())
    told = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)`", page("docs/api.md")))
    found = set(routes(web.routes))
    assert told | {"/static"} == found
    assert "`/static`" in page("docs/api.md")


def test_make_targets() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    real = {
        f"make {name}": told
        for names, told in re.findall(r"^([a-z -]+):.*## (.+)$", text, re.MULTILINE)
        for name in names.split()
    }
    phony = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert phony
    assert {f"make {name}" for name in phony[1].split()} == set(real)
    assert {row[0].strip("`"): row[1] for row in table(page("CONTRIBUTING.md"), "Command")} == real


def test_layers() -> None:
    import tomllib

    contracts = tomllib.loads(page("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(item["layers"] for item in contracts if item["type"] == "layers")
    real = [
        {name.strip().removeprefix("monitor.") for name in re.split("[|:]", line)}
        for line in layers
    ]
    drawn = section("CONTRIBUTING.md", "## How it is built").split("```")[1].splitlines()[1:]
    told = [set(re.split(r" {10,}", line)[0].split()) for line in drawn]
    assert told == real


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page(name)):
        if target.startswith(("http://", "https://", "#")):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / name).parent / path
        assert found.exists(), f"{name}: {target}"
        if anchor:
            assert anchor in anchors(found.read_text(encoding="utf-8")), f"{name}: {target}"


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings}


@pytest.mark.parametrize("name", PAGES)
def test_files_that_are_named_exist(name: str) -> None:
    inside = ("monitor/", "consumers/", "config/", "tests/", ".ci/")
    for path in CODE.findall(page(name)):
        if path.startswith(inside) and not re.search(r"[A-Z]{3,}|[ *…]", path):
            assert (ROOT / path).exists(), f"{name}: {path}"


def test_the_version_has_its_changes() -> None:
    from monitor import __version__

    assert re.search(
        rf"^## \[{re.escape(__version__)}\] - \d{{4}}-\d\d-\d\d$", page("CHANGELOG.md"), re.M
    )


@pytest.mark.parametrize("page", ["query-language.md", "topics.md", "evaluation.md"])
def test_every_query_that_is_shown_holds(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    shown = re.findall(r"```query\n(.*?)\n```", text, re.DOTALL)
    assert shown
    for query in shown:
        parse(query, names={"drones": Term("drone")})


def test_every_construct_of_the_table_holds() -> None:
    text = (ROOT / "docs" / "query-language.md").read_text(encoding="utf-8")
    table = text.partition("## What to write")[2].partition("\n##")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) > 25
    for row in rows:
        for query in re.findall(r"`([^`]+)`", row):
            if query.rstrip(":=<>") in ("body", "lead", "", "<"):
                continue
            parse(query.replace("\\|", "|"), names={"drones": Term("drone")})
