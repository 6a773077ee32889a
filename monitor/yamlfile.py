"""YAML files of the operator: read strictly, with `${NAME}` taken from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from monitor.errors import Problem

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def read_yaml(path: Path, problems: list[Problem]) -> dict[str, Any]:
    """Return a YAML file's top level; a file that is missing or no mapping is a problem."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506
    except FileNotFoundError:
        problems.append(Problem(str(path), "the file is missing: create it, it may be empty"))
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(str(path), f"cannot be read: {error}"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problems.append(Problem(f"{path} line {line}", f"not valid YAML: {error.problem}"))
    except yaml.YAMLError as error:
        problems.append(Problem(str(path), f"not valid YAML: {error}"))
    else:
        if content is None:
            return {}
        if isinstance(content, dict):
            return content
        problems.append(Problem(str(path), "must hold keys with values"))
    return {}


def expand(value: Any, environ: Mapping[str, str]) -> Any:
    """Replace `${NAME}` by the environment's NAME, or by what the file in NAME_FILE holds."""
    if isinstance(value, dict):
        return {key: expand(item, environ) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, environ) for item in value]
    return (
        _VARIABLE.sub(lambda m: _variable(m[1], environ), value)
        if isinstance(value, str)
        else value
    )


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


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML lets the last of two equal keys win in silence; here it is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(
                    problem="a key must be plain text", problem_mark=key.start_mark
                )
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key '{key.value}' is there twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def write_yaml(value: Any) -> str:
    """Return YAML that `read_yaml` reads back, keys in their order."""
    text: str = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=100)
    return text
