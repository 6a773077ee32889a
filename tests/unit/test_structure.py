"""The rules of the code that no linter knows: sizes, names, time, clients, and the compose file."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor import lifecycle
from monitor.settings import PREFIX, Role, Settings

ROOT = Path(__file__).parents[2]
MODULE_LINES = 300
FUNCTION_LINES = 40
FORBIDDEN_NAME = re.compile(r"(^|_)(utils?|common|base|helpers?|misc|managers?)($|_)")
FORBIDDEN_CLASS = re.compile(r"(Manager|Helper|Utils?)$")
TIME = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "localtime", "gmtime"},
}
TIME_LIVES_IN = "monitor/clock.py"
LIVES_IN = {
    # A request, its sockets, and what its failures mean.
    "aiohttp": {
        "monitor/outbound/client.py",
        "monitor/outbound/connections.py",
        "monitor/outbound/targets.py",
    },
    "aiokafka": {"monitor/brokers/kafka.py"},
    "aiosmtplib": {"monitor/notifiers/email.py"},
    "apscheduler": {"monitor/scheduler.py"},
    "asyncpg": {"monitor/store/postgres.py"},
    "cronsim": {"monitor/cron.py"},
    "fastfeedparser": {"monitor/sources/fastfeed.py"},
    "feedparser": {"monitor/sources/feed.py"},
    "html_text": {"monitor/sources/markup.py"},
    "imaplib": {"monitor/sources/imap.py"},
    "jinja2": {"monitor/web/templating.py"},
    # One thing in three modules: a query, what is found while it is read, and its mistakes.
    "lark": {
        "monitor/topics/query.py",
        "monitor/topics/reading.py",
        "monitor/topics/mistakes.py",
    },
    "rapidfuzz": {"monitor/topics/evaluate.py"},
    "re2": {"monitor/topics/leaves.py"},
    "Stemmer": {"monitor/topics/stems.py"},
    "protego": {"monitor/sources/robots.py"},
    "publicsuffixlist": {"monitor/text/hosts.py"},
    "py3langid": {"monitor/text/language.py"},
    # The tables are too many for one module.
    "sqlmodel": {
        "monitor/store/schema.py",
        "monitor/store/source_tables.py",
        "monitor/store/tables.py",
    },
    "sse_starlette": {"monitor/api/stream.py"},
    "standardwebhooks": {"monitor/notifiers/webhook.py"},
    "structlog": {"monitor/telemetry.py"},
    "swagger_ui_bundle": {"monitor/api/docs.py"},
    "trafilatura": {"monitor/sources/extract.py"},
    "uvicorn": {"monitor/api/server.py"},
    "uvloop": {"monitor/cli/session.py"},
    "yaml": {"monitor/yamlfile.py"},
    "yarl": {"monitor/outbound/client.py", "monitor/outbound/targets.py"},
}
"""Third-party clients, each with the modules that know it: more than one only for a reason."""

MODULES = tuple(
    path.relative_to(ROOT).as_posix()
    for package in ("monitor", "consumers")
    for path in sorted((ROOT / package).rglob("*.py"))
)
WRITTEN_ONCE = "monitor/store/migrations/versions/"
"""A migration is a list of statements that is never changed again: it may be long."""


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


def sized(modules: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(module for module in modules if not module.startswith(WRITTEN_ONCE))


@pytest.mark.parametrize("module", sized(MODULES))
def test_a_module_is_small(module: str) -> None:
    lines = len((ROOT / module).read_text(encoding="utf-8").splitlines())
    assert lines <= MODULE_LINES, f"{module} has {lines} lines: split it by responsibility"


@pytest.mark.parametrize("module", sized(MODULES))
def test_a_function_is_small(module: str) -> None:
    long = [
        f"{node.name} has {lines} lines"
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := lines_of(node, module)) > FUNCTION_LINES
    ]
    assert not long, f"{module}: {'; '.join(long)}"


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef, module: str) -> int:
    """Return how many lines a reader has to hold: neither blank ones nor the docstring's."""
    text = (ROOT / module).read_text(encoding="utf-8").splitlines()
    lines = set(range(function.lineno, (function.end_lineno or function.lineno) + 1))
    if ast.get_docstring(function) is not None:
        told = function.body[0]
        lines -= set(range(told.lineno, (told.end_lineno or told.lineno) + 1))
    return sum(1 for line in lines if text[line - 1].strip())


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_is(module: str) -> None:
    assert ast.get_docstring(tree_of(module)), f"{module}: write one sentence at the top"


@pytest.mark.parametrize("module", MODULES)
def test_names_say_what_things_are(module: str) -> None:
    parts = Path(module).with_suffix("").parts
    assert not [part for part in parts if FORBIDDEN_NAME.search(part)]
    classes = [node for node in ast.walk(tree_of(module)) if isinstance(node, ast.ClassDef)]
    assert not [node.name for node in classes if FORBIDDEN_CLASS.search(node.name)]


def test_only_the_clock_asks_for_the_time() -> None:
    found = [f"{module}: {call}" for module in MODULES for call in asks_for_time(tree_of(module))]
    assert {text.partition(":")[0] for text in found} == {TIME_LIVES_IN}, found


def asks_for_time(tree: ast.Module) -> Iterator[str]:
    """Yield the calls that ask the machine for the time, also of what was imported by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            if node.attr in TIME.get(name, ()):
                yield f"{name}.{node.attr}, line {node.lineno}"
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (
                f"time.{alias.name}, line {node.lineno}"
                for alias in node.names
                if alias.name in TIME["time"]
            )


def test_a_client_lives_in_one_module() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for module in MODULES:
        for package in imported(tree_of(module)):
            if package in LIVES_IN:
                found[package].add(module)
    assert dict(found) == LIVES_IN


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the packages that a module imports, within its functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


class TestComposeFile:
    """`docker-compose.yml` fits the service that it runs."""

    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    services: dict[str, dict[str, Any]] = content["services"]
    settings = frozenset(f"{PREFIX}{key.upper()}" for key in Settings.model_fields)
    of_compose = frozenset({"POSTGRES_PASSWORD"})

    def environments(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, service in self.services.items():
            given = service.get("environment") or {}
            yield name, given if isinstance(given, dict) else dict.fromkeys(given)

    def test_a_service_has_an_image_and_can_be_waited_for(self) -> None:
        for name, service in self.services.items():
            assert service.get("image") or service.get("build"), name
            for other, wait in (service.get("depends_on") or {}).items():
                assert other in self.services, f"{name} waits for {other}"
                if wait.get("condition") == "service_healthy":
                    assert "test" in self.services[other]["healthcheck"], other

    def test_nobody_is_killed_while_it_ends_in_order(self) -> None:
        leaves = lifecycle.DRAIN + lifecycle.CANCEL + lifecycle.CLOSE + lifecycle.LEAVE
        for name, service in self.services.items():
            grace = int(service["stop_grace_period"].removesuffix("s"))
            # What writes to its log or closes files takes its time on a busy disk.
            assert grace >= (1.5 * leaves if "build" in service else 60), name
            assert service["restart"] == "unless-stopped", name

    def test_volumes_are_declared(self) -> None:
        for name, service in self.services.items():
            for volume in service.get("volumes") or ():
                source = volume.partition(":")[0]
                assert source[0] in "./" or source in self.content["volumes"], f"{name}: {source}"

    def test_every_role_runs_once(self) -> None:
        roles = [
            role
            for _, environment in self.environments()
            for role in str(environment.get("MONITOR_ROLES") or "").replace(",", " ").split()
        ]
        assert sorted(roles) == sorted(Role)

    def test_every_variable_is_a_setting(self) -> None:
        for name, environment in self.environments():
            given = {key for key in environment if key.startswith(PREFIX)}
            assert given <= self.settings, f"{name}: {given - self.settings}"
        referenced = set(re.findall(r"\$\{(MONITOR_[A-Z_]+)", self.text))
        assert referenced <= self.settings | self.of_compose

    def test_ports_are_those_of_loopback(self) -> None:
        published = [
            port for service in self.services.values() for port in service.get("ports") or ()
        ]
        assert published
        assert all(port.startswith("127.0.0.1:") for port in published)
