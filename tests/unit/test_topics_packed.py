"""Parsed queries as bytes: what comes back, and what is parsed again instead."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.topics import packed
from monitor.topics.packed import is_current, pack, unpack
from monitor.topics.query import parse
from monitor.topics.tree import Term
from tests.support.queries import some_node


@given(st.randoms(use_true_random=False))
def test_a_tree_comes_back_as_it_was(chance: Random) -> None:
    root = some_node(chance)
    assert unpack(pack(root)) == root


def test_what_another_parser_has_made_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    made = pack(parse("a b").root)
    monkeypatch.setattr(packed, "_parser", lambda: b"another!")
    assert not is_current(made)
    assert unpack(made) is None
    assert unpack(pack(Term("a"))) == Term("a")


@pytest.mark.parametrize("damage", [b"", b"\xc1", b"\x92\xa4Term\x01", b"\x92\xa3New\xa1a"])
def test_what_is_damaged_is_not_taken(damage: bytes) -> None:
    prefix = pack(Term("a"))[:8]
    assert is_current(prefix + damage)
    assert unpack(prefix + damage) is None


def test_every_module_of_the_parser_counts() -> None:
    counted = {f"{package}.{name}" for package, names in packed._PARSER for name in names}
    waiting, found = ["monitor.topics.query"], set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imported_by(name)
    assert found == counted


def _imported_by(module: str) -> list[str]:
    """Return which modules of topics and texts a module imports."""
    tree = ast.parse(Path(str(import_module(module).__file__)).read_text())
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("monitor.topics", "monitor.text"):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return [name for name in names if name.startswith(("monitor.topics.", "monitor.text."))]
