"""Reads the messages of a mailbox one by one, where one of them keeps a parser from reading all.

A poll gets the same messages again until one went well: a message that a parser hangs or dies of
would keep all later ones from ever being read.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import msgspec

from monitor.errors import Rejected
from monitor.model import Article, Document, Memory, Parsed, Source
from monitor.protocols import Clock, Parser
from monitor.sources.mailbox import MAILBOX_TYPE
from monitor.text.urls import canonical_url

log = logging.getLogger(__name__)

PATIENCE = 30.0
"""Seconds after which no further message is begun: the next poll goes on there, with a new lease of
the host."""
MESSAGE_TYPE = "message/rfc822"
# The list is the fetcher's own; what the messages say is for the parsers.
_messages = msgspec.msgpack.Decoder(list[tuple[int, bytes]]).decode


async def read_singly(
    source: Source, document: Document, memory: Memory, parser: Parser, clock: Clock
) -> tuple[Parsed, Document] | None:
    """Return what the messages of a rejected document hold, and the document as far as it was
    read; None where it holds none. At least one is read, or told as refused. Raises Unavailable.
    """
    if document.content_type != MAILBOX_TYPE or not (messages := _messages(document.body)):
        return None
    started, whole = clock.monotonic(), Parsed()
    for (uid, raw), (after, _) in pairwise([*messages, (0, b"")]):
        single = replace(document, body=msgspec.msgpack.encode([(uid, raw)]))
        try:
            whole = _joined(whole, await parser.parse(source, single, memory))
        except Rejected as error:
            why = f"message {uid} is left out: {error}"
            log.warning("'%s': %s; `monitor sources show` has it", source.name, why)
            refused = replace(document, body=raw, content_type=MESSAGE_TYPE)
            why = f"{whole.why}; {why}" if whole.why else why
            whole = replace(whole, rejected=whole.rejected + 1, refused=refused, why=why)
        if after and clock.monotonic() - started >= PATIENCE:
            validity = document.etag.partition(":")[0]
            document = replace(document, etag=f"{validity}:{uid}", more=True)
            break
    return replace(whole, articles=with_own_pages(whole.articles)), document


def with_own_pages(articles: tuple[Article, ...]) -> tuple[Article, ...]:
    """Take a page away that several messages name: it is that of the list."""
    named = Counter(canonical_url(article.url) for article in articles if article.url)
    return tuple(
        replace(article, url="") if named[canonical_url(article.url)] > 1 else article
        for article in articles
    )


def _joined(whole: Parsed, part: Parsed) -> Parsed:
    """Return what is in both; the same message twice is one article, as in `parse`."""
    articles = {article.id: article for article in (*whole.articles, *part.articles)}
    return replace(
        whole,
        articles=tuple(articles.values()),
        rejected=whole.rejected + part.rejected,
        notes=whole.notes + part.notes,
    )
