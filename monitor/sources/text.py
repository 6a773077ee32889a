"""Articles as plain text, the way they come out of a web page's "copy" or a wire service.

A title line; then, in any order, a date line, "By NAME" and lines left over from buttons; then
paragraphs, the first perhaps after a dateline ("MOSCOW: …", "BEIJING, April 26 (Xinhua) — …").
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from monitor.errors import Rejected
from monitor.model import Article, Document, Memory, Parsed, Source
from monitor.sources.dates import is_ahead, parse_time, sane, stated_time
from monitor.sources.files import files_of
from monitor.text.fingerprints import article_id, content_hash
from monitor.text.language import language_of
from monitor.text.normal import (
    MAX_ARTICLE,
    MAX_ITEM_ID,
    MAX_TITLE,
    clean_line,
    clean_text,
    cut,
)
from monitor.text.words import words

_HEADER_LINES = 12
"""How many of the first lines may tell a date or an author."""
_BUTTONS = frozenset(
    (
        "share",
        "tweet",
        "facebook",
        "twitter",
        "whatsapp",
        "linkedin",
        "telegram",
        "reddit",
        "pinterest",
        "email",
        "e-mail",
        "print",
        "x",
        "copy",
        "link",
        "save",
        "instagram",
        "youtube",
    )
)
_ICON = re.compile(r"icon-[\w-]+")
_FILLERS = frozenset(("on", "to", "this", "via", "article", "|", "•", "·", "/", "&", "and"))
_BYLINE = re.compile(r"(?:written |reported )?by:? +(\S.{1,100})", re.IGNORECASE)
_DATE_LABEL = re.compile(
    r"(?:(?:first |last )?(?:published|updated|posted|modified)(?: (?:on|at))?|date)\s*:?\s+",
    re.IGNORECASE,
)
_DATE_WORDS = re.compile(r"[A-Za-z]{2,}")
_DEFAULTS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2001, 2, 2, tzinfo=UTC))
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
# Place in capitals, perhaps a region after it, a date, an agency; then a colon or a dash.
_DATELINE = re.compile(
    r"(?P<place>[A-ZÀ-ÖØ-Þ][A-ZÀ-ÖØ-Þ.'’-]+(?:[ /][A-ZÀ-ÖØ-Þ][A-ZÀ-ÖØ-Þ.'’-]*){0,4}"
    r"(?:, (?!" + _MONTH + r"\b)(?:[A-Z]\.){2,}|, (?!" + _MONTH + r"\b)[A-Z][A-Za-z.]+"
    r"(?: [A-Z][a-z]+)?)?)"
    rf"(?:,? (?P<date>(?:{_MONTH} \d{{1,2}}|\d{{1,2}} {_MONTH})(?:,? \d{{4}})?))?"
    r",?(?: ?\((?P<agency>[^()]{2,40})\))?"
    r"(?:\. /[A-Z-]+/\.| ?(?::|--|[—–-]))(?=\s)"
)


@dataclass(slots=True)
class _Header:
    """What the lines before and around the text tell."""

    title: str = ""
    published: datetime | None = None
    authors: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)


def parse(document: Document, source: Source, memory: Memory) -> Parsed:
    """Return the article of a file, or those of all files of a folder.

    An empty file of a folder is counted as rejected. Raises Rejected where no file holds any text.
    """
    articles = []
    files = files_of(document)
    for _, content in files:
        article = _article(_decoded(content), document, source)
        if article is not None:
            articles.append(article)
    if not articles:
        names = ", ".join(name for name, _ in files[:3])
        raise Rejected(f"{names} holds no text: the first line must be the title of an article")
    unique = {article.id: article for article in articles}
    return Parsed(articles=tuple(unique.values()), rejected=len(files) - len(articles))


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("windows-1252", "replace")


def _article(text: str, document: Document, source: Source) -> Article | None:
    """Return the article that a text holds, None where it holds nothing."""
    header = _split(clean_text(text, len(text) * 4), document.fetched)
    if not header.title:
        return None
    body = cut(clean_text("\n".join(header.body)), MAX_ARTICLE - 4 * MAX_TITLE)
    place, dated = _dateline(body, document.fetched)
    published = header.published or dated
    day = published.date().isoformat() if published else "undated"
    item_id = f"{day}-{'-'.join(words(header.title))}"[:MAX_ITEM_ID]
    return Article(
        id=article_id(source.name, item_id, "", header.title, published),
        source=source.name,
        title=header.title,
        fetched=document.fetched,
        content_hash=content_hash(header.title, "", body, "", published),
        item_id=item_id,
        body=body,
        authors=tuple(header.authors),
        language=language_of(f"{header.title}\n{body}"),
        place=place,
        published=published,
    )


def _split(text: str, now: datetime) -> _Header:
    """Return title, date, authors and the other lines of a text, without debris."""
    header = _Header()
    lines = [line for line in text.split("\n") if not _is_debris(line)]
    for number, line in enumerate(lines):
        if not header.title:
            header.title = clean_line(line)
            continue
        # Once a paragraph has begun, a date is part of the text.
        if number < _HEADER_LINES and not any(header.body):
            moment = _date_line(line, now)
            byline = _BYLINE.fullmatch(line)
            if moment:
                header.published = header.published or moment
                continue
            if byline and not line.endswith("."):
                header.authors.append(clean_line(byline[1]))
                continue
        header.body.append(line)
    return header


def _is_debris(line: str) -> bool:
    """Return whether a line is nothing but the names of buttons."""
    tokens = line.lower().split()
    named = [token for token in tokens if token not in _FILLERS]
    return bool(named) and all(token in _BUTTONS or _ICON.fullmatch(token) for token in named)


def _date_line(line: str, now: datetime) -> datetime | None:
    """Return the time that a line states with day, month and year, and nothing else."""
    label = _DATE_LABEL.match(line)
    text = line[label.end() :] if label else line
    if len(_DATE_WORDS.findall(text)) > 6:
        return None
    # What is left out comes from the default, so two of them tell whether anything is.
    moment, other = (parse_time(text.replace("|", " "), default) for default in _DEFAULTS)
    if moment is None or moment != other or is_ahead(moment, now):
        return None
    return sane(moment, now)


def _dateline(body: str, now: datetime) -> tuple[str, datetime | None]:
    """Return the place and the time in front of the first paragraph."""
    match = _DATELINE.match(body)
    if not match:
        return "", None
    if not match["date"]:
        return match["place"], None
    moment = stated_time(match["date"], now)
    return match["place"], sane(moment, now)
