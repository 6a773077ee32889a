"""What a query means: a tree of these nodes. `query.py` makes it from text and text from it.

Three layers. A *word* is a test of one token of a text. A *positional* node has places: words,
phrases, proximity, and an OR of these; each place is a span of tokens in one segment (the title,
the summary, the body, one author …), so nothing ever matches across two of them. Every node can
hold or not hold of an article.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import msgspec


class Zone(StrEnum):
    """The fields that have words. Without one, a word is looked for in all of `TEXT`."""

    TEXT = "text"
    """Title, summary and body: the default, which no one writes."""
    TITLE = "title"
    BODY = "body"
    """Summary and body."""
    LEAD = "lead"
    """The title, and the first 60 words of the body, or of the summary where there is no body."""
    AUTHOR = "author"
    TAG = "tag"
    """The categories that the publisher gives."""
    PLACE = "place"
    """The dateline's."""
    URL = "url"
    """The words of the address."""


class Field(StrEnum):
    """The fields that have values, compared as a whole, without case."""

    SOURCE = "source"
    """The source's name; `*` stands for any letters."""
    DOMAIN = "domain"
    """The host of the address; a domain stands for all hosts below it."""
    COUNTRY = "country"
    """ISO 3166 code of the publisher's country, from the address's country-code domain."""
    LANGUAGE = "lang"
    """BCP 47 primary tag of the article's language."""


class _Node(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False):
    """A node is a value; it needs no garbage collector, since a tree has no cycle."""


class Term(_Node, frozen=True):
    """A word whatever its case and accents: one item of `monitor.text.words.words`."""

    word: str


class Exact(_Node, frozen=True):
    """A word just as it is written, `=SCO`: one item of `monitor.text.words.exact_words`."""

    word: str


class Stem(_Node, frozen=True):
    """All words with the stem that `word` (folded as a Term's) has in `language`: `minister^en`."""

    word: str
    language: str


class Wildcard(_Node, frozen=True):
    """A folded pattern: `*` is any number of letters and digits, `?` is one. `minist*`, `wom?n`.

    At least 3 characters are literal, the first of all is.
    """

    pattern: str


class Fuzzy(_Node, frozen=True):
    """All words at most `distance` (1 or 2) insertions, deletions or replacements of a character
    away from a folded word of at least 4 (7) characters: `shoigu~1`."""

    word: str
    distance: int


Word: TypeAlias = Term | Exact | Stem | Wildcard | Fuzzy


class Phrase(_Node, frozen=True):
    """Two or more words in this order, with at most `slop` other words between them in total.

    `"a b"`, `"a b"~5`.
    """

    words: tuple[Word, ...]
    slop: int = 0


class Near(_Node, frozen=True):
    """`left NEAR/10 right`: places of both that do not overlap, at most `distance` words between
    them; ONEAR where the left one must come first. Its own places reach from the first to the
    last token of such a pair. Both sides are positional."""

    left: Node
    right: Node
    distance: int
    ordered: bool = False


class In(_Node, frozen=True):
    """What must hold of one zone: `title:(a OR b)`. It holds no In, Value, Published or Within."""

    zone: Zone
    item: Node


class Regex(_Node, frozen=True):
    """An RE2 pattern that is found somewhere in one segment of a zone, as it is written:
    `url:/20\\d\\d/`, with `/i` whatever its case."""

    zone: Zone
    pattern: str
    ignore_case: bool = False


class Value(_Node, frozen=True):
    """A field that has a value: `lang:en`, `domain:bbc.co.uk`, `source:bbc-*`. Casefolded."""

    field: Field
    value: str


class Published(_Node, frozen=True):
    """Published (or where that is not known, fetched) from `start` on and before `end`, UTC.

    `published:2024-04`, `published:>=2024-04-26`, `published:[2024-01-01 TO 2024-04-30]`.
    """

    start: datetime | None
    end: datetime | None


class Within(_Node, frozen=True):
    """Published (or fetched) less than `seconds` before now: `in:24h`. In the stream now is when
    the article was fetched, in a search it is the moment of the search."""

    seconds: int


class Not(_Node, frozen=True):
    """What must not hold. Never directly within another Not."""

    item: Node


class And(_Node, frozen=True):
    """Two or more parts that must all hold; none of them is an And."""

    items: tuple[Node, ...]


class Or(_Node, frozen=True):
    """Two or more parts of which one must hold; none of them is an Or. Positional if all are."""

    items: tuple[Node, ...]


class AtLeast(_Node, frozen=True):
    """`atleast(2, a, b, c)`: at least `count` of the items hold; 1 < count < number of items."""

    count: int
    items: tuple[Node, ...]


class Repeat(_Node, frozen=True):
    """`repeat(3, drone)`: a positional item starts at `count` (at least 2) places or more, in all
    segments together."""

    count: int
    item: Node


class Score(_Node, frozen=True):
    """`score>=5:(3*a 2*b c)`: the weights of the parts that hold add up to `threshold` or more.

    Weights are not 0 and may be negative; `threshold` is positive, and can be reached.
    """

    threshold: int
    parts: tuple[tuple[int, Node], ...]


class Use(_Node, frozen=True):
    """`@name`: another topic or a word list. `item` is what it stands for."""

    name: str
    item: Node


Node: TypeAlias = (
    Word
    | Phrase
    | Near
    | In
    | Regex
    | Value
    | Published
    | Within
    | Not
    | And
    | Or
    | AtLeast
    | Repeat
    | Score
    | Use
)

LEAD_WORDS = 60
"""Words of the body that belong to the lead."""
