"""Text out of the HTML that feeds put into titles, summaries and bodies."""

from __future__ import annotations

import html
import re

import html_text
from lxml import etree

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--.*?(?:-->|$)", re.DOTALL)
_HIDDEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|$)", re.DOTALL | re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z]\w{1,30});")

# What is not shown, or only in parts.
_UNUSUAL = re.compile(
    r"<(?:script|style|link|meta|applet|iframe|embed|layer|object|param|no|frame|[!?])",
    re.IGNORECASE,
)


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
        text: str = (
            html_text.extract_text(markup) if _UNUSUAL.search(markup) else _text_of_plain(markup)
        )
    except (etree.LxmlError, ValueError, AssertionError, RecursionError):
        text = html.unescape(_TAG.sub(" ", _HIDDEN.sub("", markup)))
    return text


def _text_of_plain(markup: str) -> str:
    """Return what html_text makes of HTML in which nothing is hidden, in a third of the time."""
    parser = etree.HTMLParser(recover=True, encoding="utf-8", collect_ids=False)
    root = etree.fromstring(markup.strip().encode("utf-8", "replace") or b"<html/>", parser)
    if root is None:
        return ""
    pieces = _Pieces()
    for event, element in etree.iterwalk(root, events=("start", "end")):
        pieces.add_break(element.tag)
        if event == "start":
            pieces.add(element.text)
        elif element is not root:
            pieces.add(element.tail)
    return "".join(pieces.found).strip()


class _Pieces:
    """Text as it is put together: `gap` counts the line breaks that its end stands for."""

    __slots__ = ("found", "gap", "last")

    def __init__(self) -> None:
        self.found: list[str] = []
        self.gap = 2
        self.last = ""

    def add(self, text: str | None) -> None:
        """Add text of one element, spaced as a browser shows it."""
        words = text.split() if text else ()
        if not words or text is None:
            return
        if not self.gap:
            joined = words[0][0] in ',:;.!?")' or self.last.endswith("(")
            if self.last[-1].isspace() or not joined:
                self.found.append(" ")
        self.found.append(" ".join(words))
        self.gap, self.last = 0, text

    def add_break(self, tag: str) -> None:
        """Break the line where a tag does so; never more than one line stays empty."""
        if self.gap == 2:
            return
        if tag in html_text.DOUBLE_NEWLINE_TAGS:
            self.found.append("\n" if self.gap else "\n\n")
            self.gap = 2
        elif tag in html_text.NEWLINE_TAGS:
            if not self.gap:
                self.found.append("\n")
            self.gap = 1
