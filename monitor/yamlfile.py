"""YAML files of the operator: read strictly, with `${NAME}` taken from the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from monitor.errors import Problem

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_QUERY = "query"
"""The key whose values are full of what YAML reads as its own signs."""
_ON_A_LINE = re.compile(r"\s*(?:- +)?([\w.-]+):[ \t]+[^\s{\[|>#]")
_IN_BRACES = re.compile(r"([\w.-]+):[ \t]")


def read_yaml(path: Path, problems: list[Problem]) -> dict[str, Any] | None:
    """Return a YAML file's top level, None for a file that cannot be read or is no mapping.

    That is a problem, and so is a query of which YAML drops the end.
    """
    try:
        text = path.read_text(encoding="utf-8")
        loader = _StrictLoader(text)
        content = loader.get_single_data()
    except FileNotFoundError:
        problems.append(Problem(str(path), "the file is missing: create it, it may be empty"))
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(str(path), f"cannot be read: {error}"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        cure = _cure(text, error.problem_mark)
        problems.append(Problem(f"{path} line {line}", f"not valid YAML: {error.problem}{cure}"))
    except yaml.YAMLError as error:
        problems.append(Problem(str(path), f"not valid YAML: {error}"))
    else:
        problems.extend(Problem(f"{path} line {line}", lost) for line, lost in loader.lost)
        if content is None:
            return {}
        if isinstance(content, dict):
            return {str(key): value for key, value in content.items()}
        problems.append(Problem(str(path), "must hold keys with values"))
    return None


def names_near(path: Path) -> Iterator[str]:
    """Yield what may be the names in a file that is no YAML, so that who uses one of them is not
    told that it is unknown."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    yield from re.findall(r"^\s+['\"]?([\w.-]+)['\"]?\s*:", text, re.MULTILINE)


def _cure(text: str, mark: yaml.Mark | None) -> str:
    """Return how to write the value that YAML has stumbled over."""
    lines = text.splitlines()
    if mark is None or mark.line >= len(lines):
        return ""
    line = lines[mark.line]
    found = _ON_A_LINE.match(line)
    if found is not None:
        key = found[1]
        return (
            f"; if it is in the value of {key}, write `{key}: >-` and the value on a line of its"
            " own below, indented further, or put all of it in single quotes"
        )
    keys = _IN_BRACES.findall(line[: mark.column])
    where = f" of {keys[-1]}" if keys else ""
    return f"; if it is in a value, put all{where} in single quotes" if keys else ""


def expand(value: Any, environ: Mapping[str, str], faults: list[str]) -> Any:
    """Replace `${NAME}` by the environment's NAME, or by what the file in NAME_FILE holds.

    A name that is set in neither way stays as it is, and is a fault.
    """
    if isinstance(value, dict):
        return {key: expand(item, environ, faults) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, environ, faults) for item in value]
    if not isinstance(value, str):
        return value

    def replaced(found: re.Match[str]) -> str:
        try:
            return _variable(found[1], environ)
        except (KeyError, OSError) as error:
            faults.append(str(error.args[0]))
            return found[0]

    return _VARIABLE.sub(replaced, value)


def _variable(name: str, environ: Mapping[str, str]) -> str:
    if name in environ:
        return environ[name]
    path = environ.get(f"{name}_FILE")
    if path is None:
        raise KeyError(f"${{{name}}} is not set: export {name} or {name}_FILE")
    try:
        return Path(path).expanduser().read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OSError(f"{name}_FILE: {path} cannot be read: {error}") from error


class _StrictLoader(yaml.SafeLoader):
    """YAML lets the last of two equal keys win in silence, and drops what follows a #."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._text = text
        self.lost: list[tuple[int, str]] = []
        """Lines of queries whose end is a comment, each with the cure."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:  # what looks like a date or a number, as 2024-13-01
            raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(
                    problem="a key must be plain text", problem_mark=key.start_mark
                )
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key '{key.value}' is there twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
            if key.value == _QUERY and isinstance(value, yaml.ScalarNode) and not value.style:
                self._look_behind(value.end_mark)
        return super().construct_mapping(node, deep)

    def _look_behind(self, end: yaml.Mark) -> None:
        """Keep what is written like a hashtag behind a query: `# so` is meant as a comment."""
        rest = self._text[end.index :].partition("\n")[0]
        if found := re.match(r"\s*(#\w\S*)", rest):
            cure = f"put it in single quotes, or write `{_QUERY}: >-` and it on the line below"
            lost = f"{_QUERY}: YAML takes {found[1]} and what follows for a comment: {cure}"
            self.lost.append((end.line + 1, lost))


def write_yaml(value: Any) -> str:
    """Return YAML that `read_yaml` reads back, keys in their order."""
    text: str = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=100)
    return text
