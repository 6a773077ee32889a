"""How an alert reads: texts from outside made safe and short enough to be told to people."""

from __future__ import annotations

from monitor.model import Article
from monitor.text.normal import clean_line


def one_line(text: str, most: int) -> str:
    """Return a text as one line of at most `most` characters, cut between words if it must be."""
    # An article may be long and its line short, so only what can be needed is cleaned.
    line = clean_line(text[: 4 * most], most + 1)
    if len(line) <= most and len(text) <= 4 * most:
        return line
    cut = line[: max(most - 1, 0)]
    at_word, _, rest = cut.rpartition(" ")
    # A text without spaces (a URL, Chinese) would lose too much: it is cut anywhere.
    return (at_word if len(rest) < len(cut) // 2 else cut).rstrip() + "…"


def excerpt(article: Article, most: int) -> str:
    """Return the beginning of what the article says beyond its title, as one line."""
    return one_line(article.body or article.summary, most)


def headline(article: Article, most: int = 300) -> str:
    """Return the title as one line; of an article without a title, its beginning."""
    return one_line(article.title, most) or excerpt(article, min(most, 100)) or "(no title)"
