"""What can be wrong with a query, and the sentence that tells people how to cure it.

A mistake is found at an offset (`Fault`) and becomes a QueryError, which names its line and column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lark import Token

from monitor.errors import Rejected
from monitor.topics.canonical import OPERATORS
from monitor.topics.tree import Field, Zone

MAX_CHARACTERS = 10_000
MAX_TERMS = 800
MAX_WORDS = 1_000
"""Of all terms together: a phrase has several."""
MAX_DEPTH = 30
MAX_PATTERNS = 20
"""Wildcards and misspelt words: each is held against every word of an article."""
MOST_APART = 100
"""Words between the two sides of NEAR, and within a phrase."""
MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong: a sentence with the place and the cure.

    `column` counts characters from 1, in the line `line` of a query of several lines.
    """

    sentence: str
    column: int = 1
    line: int = 1


class QueryError(Rejected):
    """A query that does not hold. Its text is all the mistakes, as far as they can be told."""

    def __init__(self, mistakes: Sequence[Mistake], about: str = "") -> None:
        super().__init__(about + "; ".join(mistake.sentence for mistake in mistakes))
        self.mistakes = tuple(mistakes)

    @property
    def column(self) -> int:
        """The place of the first mistake."""
        return self.mistakes[0].column

    @property
    def line(self) -> int:
        """The line of the first mistake."""
        return self.mistakes[0].line


class BrokenUse(QueryError):
    """A query that would hold if what it uses did: the mistake is told there."""


class Fault(Exception):
    """A mistake at an offset; `{place}` in the sentence becomes its line and column.

    Without an offset it is the token's whose meaning was looked for.
    """

    def __init__(self, offset: int | None, sentence: str) -> None:
        super().__init__(sentence)
        self.offset = offset
        self.sentence = sentence


def placed(text: str, faults: Iterable[Fault]) -> QueryError:
    """Return the error that people see, with the places in their own text."""
    ordered = sorted(faults, key=lambda fault: fault.offset or 0)
    return QueryError([_placed(text, fault) for fault in ordered[:MOST_TOLD]])


def _placed(text: str, fault: Fault) -> Mistake:
    offset = fault.offset or 0
    before = text[:offset]
    line = before.count("\n") + 1
    column = offset - (before.rfind("\n") + 1) + 1
    place = f"column {column}" if "\n" not in text.strip() else f"line {line}, column {column}"
    return Mistake(fault.sentence.replace("{place}", place, 1), column, line)


_FIELDS = [
    *(zone.value for zone in Zone if zone is not Zone.TEXT),
    *(field.value for field in Field),
]
# A regular expression is no part of the shape: its quotes and parentheses are its own.
_PATTERN = rf"(?:{'|'.join(_FIELDS)}):/(?:[^/\\\n]|\\.)+/i?(?=[\s(),]|$)"
_SCAN = re.compile(rf'[^\s()"/:]*?{_PATTERN}|"[^"]*"|[()"]|[^\s()"]+', re.IGNORECASE)
_CALLED = re.compile(r"(?:^|[-*,:])(atleast|repeat)$", re.IGNORECASE)
_ARGUMENTS = {
    "atleast": (
        re.compile(r"\(\s*\d+\s*%?\s*,"),
        "{name}( needs a number and parts, as atleast(2, drone, missile, uav)",
    ),
    "repeat": (
        re.compile(r"\(\s*\d+\s*,"),
        "{name}( needs a number and a part, as repeat(3, drone OR uav)",
    ),
}


def check_shape(text: str) -> list[Fault]:
    """Return the calls without what they need, which would be read as words.

    Raises Fault for what is too large to parse, and for whatever is opened and never closed.
    """
    if not text.strip():
        raise Fault(0, "the query is empty: write at least one word")
    if len(text) > MAX_CHARACTERS:
        raise _too_large(f"{len(text)} characters", MAX_CHARACTERS)
    found = list(_SCAN.finditer(text))
    for match in found:
        if match[0] == '"':
            raise Fault(match.start(), 'unclosed quote that starts at {place}: add a closing "')
    terms = sum(1 for match in found if match[0] not in "()" and match[0].lower() not in OPERATORS)
    if terms > MAX_TERMS:
        raise _too_large(f"{terms} terms", MAX_TERMS)
    _check_parentheses((match[0], match.start()) for match in found if match[0] in "()")
    return [
        fault
        for before, after in pairwise(found)
        if after[0] == "(" and (called := _CALLED.search(before[0]))
        for fault in _wrong_call(text, before.start() + called.start(1), called[1], after.start())
    ]


def _wrong_call(text: str, offset: int, name: str, bracket: int) -> Iterator[Fault]:
    arguments, needs = _ARGUMENTS[name.lower()]
    given = arguments.match(text, bracket)
    if bracket == offset + len(name):
        if given is None:
            yield Fault(offset, "{place}: " + needs.replace("{name}", name))
    elif given is not None:
        call = f"{name}{given[0].rstrip(', ')}"
        yield Fault(offset, f"{{place}}: write {call} without white space before the (")


def _check_parentheses(found: Iterable[tuple[str, int]]) -> None:
    opened: list[int] = []
    for bracket, offset in found:
        if bracket == "(":
            opened.append(offset)
        elif opened:
            opened.pop()
        else:
            raise Fault(offset, "{place}: this ) closes nothing: remove it, or add a (")
        if len(opened) > MAX_DEPTH:
            sentence = f"parentheses are nested more than {MAX_DEPTH} deep: make it flatter"
            raise Fault(offset, "{place}: " + sentence)
    if opened:
        raise Fault(opened[-1], "the ( at {place} is never closed: add a )")


def _too_large(size: str, limit: int) -> Fault:
    return Fault(0, f"the query has {size}, at most {limit} are allowed: make several topics of it")


def misplaced(tokens: Sequence[Token], at: Token) -> Fault:
    """Return what is wrong around `at`, the one of all tokens that the grammar does not expect."""
    ended = at.type == "$END"  # which Lark places at the last token
    earlier = [item for item in tokens if ended or (item.start_pos or 0) < (at.start_pos or 0)]
    nearby = (earlier[-1], at) if earlier else (at,)
    if at.type == "WEIGHT" and nearby[0].type not in _WEIGHED:
        return Fault(at.start_pos, "{place}: " + _WEIGHT_ALONE.replace("{word}", shown(at)))
    for token in nearby:
        start, shape = token.start_pos, _NEEDS.get(token.type)
        if shape:
            return Fault(start, "{place}: " + shape.format(token=shown(token.rstrip())))
    if at.type == "COMMA":
        what = "a comma separates only the parts of atleast( and repeat(: remove it, or quote it"
        return Fault(at.start_pos, "{place}: " + what)
    return Fault(at.start_pos, "{place}: there is nothing between ( and ): add a word")


_WEIGHED = ("SCORE", "SCORE_GROUP", "WEIGHT")
_WEIGHT_ALONE = "{word}: weights belong to a score, as score>=5: 3*word 2*other"
_NEEDS = {
    "ZONE": "{token} needs a word, a phrase or a group right after it",
    "NEAR": "{token} needs two terms: a word, a phrase or a group on both sides",
    "AND": "{token} needs something on both sides",
    "OR": "{token} needs something on both sides",
    "NOT": "{token} needs something after it",
    "MINUS": "{token} needs something after it",
    "WEIGHT": "{token} needs a word, a phrase or a group right after it",
    "SCORE": '{token} needs parts with weights after it, as 3*word 2*"two words"',
    "SCORE_GROUP": '{token} needs parts with weights in it, as 3*word 2*"two words"',
    "ATLEAST": "{token} needs parts with commas between them, and a ) at the end",
    "REPEAT": "{token} needs one word, phrase or group, and a ) at the end",
    "REGEX": "a regular expression stands right behind a field, as title:/…/",
}
_KNOWN = ", ".join(f"{name}:" for name in (*_FIELDS, "published", "in"))
_ZONE_ALONE = "{word} needs a word, a phrase or a group right after it"

# What other languages mean by these would be lost as plain words. The first that fits is told.
_FOREIGN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (r"(?i)(title|body|lead|author|tag|place|url):", _ZONE_ALONE),
        (r"(?i)(source|domain|country|lang|published|in):", "{word} needs a value right after it"),
        (r"(?i)in:.*", "{word} is no time: write for example in:24h or in:7d"),
        (r"(?i)and|or|not", "write {upper} to combine parts, or quote the word to search for it"),
        (r"(?i)o?near/\d+", "write {upper} in capitals, or quote it"),
        (r"O?NEAR.+", "{word}: write NEAR/{number}, with the number of words between"),
        (r"(?i)pre/\d+", "write ONEAR/{number} instead of {word}"),
        (
            r"(ADJ|WITHIN)([/~]?\d+)?:?|(?i:adj|within|[wn])?/\d+",
            "write NEAR/{number}, or ONEAR/{number} for this order, instead of {word}",
        ),
        (
            r"(?i)score[<>=].*",
            "{word} is no score: write score>=5: and its parts, as score>=5: 3*word 2*other",
        ),
        (r"&&?", "write AND instead of {word}"),
        (r"\|\|?", "write OR instead of {word}"),
        (r"!.*", "write NOT instead of !"),
        (r"(?s).*\^\d.*", _WEIGHT_ALONE),
        (r"(?s).*[\[\]{}].*|[<>].*", "{word} is no part of this language: quote it"),
        (r"/.*", "{word}: a regular expression is written title:/…/ or title:/…/i"),
        (r"\+.*", "leave out the +: every part must be there unless OR or NOT says otherwise"),
        (r"-.*", "write NOT, or one - right before the part that must not be there"),
        (r"(?i)(site|host|website):.*", "{prefix} is no field here: write domain:"),
        (r"(?i)(intitle|headline):.*", "{prefix} is no field here: write title:"),
        (r"(?i)(language):.*", "{prefix} is no field here: write lang:"),
        (r"[^\W\d]\w*:.*", "{prefix} is no field here (there are " + _KNOWN + "); or quote it"),
    )
)

# Most words are plain; those that start like a proximity operator are looked at closely.
_PLAIN = re.compile(r"(?!O?NEAR|ADJ|WITHIN)\w+")


def check_word(word: str) -> None:
    """Raise Fault for what is an operator elsewhere, or nearly one of this language."""
    if _PLAIN.fullmatch(word) and word.lower() not in OPERATORS:
        return
    for pattern, sentence in _FOREIGN:
        if pattern.fullmatch(word):
            prefix = shown(word.partition(":")[0]) + ":"
            told = {
                "{number}": str(_apart_in(word)),
                "{word}": shown(word),
                "{upper}": word.upper(),
                "{prefix}": prefix,
            }
            for name, text in told.items():
                sentence = sentence.replace(name, text)
            raise Fault(None, sentence)


def _apart_in(word: str) -> int:
    """Return how many words apart an operator of another language means."""
    found = re.search(r"\d{1,9}", word)
    return min(int(found[0]), MOST_APART) if found else 10


def shown(text: str) -> str:
    """Return a text short enough for an error."""
    return text if len(text) <= 40 else text[:39] + "…"
