"""What one token of a query means: words, phrases, values of fields, and times."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import re2

from monitor.text.words import exact_words, words
from monitor.topics.canonical import UNITS
from monitor.topics.mistakes import MOST_APART, Fault, shown
from monitor.topics.stems import LANGUAGES
from monitor.topics.tree import (
    Exact,
    Field,
    Fuzzy,
    Phrase,
    Published,
    Regex,
    Stem,
    Term,
    Value,
    Wildcard,
    Within,
    Word,
    Zone,
)

LEAST_LITERALS = 3
LEAST_FOR_FUZZY = {1: 4, 2: 7}
LONGEST_PATTERN = 200
REGEX_MEMORY = 1 << 18
"""Bytes that RE2 may take for a pattern: {1000}{1000} would take all there are."""

_STAR, _MARK = "\U00010280", "\U00010281"  # letters of Lycian, which no query has
_OPERATED = re.compile(
    r"(?P<exact>=?)(?P<body>.*?)(?:~(?P<fuzzy>\d*)|(?P<stem>\^)(?P<language>[A-Za-z]*))?", re.DOTALL
)
_QUOTED = re.compile(
    r'(?P<exact>=?)"(?P<body>[^"]*)"(?P<stem>\^(?P<language>[A-Za-z]*))?(?:~(?P<slop>\d+))?'
)
_ADDRESS = re.compile(r"(?P<scheme>[a-z]+:/+)?(?:www\.)?(?P<host>[^/:?#]+)(?P<more>[/:?#].*)?")
_COUNTED_GROUP = re.compile(r"\)\{\d")
_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")
_RANGE = re.compile(r"\[\s*(\S+)\s+TO\s+(\S+)\s*\]", re.IGNORECASE)


def words_of(text: str, stem: str, *, quoted: bool = False) -> list[Word]:
    """Return the words that a piece of a query without white space amounts to.

    `stem` is the language of the topic's stemmer, "" for none. Raises Fault, without a place.
    """
    found = _OPERATED.fullmatch(text)
    body = found["body"] if found else text
    if found is None or not body:
        return []
    if found["exact"]:
        return [Exact(word) for word in exact_words(body)]
    if found["fuzzy"] is not None:
        return [_fuzzy(body, int(found["fuzzy"] or 1))]
    language = _language(found["language"] or stem or "en") if found["stem"] else stem
    marked = body.replace("*", _STAR)
    # A question mark at the end of a quoted word ends a question.
    marked = re.sub(r"\?(?=[\w*?])" if quoted else r"\?", _MARK, marked)
    return [_plain(word, language) for word in words(marked)]


def _plain(word: str, language: str) -> Word:
    if _STAR in word or _MARK in word:
        pattern = word.replace(_STAR, "*").replace(_MARK, "?")
        literals = len(pattern) - pattern.count("*") - pattern.count("?")
        if pattern[0] in "*?" or literals < LEAST_LITERALS:
            cure = f"begin with a letter, and write at least {LEAST_LITERALS} of them"
            if not literals:
                cure += "; behind a sign that is a word of its own, as in Chinese, leave it out"
            raise Fault(None, f"{shown(pattern)} would match too much: {cure}")
        return Wildcard(re.sub(r"\*+", "*", pattern))
    return Stem(word, language) if language else Term(word)


def _fuzzy(body: str, distance: int) -> Fuzzy:
    if distance not in LEAST_FOR_FUZZY:
        raise Fault(None, f"~{distance} is no distance of a word: write ~1 or ~2")
    found, least = words(body), LEAST_FOR_FUZZY[distance]
    if len(found) != 1 or set(body) & set("*?"):
        raise Fault(None, f"{shown(body)}~ is not one plain word: only such a one may be misspelt")
    if len(found[0]) < least:
        raise Fault(None, f"{shown(body)}~{distance} is too short: write at least {least} letters")
    return Fuzzy(found[0], distance)


def _language(tag: str) -> str:
    if tag.lower() not in LANGUAGES:
        known = ", ".join(sorted(LANGUAGES))
        raise Fault(None, f"^{tag}: no stemmer for this language; there are {known}")
    return tag.lower()


def quoted(text: str, stem: str) -> Word | Phrase:
    """Return what a text in quotes means, with what stands before and after. Raises Fault."""
    found = _QUOTED.fullmatch(text)
    if found is None:
        raise Fault(None, f"{shown(text)} is no phrase")
    stem = _language(found["language"] or stem or "en") if found["stem"] else stem
    parts: list[Word] = []
    for piece in found["body"].split():
        parts += words_of(f"={piece}" if found["exact"] else piece, stem, quoted=True)
    slop = apart(found["slop"] or "0")
    if not parts:
        raise Fault(None, "there is no word between these quotes: add one")
    if len(parts) > 1:
        return Phrase(tuple(parts), slop)
    if slop:
        raise Fault(None, f"~{slop} allows words between others, but this is one word: remove it")
    return parts[0]


def apart(number: str) -> int:
    """Return a number of words that may stand between others. Raises Fault."""
    if len(number) > 3 or int(number) > MOST_APART:
        raise Fault(None, f"{shown(number)} words apart is too far: at most {MOST_APART}, or AND")
    return int(number)


def regex(zone: Zone, text: str) -> Regex:
    """Return what `/pattern/` or `/pattern/i` means. Raises Fault."""
    if zone is Zone.LEAD:
        raise Fault(None, "lead: takes words; for a regular expression write title: or body:")
    pattern, _, flags = text[1:].rpartition("/")
    if len(pattern) > LONGEST_PATTERN:
        raise Fault(None, f"the pattern has {len(pattern)} characters, at most {LONGEST_PATTERN}")
    if _COUNTED_GROUP.search(pattern):
        # RE2 stays linear with these, too, but its automaton outgrows its memory, and then a long
        # text takes most of a second.
        raise Fault(None, f"/{shown(pattern)}/ counts a group: write it out, or use + or *")
    found = Regex(zone, pattern, flags == "i")
    compiled(found)
    return found


@lru_cache(maxsize=4_096)
def compiled(node: Regex) -> Any:
    """Return RE2's program, which takes time in proportion to a text. Raises Fault."""
    options = re2.Options()
    options.max_mem = REGEX_MEMORY
    options.log_errors = False
    options.case_sensitive = not node.ignore_case
    try:
        return re2.compile(node.pattern, options)
    except re2.error as error:
        why = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        raise Fault(None, f"/{shown(node.pattern)}/ is refused: {why}") from None


_CODES = {Field.LANGUAGE: "[a-z]{2,3}", Field.COUNTRY: "[a-z]{2}"}
_LANGUAGES = {"cn": "zh", "jp": "ja", "ua": "uk", "gr": "el", "cz": "cs", "dk": "da", "us": "en"}
# Domains that are not their country's code, and countries where people mean their language.
_MEANT = {
    (Field.COUNTRY, "uk"): "gb",
    (Field.COUNTRY, "el"): "gr",
    **{(Field.LANGUAGE, country): language for country, language in _LANGUAGES.items()},
}


def value(text: str) -> Value:
    """Return what `lang:en` means. Raises Fault."""
    name, _, given = text.partition(":")
    field, given = Field(name.lower()), given.casefold()
    if field is Field.LANGUAGE:
        given = re.split("[-_]", given)[0]
    if field is Field.DOMAIN:
        given = given.removeprefix("www.").strip("./")
    letters = _CODES.get(field)
    if letters and not re.fullmatch(letters, given):
        raise Fault(None, f"{field}: takes a code of two letters such as {field}:fr")
    if meant := _MEANT.get((field, given)):
        what = "is no code of ISO 3166" if field is Field.COUNTRY else "is no language"
        raise Fault(None, f"{field}:{given} {what}: write {field}:{meant}")
    address = _ADDRESS.fullmatch(given) if field is Field.DOMAIN else None
    if address and (address["scheme"] or address["more"]):
        cure = f"write domain:{shown(address['host'])}, or url: for words of the address"
        raise Fault(None, f"domain: takes a host and no more: {cure}")
    if "*" in given and field is not Field.SOURCE:
        raise Fault(None, f"{field}: takes no *: name it whole")
    if not given:
        raise Fault(None, f"{field}: needs a value right after it")
    return Value(field, given)


def published(text: str) -> Published:
    """Return what `published:…` means. Raises Fault."""
    given = text.partition(":")[2]
    if both := _RANGE.fullmatch(given):
        start = None if both[1] == "*" else _days(both[1])[0]
        end = None if both[2] == "*" else _days(both[2])[1]
        if start is None and end is None:
            raise Fault(None, "published:[* TO *] says nothing: name a date")
    elif given[:1] in "<>" and given:
        operator = given[: 2 if given[1:2] == "=" else 1]
        first, after = _days(given[len(operator) :])
        start = {">": after, ">=": first}.get(operator)
        end = {"<": first, "<=": after}.get(operator)
    else:
        start, end = _days(given)
    if start and end and start >= end:
        raise Fault(None, f"{shown(text)} ends before it begins: turn the dates round")
    return Published(start, end)


def _days(text: str) -> tuple[datetime, datetime]:
    """Return the first moment of a year, month or day, and that of the next."""
    found = _DATE.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        year, month, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
        start = datetime(year, month, day, tzinfo=UTC)
        if found[3]:
            return start, start + timedelta(days=1)
        if found[2]:
            return start, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        return start, datetime(year + 1, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        cure = "write 2024, 2024-04, 2024-04-26, >=2024-04-26 or [2024-01 TO 2024-04]"
        raise Fault(None, f"{shown(text)} is no date: {cure}") from None


def within(text: str) -> Within:
    """Return what `in:24h` means. Raises Fault."""
    number, unit = text.partition(":")[2][:-1], text[-1].lower()
    if len(number) > 5 or not int(number):
        raise Fault(None, f"{shown(text)} is no time: write for example in:24h or in:7d")
    return Within(int(number) * UNITS[unit])


def share(number: str, of: int) -> int:
    """Return how many of the parts `2` or `50%` are. Raises Fault."""
    plain, percent = number.rstrip("% "), number.rstrip().endswith("%")
    count = math.ceil(int(plain) * of / 100) if percent else int(plain)
    call = f"atleast({shown(number.strip())}, …)"
    if count < 1:
        raise Fault(None, f"{call} holds of every article: write atleast(1, …) or more")
    if count > of and percent:
        raise Fault(None, f"{call} is more than all: write atleast(100%, …) or less")
    if count > of:
        parts = "1 part" if of == 1 else f"{of} parts"
        cure = f"write atleast({of}, …) or less"
        raise Fault(None, f"{call} has {parts}, so it never holds: {cure}")
    return count


def check_threshold(threshold: int, weights: Iterable[int]) -> None:
    """Raise Fault for a score that is never reached, or always."""
    best = sum(max(weight, 0) for weight in weights)
    if threshold < 1:
        raise Fault(None, f"score>={threshold} holds of every article: write score>=1 or more")
    if not best:
        never = f"score>={threshold} is never reached, no part has a weight above 0"
        raise Fault(None, f"{never}: give one such a weight, as 3*word")
    if threshold > best:
        never = f"score>={threshold} is never reached, the weights of its parts add up to {best}"
        cure = f"write score>={best} or less, or give parts more weight, as 3*word"
        raise Fault(None, f"{never}: {cure}")
