"""The query language in which users describe a topic: from text to a tree, and back.

    ("Shanghai Cooperation" OR =SCO) AND (defence NEAR/5 minist* OR "joint exercise"~3)
    -title:(trade OR culture) lang:en published:>=2024

`docs/query-language.md` tells people what everything means, the nodes in `tree.py` tell the rest
of the program. NOT binds closest, then NEAR, then AND, then OR; parts side by side are ANDed.
Whatever is nearly an operator is an error with its cure, never a word that silently matches
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedToken

from monitor.topics import leaves
from monitor.topics.canonical import canonical
from monitor.topics.mistakes import (
    Fault,
    Mistake,
    QueryError,
    check_shape,
    check_word,
    misplaced,
    placed,
    shown,
)
from monitor.topics.reading import READING, Reading, counted, told, used
from monitor.topics.shape import holds_of_nothing, is_positional, looks_at_fields
from monitor.topics.tree import (
    And,
    AtLeast,
    In,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Repeat,
    Score,
    Zone,
)

__all__ = ["Mistake", "Query", "QueryError", "canonical", "parse"]

NONE: Mapping[str, Node] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Query:
    """A query that holds. `str()` gives its canonical text, which parses to the same tree."""

    root: Node

    def __str__(self) -> str:
        return canonical(self.root)


def parse(text: str, *, stem: str = "", names: Mapping[str, Node] = NONE) -> Query:
    """Return the query that a text holds, in time proportional to its length.

    `stem` is the language whose stemmer makes all plain words match their forms, "" for none;
    `names` are the topics and word lists that `@name` stands for. Raises QueryError for a text
    that does not hold, or that exceeds a limit of `monitor.topics.mistakes`.
    """
    text = text.translate(_QUOTES)
    reading = Reading(stem, names)
    token = READING.set(reading)
    calls: list[Fault] = []
    try:
        calls = check_shape(text)
        reading.faults += calls
        # The builder makes nodes while Lark parses, which Lark's own types do not say.
        root = cast(Node, _parser().parse(text))
        if not reading.faults:
            _check_whole(root)
    except UnexpectedToken as error:
        follows = calls and error.token.type == "COMMA"  # what it separates is no call
        faults = [] if follows else [misplaced(list(_parser().lex(text)), error.token)]
        raise placed(text, [*reading.faults, *faults]) from None
    except Fault as fault:
        raise placed(text, [*reading.faults, fault]) from None
    finally:
        READING.reset(token)
    if reading.faults:
        raise placed(text, reading.faults)
    return Query(root)


_QUOTES = str.maketrans("“”„«»", '"""""')

_GRAMMAR = r"""
?start: any | SCORE weighted+ -> score
?any: all | all (OR all)+ -> any_of
?all: part | part (AND? part)+ -> all_of
?part: near | (NOT | MINUS) part -> without
?near: atom | near NEAR atom -> near
?atom: zoned | value | group | counted
zoned: ZONE (atom | REGEX)
?value: WORD -> word | PHRASE -> phrase | VALUE -> value | PUBLISHED -> published | WITHIN -> within
group: LPAR any RPAR
?counted: ATLEAST any (COMMA any)* RPAR -> at_least
    | REPEAT any RPAR -> repeat
    | SCORE_GROUP weighted+ RPAR -> score
weighted: WEIGHT? atom

AND.2: /AND(?=[\s()"]|$)/
OR.2: /OR(?=[\s()"]|$)/
NOT.2: /NOT(?=[\s()"]|$)/
NEAR.3: /O?NEAR(\/\d+)?(?=[\s()"]|$)/
MINUS.2: /-(?=[^\s)\-])(?!\d+\*)/
ZONE.2: /(title|body|lead|author|tag|place|url):(?=[^\s)])/i
REGEX.4: /\/(?:[^\/\\\n]|\\.)+\/i?(?=[\s(),]|$)/
VALUE.3: /(source|domain|country|lang):[^\s()",]+/i
PUBLISHED.3: /published:(\[[^\]\n]*\]|[^\s()",\[]+)/i
WITHIN.3: /in:\d+[mhdw](?=[\s(),]|$)/i
ATLEAST.4: /atleast\(\s*\d+\s*%?\s*,/i
REPEAT.4: /repeat\(\s*\d+\s*,/i
SCORE_GROUP.5: /score>=\d+:\(/i
SCORE.4: /score>=\d+:/i
WEIGHT.3: /-?\d+\*(?=["(@=\w])/
COMMA: ","
LPAR: "("
RPAR: ")"
PHRASE.2: /=?"[^"]*"(\^[A-Za-z]*)?(~\d+)?/
WORD: /[^\s()",]+/
%ignore /\s+/
"""


@v_args(inline=True)
class _Builder(Transformer[Token, Node]):
    """Makes a node of each rule as the parser completes it, so that depth costs no recursion."""

    @told
    def word(self, token: Token) -> Node:
        if token.startswith("@"):
            return used(token[1:])
        check_word(token)
        parts = leaves.words_of(token, READING.get().stem)
        if not parts:
            raise Fault(None, f"{shown(token)} has no letter or digit: remove it")
        return counted(parts[0] if len(parts) == 1 else Phrase(tuple(parts)))

    @told
    def phrase(self, token: Token) -> Node:
        return counted(leaves.quoted(token, READING.get().stem))

    @told
    def value(self, token: Token) -> Node:
        return leaves.value(token)

    @told
    def published(self, token: Token) -> Node:
        return leaves.published(token)

    @told
    def within(self, token: Token) -> Node:
        return leaves.within(token)

    def group(self, _left: Token, item: Node, _right: Token) -> Node:
        return item

    @told
    def zoned(self, token: Token, item: Node | Token) -> Node:
        zone = Zone(token[:-1].lower())
        if isinstance(item, Token):
            return leaves.regex(zone, item)
        if isinstance(item, In) and item.zone is zone:
            return item
        if looks_at_fields(item):
            raise Fault(None, f"{zone}: takes words and phrases, but no field again")
        return In(zone, item)

    @told
    def near(self, left: Node, token: Token, right: Node) -> Node:
        if not (is_positional(left) and is_positional(right)):
            raise Fault(None, "NEAR takes words, phrases, and groups of them with OR")
        operator, _, number = token.partition("/")
        return Near(left, right, leaves.apart(number or "10"), operator == "ONEAR")

    def without(self, _not: Token, item: Node) -> Node:
        return item.item if isinstance(item, Not) else Not(item)

    def all_of(self, *parts: Node | Token) -> Node:
        return And(_flat(parts, lambda node: node.items if isinstance(node, And) else (node,)))

    def any_of(self, *parts: Node | Token) -> Node:
        return Or(_flat(parts, lambda node: node.items if isinstance(node, Or) else (node,)))

    @told
    def at_least(self, token: Token, *parts: Node | Token) -> Node:
        items = _flat(parts, lambda node: (node,))
        count = leaves.share(token.partition("(")[2].rstrip(",").strip(), len(items))
        if len(items) == 1:
            return items[0]
        if count == 1:
            return self.any_of(*items)
        return self.all_of(*items) if count == len(items) else AtLeast(count, items)

    @told
    def repeat(self, token: Token, item: Node, _right: Token) -> Node:
        count = token.partition("(")[2].rstrip(",").strip()
        if not is_positional(item):
            raise Fault(None, "repeat( takes a word, a phrase, or a group of them with OR")
        if len(count) > 3 or not int(count):
            raise Fault(None, f"repeat({shown(count)}, …): write a number from 2 to 999")
        return item if int(count) == 1 else Repeat(int(count), item)

    def weighted(self, *found: Token | Node) -> tuple[int, Node]:
        weight = int(found[0][:-1][:7]) if isinstance(found[0], Token) else 1
        return weight, cast(Node, found[-1])

    @told
    def score(self, token: Token, *found: tuple[int, Node] | Token) -> Node:
        parts = tuple(part for part in found if not isinstance(part, Token))
        number = token.partition("=")[2].rstrip(":(")
        threshold = int(number[:9])
        if not all(weight for weight, _ in parts):
            raise Fault(None, "a weight of 0 changes nothing: remove the part")
        leaves.check_threshold(threshold, [weight for weight, _ in parts])
        return Score(threshold, parts)


def _flat(
    parts: Iterable[Node | Token], items: Callable[[Node], tuple[Node, ...]]
) -> tuple[Node, ...]:
    return tuple(item for part in parts if not isinstance(part, Token) for item in items(part))


def _check_whole(root: Node) -> None:
    if holds_of_nothing(root):
        only = "a query of only NOT parts (or a side of an OR)"
        raise Fault(0, f"{only} would match almost everything: add a word that must be there")


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="basic", transformer=_Builder())
