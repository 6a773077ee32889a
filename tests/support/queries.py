"""Queries and articles made by chance, over a vocabulary so small that they meet.

`chance` is a Random that Hypothesis controls, so that it can make a failing case smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from monitor.model import Article
from monitor.topics.shape import looks_at_fields
from monitor.topics.tree import (
    And,
    AtLeast,
    Exact,
    Field,
    Fuzzy,
    In,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Published,
    Regex,
    Repeat,
    Score,
    Stem,
    Term,
    Use,
    Value,
    Wildcard,
    Within,
    Word,
    Zone,
)
from tests.support.articles import an_article

DAY = datetime(2024, 4, 26, tzinfo=UTC)
WORDS = ["a", "b", "and", "don't", "会", "minister", "ministers", "ministry", "shoigu", "sco"]
OTHERS = ["A", "SCO", "Minister", "Shoygu", "Shoigou", "B-a", "a.", "\n", "x", "mínister"]
URLS = ["", "https://www.a.co.uk/sco/b", "https://b.fr/2024", "https://sub.a.co.uk"]
ZONES = [zone for zone in Zone if zone is not Zone.TEXT]


def some_text(chance: Random, most: int = 8) -> str:
    """Return a text of at most so many words."""
    return " ".join(chance.choices(WORDS + OTHERS, k=chance.randint(0, most)))


def some_article(chance: Random) -> Article:
    """Return an article; some have a body that reaches beyond the lead."""
    body = some_text(chance)
    return an_article(
        title=some_text(chance),
        summary=some_text(chance),
        body="x " * 58 + body if chance.random() < 0.2 else body,
        authors=tuple(some_text(chance, 3) for _ in range(chance.randint(0, 2))),
        categories=tuple(some_text(chance, 3) for _ in range(chance.randint(0, 2))),
        place=chance.choice(["", "A", "Minister b"]),
        url=chance.choice(URLS),
        source=chance.choice(["bbc-world", "afp"]),
        language=chance.choice(["", "en", "fr"]),
        published=chance.choice([None, DAY, DAY - timedelta(1), DAY + timedelta(hours=1)]),
        fetched=DAY + timedelta(hours=2),
    )


def some_word(chance: Random) -> Word:
    """Return a word, half of them plain."""
    makers: list[Callable[[], Word]] = [
        lambda: Exact(chance.choice(["SCO", "sco", "A", "mínister"])),
        lambda: Stem(chance.choice(["minister", "ministry"]), "en"),
        lambda: Wildcard(chance.choice(["min*", "minist?r", "sho*u", "ministe*s"])),
        lambda: Fuzzy("shoigu", 1),
        lambda: Fuzzy("ministers", chance.choice([1, 2])),
    ]
    return Term(chance.choice(WORDS)) if chance.random() < 0.5 else chance.choice(makers)()


def some_places(chance: Random, depth: int = 2) -> Node:
    """Return a node that has places."""
    kind = chance.random()
    if depth and kind < 0.25:
        right = some_places(chance, 0)
        return Near(some_places(chance, depth - 1), right, chance.randint(0, 3), kind < 0.1)
    if depth and kind < 0.4:
        items = _several(chance, lambda: some_places(chance, depth - 1), Or)
        return Or(items) if len(items) > 1 else items[0]
    if kind < 0.65:
        parts = tuple(some_word(chance) for _ in range(chance.randint(2, 3)))
        return Phrase(parts, chance.choice([0, 0, 1, 3]))
    return some_word(chance)


def some_node(chance: Random, depth: int = 3) -> Node:
    """Return a node as the parser makes them; `@list` stands for the word a."""
    if not depth or chance.random() < 0.2:
        return _leaf(chance)

    def below() -> Node:
        return some_node(chance, depth - 1)

    match chance.randrange(6):
        case 0:
            item = below()
            return item if looks_at_fields(item) else In(chance.choice(ZONES), item)
        case 1:
            item = below()
            return item.item if isinstance(item, Not) else Not(item)
        case 2:
            return And(_several(chance, below, And))
        case 3:
            return Or(_several(chance, below, Or))
        case 4:
            return AtLeast(2, tuple(below() for _ in range(3)))
        case _:
            return _score(chance, below)


def _leaf(chance: Random) -> Node:
    match chance.randrange(8):
        case 0:
            return Repeat(chance.randint(2, 3), some_places(chance))
        case 1:
            return _value(chance)
        case 2:
            return Use("list", Term("a"))
        case _:
            return some_places(chance)


def _value(chance: Random) -> Node:
    values: Sequence[Node] = [
        Value(Field.DOMAIN, chance.choice(["a.co.uk", "fr", "co.uk"])),
        Value(Field.COUNTRY, chance.choice(["gb", "fr"])),
        Value(Field.LANGUAGE, "en"),
        Value(Field.SOURCE, chance.choice(["bbc-*", "afp"])),
        Published(DAY, None),
        Published(None, DAY),
        Published(DAY, DAY + timedelta(1)),
        Within(chance.choice([3_600, 86_400])),
        Regex(
            chance.choice([Zone.TITLE, Zone.BODY, Zone.URL, Zone.AUTHOR]),
            chance.choice(["sco", "A", r"\bb"]),
            chance.random() < 0.5,
        ),
    ]
    return chance.choice(values)


def _several(chance: Random, make: Callable[[], Node], kind: type[And | Or]) -> tuple[Node, ...]:
    """Return two or three nodes; what is of the kind itself is flattened, as the parser does."""
    made = [make() for _ in range(chance.randint(2, 3))]
    return tuple(
        part for node in made for part in (node.items if isinstance(node, kind) else (node,))
    )


def _score(chance: Random, make: Callable[[], Node]) -> Score:
    parts = [(chance.choice([-2, -1, 1, 2, 3]), make()) for _ in range(chance.randint(1, 2))]
    parts.append((chance.randint(1, 3), make()))
    best = sum(max(weight, 0) for weight, _ in parts)
    return Score(chance.randint(1, best), tuple(parts))
