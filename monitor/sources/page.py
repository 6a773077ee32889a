"""Listing pages: the links to articles on a page that has no feed.

Found by a CSS selector, or by repetition, as in the mining of data records (Liu, Grossman and
Zhai, 2003): lists of articles are links at the same path of tags and classes from the root, with
long texts and addresses that look like articles'.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import etree

from monitor.errors import Rejected
from monitor.model import Document, Memory, Parsed, Source
from monitor.sources.items import Item, absolute, parsed_of
from monitor.sources.selectors import xpath_of
from monitor.sources.slugs import is_article, title_of
from monitor.sources.webpage import base_of, tree_of
from monitor.text.headline import host_label
from monitor.text.normal import clean_line
from monitor.text.urls import canonical_url

MAX_LINKS = 3_000
"""Links of a page that are looked at."""
MIN_LINKS = 3
"""Links that a list of articles has at least."""

_MIN_TITLE = 15
_MAX_TITLE = 300
_GOOD_MEAN = 25
_ASIDE = frozenset(("nav", "footer", "header", "aside", "form", "menu", "dialog"))
_ASIDE_NAMES = re.compile(
    r"\b(?:nav(?:bar|igation)?|footer|menu|breadcrumbs?|cookies?|social|share|pagination)\b", re.I
)
_SKIPPED = frozenset(("script", "style", "noscript", "template", "svg", "time", "button"))
_CHANGING = re.compile(r"\d|^(?:first|last|odd|even|active|current|selected|hidden)$", re.I)
_HEADING = re.compile(r"h[1-6]$")


@dataclass(frozen=True, slots=True)
class Link:
    """A link to an article: its address, and its text as the headline."""

    url: str
    title: str


@dataclass(frozen=True, slots=True)
class _Found:
    """A link with where it stands: `place` is the same for links of one list."""

    url: str
    key: str
    title: str
    place: int
    headed: bool


def parse(document: Document, source: Source, memory: Memory) -> Parsed:
    """Return the articles that a page links to; they have no times.

    `source.links` is the CSS selector of the links, "" to find them. Raises Rejected, with a cure,
    where there are none.
    """
    root = tree_of(document)
    links = _chosen(root, document, source.links) if source.links else _found(root, document)
    if not links and source.links:
        raise Rejected(f"links: nothing on the page matches {source.links!r}: adapt the selector")
    if not links:
        raise Rejected(
            "no list of articles was found on the page: set links to the CSS selector of its links"
        )
    items = [Item(url=link.url, title=link.title) for link in links]
    title = " ".join(root.xpath("string((//title)[1])").split())
    language = root.get("lang") or ""
    return parsed_of(items, document, source, title=title, language=language)


def links_of(document: Document, selector: str = "") -> list[Link]:
    """Return the links to articles on a page, [] where there are none.

    Raises Rejected where the document is no page, or `selector` is none.
    """
    root = tree_of(document)
    return _chosen(root, document, selector) if selector else _found(root, document)


def _chosen(root: etree._Element, document: Document, selector: str) -> list[Link]:
    """Return the links that a selector picks, or that are in or around what it picks."""
    try:
        picked = root.xpath(xpath_of(selector))
    except etree.XPathError as error:
        raise Rejected(f"links: {selector!r} is no CSS selector: {error}") from error
    base = base_of(root, document.url)
    titles: dict[str, str] = {}
    for element in picked[:MAX_LINKS]:
        link = next((part for part in element.iter("a") if part.get("href")), None)
        link = next(element.iterancestors("a"), None) if link is None else link
        if link is None:
            continue
        url = absolute(link.get("href") or "", base)
        title = _text(link) or _text(element) or title_of(url)
        if url and len(title) > len(titles.get(url, "")):
            titles[url] = title
    return [Link(url, title) for url, title in titles.items()]


def _found(root: etree._Element, document: Document) -> list[Link]:
    """Return the links of the lists that look most like lists of articles."""
    candidates = _candidates(root, document)
    groups: defaultdict[int, list[_Found]] = defaultdict(list)
    for link in candidates:
        groups[link.place].append(link)
    scores = {place: _score(group) for place, group in groups.items()}
    best = max(scores.values(), default=0.0)
    taken = {place for place, score in scores.items() if score and score >= best / 10}
    titles: dict[str, Link] = {}
    for link in candidates:
        # The lead story is often set on its own: a heading, and an address like the others'.
        lead = bool(taken) and link.headed and is_article(link.url)
        if link.place in taken or lead:
            known = titles.get(link.key)
            if known is None or len(known.title) < _MIN_TITLE <= len(link.title):
                titles[link.key] = Link(link.url, link.title)
    return [link for link in titles.values() if len(link.title) >= _MIN_TITLE]


def _score(group: Sequence[_Found]) -> float:
    """Return how much a group of links looks like a list of articles, 0 where it does not."""
    texts = {link.key: link.title for link in group}
    count = len(texts)
    mean = sum(min(len(text), 100) for text in texts.values()) / count
    like = sum(is_article(link.url) for link in group) / len(group)
    headed = sum(link.headed for link in group) / len(group)
    if count < MIN_LINKS or mean < _MIN_TITLE or len(set(texts.values())) < count / 2:
        return 0.0
    if like < 0.5 and not (headed > 0.5 and mean >= _GOOD_MEAN):
        return 0.0
    return math.sqrt(min(count, 50)) * mean * (0.2 + like + headed / 2)


def _candidates(root: etree._Element, document: Document) -> list[_Found]:
    """Return the links with a text that lead to other pages of the site, in their order."""
    base = base_of(root, document.url)
    site, here = host_label(document.url), canonical_url(document.url)
    found = []
    for link, place, headed in _placed(root):
        url = absolute(link.get("href") or "", base)
        key = canonical_url(url) if url and _is_of(url, site) else here
        title = _text(link) if key != here else ""
        if title:
            found.append(_Found(url, key, title, place, headed))
    return found


def _placed(root: etree._Element) -> Iterator[tuple[etree._Element, int, bool]]:
    """Yield links outside of menus and the like, with a number for their path from the root and
    whether they are in a heading or hold one.

    A path is its parent's number, a tag and classes, so each element costs one look-up.
    """
    numbers: dict[tuple[int, str, str], int] = {}
    places: dict[etree._Element, tuple[int, bool]] = {root: (0, False)}
    seen = 0
    for element in root.iter(etree.Element):
        parent = element.getparent()
        if parent is None:
            continue
        # What is under something set aside is in no place either.
        above = places.get(parent)
        if above is None or _is_aside(element):
            continue
        classes = sorted(n for n in (element.get("class") or "").split() if not _CHANGING.search(n))
        key = (above[0], element.tag, " ".join(classes[:8]))
        headed = above[1] or bool(_HEADING.match(element.tag))
        places[element] = numbers.setdefault(key, len(numbers) + 1), headed
        if element.tag == "a" and element.get("href"):
            seen += 1
            if seen > MAX_LINKS:
                return
            yield element, places[element][0], headed or _heading(element) is not None


def _is_aside(element: etree._Element) -> bool:
    if element.tag in _ASIDE:
        # An article's own header holds its headline.
        inside = next(element.iterancestors("article", "main", "li"), None)
        return element.tag != "header" or inside is None
    names = f"{element.get('role') or ''} {element.get('id') or ''} {element.get('class') or ''}"
    return element.tag != "body" and bool(_ASIDE_NAMES.search(names[:500]))


def _heading(link: etree._Element) -> etree._Element | None:
    return next((part for part in link.iter("h1", "h2", "h3", "h4", "h5", "h6")), None)


def _text(element: etree._Element) -> str:
    """Return an element's headline: the heading in it, else its text, else what labels it."""
    heading = _heading(element)
    parts: list[str] = []
    size = 0
    for event, part in etree.iterwalk(
        element if heading is None else heading, events=("start", "end")
    ):
        skipped = part.tag in _SKIPPED
        text = (part.text if not skipped else "") if event == "start" else part.tail
        if event == "end" and part is (element if heading is None else heading):
            break
        if text:
            parts.append(text)
            size += len(text)
        if size > 4 * _MAX_TITLE:
            break
    title = clean_line(" ".join(parts), _MAX_TITLE)
    return title or clean_line(element.get("aria-label") or element.get("title") or "", _MAX_TITLE)


def _is_of(url: str, site: str) -> bool:
    """Return whether an address is of the same site, on whichever of its hosts."""
    return host_label(url) == site or urlsplit(url).hostname == site or not site
