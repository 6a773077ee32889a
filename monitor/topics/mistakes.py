"""What can be wrong with a query, and the sentence that tells people how to cure it.

A mistake is found at an offset (`Fault`) and becomes a QueryError, which names its line and column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lark import Token

from monitor.errors import Rejected

OPERATORS = frozenset({"and", "or", "not"})
MAX_CHARACTERS = 10_000
MAX_TERMS = 500
MAX_DEPTH = 30


class QueryError(Rejected):
    """A query that does not hold: the text is a sentence that names the place and the cure.

    `column` counts characters from 1, in the line `line` of a query of several lines.
    """

    def __init__(self, sentence: str, column: int = 1, line: int = 1) -> None:
        super().__init__(sentence)
        self.column = column
        self.line = line


class Fault(Exception):
    """A mistake at an offset; `{place}` in the sentence becomes its line and column."""

    def __init__(self, offset: int | None, sentence: str) -> None:
        super().__init__(sentence)
        self.offset = offset or 0
        self.sentence = sentence


def placed(text: str, fault: Fault) -> QueryError:
    """Return the error that people see, with the place in their own text."""
    before = text[: fault.offset]
    line = before.count("\n") + 1
    column = fault.offset - (before.rfind("\n") + 1) + 1
    place = f"column {column}" if "\n" not in text.strip() else f"line {line}, column {column}"
    return QueryError(fault.sentence.replace("{place}", place, 1), column, line)


_SCAN = re.compile(r'"[^"]*"|[()]|[^\s()"]+')


def check_shape(text: str) -> None:
    """Raise Fault for what is too large to parse, and for whatever is opened and never closed."""
    if not text.strip():
        raise Fault(0, "the query is empty: write at least one word")
    if len(text) > MAX_CHARACTERS:
        raise _too_large(f"{len(text)} characters", MAX_CHARACTERS)
    if text.count('"') % 2:
        raise Fault(text.rfind('"'), 'unclosed quote that starts at {place}: add a closing "')
    found = list(_SCAN.finditer(text))
    terms = sum(1 for match in found if match[0] not in "()" and match[0].lower() not in OPERATORS)
    if terms > MAX_TERMS:
        raise _too_large(f"{terms} terms", MAX_TERMS)
    _check_parentheses((match[0], match.start()) for match in found if match[0] in "()")


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
    if nearby[0].type == "TITLE":
        return Fault(nearby[0].start_pos, "{place}: " + _TITLE_ALONE)
    for token in nearby:
        if token.type in ("AND", "OR"):
            return Fault(token.start_pos, f"{{place}}: {token} needs something on both sides")
        if token.type in ("NOT", "MINUS"):
            return Fault(token.start_pos, f"{{place}}: {token} needs something after it")
    return Fault(at.start_pos, "{place}: there is nothing between ( and ): add a word")


_TITLE_ALONE = "title: needs a word, a phrase or a group right after it"
_YET = "not part of this language yet"
_FORMS = "write the word forms with OR"

# What other languages mean by these would be lost as plain words. The first that fits is told.
_FOREIGN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (r"(?i)title:", _TITLE_ALONE),
        (r"(?i)and|or|not", "write {upper} to combine parts, or quote the word to search for it"),
        (r"(NEAR|ADJ|WITHIN)([/~]?\d+)?:?|[WN]/\d+", f"{{word}} is {_YET}: use AND"),
        (r"&&?", "write AND instead of {word}"),
        (r"\|\|?", "write OR instead of {word}"),
        (r"!.*", "write NOT instead of !"),
        (r"/.+/\w*", f"regular expressions are {_YET}: {_FORMS}"),
        (r"(?s).*[*?].*", f"wildcards are {_YET}: {_FORMS}"),
        (r"(?s).*~.*", f"~ is {_YET}: {_FORMS}"),
        (r"(?s).*[\[\]{}^].*|[<>=].*", f"{{word}} is {_YET}: quote it to search for its words"),
        (r"\+.*", "leave out the +: every part must be there unless OR or NOT says otherwise"),
        (r"-.*", "write NOT, or one - right before the part that must not be there"),
        (r"[^\W\d]\w*:.*", "{prefix} is no prefix here, only title: is; quote it to search for it"),
    )
)

# Most words are plain; those that start like a proximity operator are looked at closely.
_PLAIN = re.compile(r"(?!NEAR|ADJ|WITHIN)\w+")


def check_word(token: Token) -> None:
    """Raise Fault for what is an operator elsewhere, or nearly one of this language."""
    if _PLAIN.fullmatch(token) and token.lower() not in OPERATORS:
        return
    for pattern, sentence in _FOREIGN:
        if pattern.fullmatch(token):
            prefix = shown(token.partition(":")[0]) + ":"
            told = sentence.format(word=shown(token), upper=token.upper(), prefix=prefix)
            raise Fault(token.start_pos, "{place}: " + told)


def check_phrase(token: Token) -> None:
    """Raise Fault for a wildcard within quotes; a question mark may end a quoted sentence."""
    if re.search(r"\*|\w\?\w", token):
        raise Fault(token.start_pos, f"{{place}}: wildcards are {_YET}: {_FORMS}")


def shown(text: str) -> str:
    """Return a text short enough for an error."""
    return text if len(text) <= 40 else text[:39] + "…"
