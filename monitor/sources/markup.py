"""Text out of the HTML that feeds put into titles, summaries and bodies."""

from __future__ import annotations

import html
import re

import html_text
from lxml.etree import LxmlError

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--.*?(?:-->|$)", re.DOTALL)
_HIDDEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|$)", re.DOTALL | re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z]\w{1,30});")


def line_of(markup: str) -> str:
    """Return a title's text: tags removed, entities resolved also where they are escaped twice."""
    if "<" in markup and _TAG.search(markup):
        markup = _TAG.sub(" " if "<br" in markup else "", _HIDDEN.sub("", markup))
    return html.unescape(markup) if "&" in markup and _ENTITY.search(markup) else markup


def text_of(markup: str) -> str:
    """Return the text that a browser would show, paragraphs apart; scripts and styles are not."""
    if not _TAG.search(markup):
        return html.unescape(markup) if "&" in markup else markup
    try:
        text: str = html_text.extract_text(markup)
    except (LxmlError, ValueError, AssertionError, RecursionError):
        text = html.unescape(_TAG.sub(" ", _HIDDEN.sub("", markup)))
    return text
