"""The query language of topics: text to a small frozen tree, and back.

    query   = both (OR both)*            a OR b
    both    = part ((AND)? part)*        a AND b, or simply: a b
    part    = (NOT | "-") part | place
    place   = title: atom | atom         title:summit
    atom    = word | "a phrase" | ( query )

Operators are written in capitals; NOT binds closest, then AND, then OR. Words are compared as
`monitor.text.normal.words` gives them, so case does not count and `defence-minister` is a phrase.

What other query languages offer and this one does not (wildcards, NEAR, other prefixes, ...) is
an error with its cure, never a word that silently matches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias, cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedToken

from monitor.text.words import words
from monitor.topics.mistakes import (
    OPERATORS,
    Fault,
    QueryError,
    check_phrase,
    check_shape,
    check_word,
    misplaced,
    placed,
    shown,
)

__all__ = ["And", "InTitle", "Node", "Not", "Or", "Phrase", "Query", "QueryError", "Term", "parse"]


@dataclass(frozen=True, slots=True)
class Term:
    """One word, as `words` gives it."""

    word: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """Two or more words that follow each other."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InTitle:
    """What must hold of the title alone. Never directly within another InTitle."""

    item: Node


@dataclass(frozen=True, slots=True)
class Not:
    """What must not hold. Never directly within another Not."""

    item: Node


@dataclass(frozen=True, slots=True)
class And:
    """Two or more parts that must all hold; none of them is an And."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more parts of which one must hold; none of them is an Or."""

    items: tuple[Node, ...]


Node: TypeAlias = Term | Phrase | InTitle | Not | And | Or


@dataclass(frozen=True, slots=True)
class Query:
    """A query that holds. `str()` gives its canonical text, which parses to the same tree."""

    root: Node

    def __str__(self) -> str:
        return canonical(self.root)


def parse(text: str) -> Query:
    """Return the query that a text holds, in time proportional to its length.

    Raises QueryError for a text that does not hold, or that exceeds a limit of
    `monitor.topics.mistakes`: 10,000 characters, 500 terms, parentheses 30 deep.
    """
    text = text.translate(_QUOTES)
    try:
        check_shape(text)
        # The builder makes nodes while Lark parses, which Lark's own types do not say.
        root = cast(Node, _parser().parse(text))
        if _holds_of_nothing(root):
            only = "a query of only NOT parts (or a side of an OR)"
            raise Fault(0, f"{only} would match almost everything: add a word that must be there")
    except UnexpectedToken as error:
        fault = misplaced(list(_parser().lex(text)), error.token)
        raise placed(text, fault) from None
    except Fault as fault:
        raise placed(text, fault) from None
    return Query(root)


def canonical(node: Node) -> str:
    """Return the text of a tree, with all operators and only the parentheses that help."""
    match node:
        case Term(word):
            bare = _BARE.fullmatch(word) and word not in OPERATORS
            return word if bare else f'"{word}"'
        case Phrase(parts):
            return f'"{" ".join(parts)}"'
        case InTitle(item):
            return "title:" + _grouped(item, Not, And, Or)
        case Not(item):
            return "NOT " + _grouped(item, And, Or)
        case And(items):
            return " AND ".join(_grouped(item, Or) for item in items)
        case Or(items):
            return " OR ".join(_grouped(item, And) for item in items)


def _grouped(node: Node, *kinds: type[Node]) -> str:
    text = canonical(node)
    return f"({text})" if isinstance(node, kinds) else text


_BARE = re.compile(r"\w+")
_QUOTES = str.maketrans("“”„«»", '"""""')

_GRAMMAR = r"""
?start: any
?any: all | all (OR all)+ -> any_of
?all: part | part (AND? part)+ -> all_of
?part: place | (NOT | MINUS) part -> without
?place: atom | TITLE atom -> in_title
?atom: WORD -> word | PHRASE -> phrase | LPAR any RPAR -> group

AND.2: /AND(?=[\s()"]|$)/
OR.2: /OR(?=[\s()"]|$)/
NOT.2: /NOT(?=[\s()"]|$)/
MINUS.2: /-(?=[^\s)-])/
TITLE.2: /title:(?=[^\s)])/i
LPAR: "("
RPAR: ")"
PHRASE: /"[^"]*"/
WORD: /[^\s()"]+/
%ignore /\s+/
"""


def _leaf(token: Token, complaint: str) -> Node:
    """Return the term or the phrase that a token amounts to."""
    parts = words(token)
    if not parts:
        raise Fault(token.start_pos, "{place}: " + complaint)
    return Term(parts[0]) if len(parts) == 1 else Phrase(tuple(parts))


@v_args(inline=True)
class _Builder(Transformer[Token, Node]):
    """Makes a node of each rule as the parser completes it, so that depth costs no recursion."""

    def word(self, token: Token) -> Node:
        check_word(token)
        return _leaf(token, f"{shown(token)} has no letter or digit: remove it")

    def phrase(self, token: Token) -> Node:
        check_phrase(token)
        return _leaf(token, "there is no word between these quotes: add one")

    def group(self, _left: Token, item: Node, _right: Token) -> Node:
        return item

    def in_title(self, _title: Token, item: Node) -> Node:
        return item if isinstance(item, InTitle) else InTitle(item)

    def without(self, _not: Token, item: Node) -> Node:
        return item.item if isinstance(item, Not) else Not(item)

    def all_of(self, *parts: Node | Token) -> Node:
        return And(_flat(parts, lambda node: node.items if isinstance(node, And) else (node,)))

    def any_of(self, *parts: Node | Token) -> Node:
        return Or(_flat(parts, lambda node: node.items if isinstance(node, Or) else (node,)))


def _flat(
    parts: tuple[Node | Token, ...], items: Callable[[Node], tuple[Node, ...]]
) -> tuple[Node, ...]:
    return tuple(item for part in parts if not isinstance(part, Token) for item in items(part))


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="basic", transformer=_Builder())


def _holds_of_nothing(node: Node) -> bool:
    """Return whether an article without a single word would match."""
    match node:
        case Term() | Phrase():
            return False
        case InTitle(item):
            return _holds_of_nothing(item)
        case Not(item):
            return not _holds_of_nothing(item)
        case And(items):
            return all(_holds_of_nothing(item) for item in items)
        case Or(items):
            return any(_holds_of_nothing(item) for item in items)
