"""Which articles need their page, when it is asked for, and what it adds. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.decide.articles import Found
from monitor.errors import MonitorError, Rejected, Unavailable
from monitor.model import Article, FullText, PageText, PendingPage, Source
from monitor.text.fingerprints import content_hash

STUB_WORDS = 80
PATIENCE = timedelta(minutes=10)
"""How long an article waits for its page before it goes out with what the source said."""
PAUSES = (60, 180, 600, 1_800, 7_200, 21_600)
"""Seconds before each further attempt; the last one repeats."""
LONGEST = timedelta(hours=24)
GONE = frozenset({401, 402, 403, 404, 405, 410, 451})
"""Answers that asking again does not change."""
WHOLE = frozenset({"text", "mail"})
"""Types whose articles are all there is."""

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]"
)
_CUT_OFF = re.compile(
    r"(?:…|\.\.\.|\[(?:…|\.{3}|&hellip;|\+)\]|\b(?:read (?:more|on|the (?:full|rest)[^.\n]{0,40})"
    r"|continue reading[^.\n]{0,80}|(?:full|more) (?:story|article)|learn more"
    r"|weiterlesen|mehr lesen|lire la suite|lire plus|leer más|seguir leyendo|leia mais"
    r"|continua a leggere|leggi tutto|lees (?:meer|verder)|czytaj (?:więcej|dalej)"
    r"|читать (?:далее|полностью)|devamını oku)|続きを読む|阅读全文|閱讀全文|اقرأ المزيد)"
    r"[\s.…:»›>→\])]*$",
    re.IGNORECASE,
)
_TAIL = 160


def wants_page(source: Source, article: Article) -> bool:
    """Return whether an article's page is to be fetched: always, never, or where it is a stub.

    A stub is a text that says that it was cut off, or one of fewer than 80 words. The excerpts
    that publishing systems make by themselves have up to 55 words, and leads of one or two
    sentences 20 to 60; the shortest complete reports, of three paragraphs, begin at about 80. The
    longer one of body and summary counts, since one mostly repeats the other. In scripts that
    write no spaces two characters make a word. A page that adds nothing to a short report costs
    one request. A text that lies in a file, or in a mail, is whole.
    """
    if not article.url.startswith(("http://", "https://")):
        return False
    if source.full_text is not FullText.AUTO:
        return source.full_text is FullText.ALWAYS
    if source.type in WHOLE:
        return False
    text = max(article.body, article.summary, key=len)
    return words_in(text) < STUB_WORDS or bool(_CUT_OFF.search(text[-_TAIL:]))


def apart(
    source: Source, found: Found, *, now: datetime
) -> tuple[tuple[Article, ...], tuple[PendingPage, ...]]:
    """Return the articles that go out at once, and those that wait for their pages.

    The backlog of a new source would be hundreds of requests for old news: it does without.
    """
    always = source.full_text is FullText.ALWAYS
    waiting = {
        article.id
        for article in found.articles
        if wants_page(source, article) and (always or not article.backlog)
    }
    return (
        tuple(article for article in found.articles if article.id not in waiting),
        tuple(pending(article, now) for article in found.articles if article.id in waiting),
    )


def words_in(text: str) -> float:
    """Return the number of words of a text, half of one for a character of an unspaced script."""
    spaced, characters = _UNSPACED.subn(" ", text)
    return sum(any(map(str.isalnum, word)) for word in spaced.split()) + characters / 2


def pending(article: Article, now: datetime) -> PendingPage:
    """Return the wait for an article's page: asked for at once, waited for 10 minutes."""
    return PendingPage(article=article, due_at=now, give_up_at=now + PATIENCE)


def page_again(page: PendingPage, now: datetime, error: MonitorError) -> PendingPage | None:
    """Return when a page that did not come is asked for again, None where it is given up.

    After 1, 3, 10 and 30 minutes, 2 and 6 hours, and then every 6, until a day has passed since the
    first wish; at the Retry-After where that is later. Given up at once where the answer will not
    change: the page is gone or forbidden, or robots.txt denies it.
    """
    if isinstance(error, Rejected) or (isinstance(error, Unavailable) and error.status in GONE):
        return None
    pause = float(PAUSES[min(page.attempts, len(PAUSES) - 1)])
    wish = error.retry_after or 0.0 if isinstance(error, Unavailable) else 0.0
    if max(pause, wish) > LONGEST.total_seconds():
        return None
    due = now + timedelta(seconds=max(pause, wish))
    if due > page.give_up_at - PATIENCE + LONGEST:
        return None
    return replace(page, due_at=due, attempts=page.attempts + 1)


def with_page(article: Article, text: PageText, *, untitled: bool = False) -> Article | None:
    """Return the article with what its page adds, None where that is nothing.

    The body is the page's where that is longer than all that the source said; author, date, image
    and language are the source's where it named them. So is the title, unless the article is
    `untitled`: what stands there was made of its address. Then its time may only be that of the
    last change, so the page's is taken where that is of an earlier day.
    """
    longer = len(text.body) > max(len(article.body), len(article.summary))
    body = text.body if longer else article.body
    title = (text.title if untitled else "") or article.title
    published = article.published or text.published
    if untitled and text.published and published and published == article.updated:
        earlier = text.published.date() < published.date()
        published = text.published if earlier else published
    found = replace(
        article,
        title=title,
        body=body,
        authors=article.authors or text.authors,
        published=published,
        image=article.image or text.image,
        language=article.language or text.language,
        content_hash=content_hash(title, article.summary, body, article.url, published),
    )
    return None if replace(found, content_hash=article.content_hash) == article else found
