"""The text of an article's page. The only importer of trafilatura."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import trafilatura
import trafilatura.settings
from lxml import etree

from monitor.errors import Rejected
from monitor.model import Document, PageText
from monitor.sources.dates import sane, stated_time
from monitor.sources.items import absolute
from monitor.sources.repair import MAX_PERSON
from monitor.sources.webpage import base_of, tree_of
from monitor.text.headline import host_label, without_outlet
from monitor.text.language import language_of
from monitor.text.normal import MAX_ARTICLE, MAX_TITLE, clean_line, clean_text

MAX_ELEMENTS = 10_000
"""Elements of a page whose text is taken; news pages have some thousands."""
MAX_CHARACTERS = 300_000
"""Characters of such a page outside of scripts: more than an article may hold."""

_AGREE = 0.5
_MAX_AUTHORS = 20
_TIMES = (
    "article:published_time", "datepublished", "og:published_time", "parsely-pub-date",
    "sailthru.date", "pubdate", "publishdate", "publish-date", "dc.date.issued", "dcterms.created",
    "dc.date", "date",
)  # fmt: skip
_LD_TIME = re.compile(r"\"datePublished\"\s*:\s*\"([^\"]{4,40})\"")
_NO_PERSON = re.compile(r"https?\b|www\b|\bcom\b|@|\d{3}", re.IGNORECASE)


def extract(document: Document) -> PageText:
    """Return what the page of an article says; the body's paragraphs are apart by an empty line.

    The careful extraction is taken, unless it holds less than half of what the balanced one
    holds: it has less that is no article, but now and then leaves out most of one. Raises Rejected
    where the document is no page, or one that is larger than any article's.
    """
    root = tree_of(document)
    _check_size(root)
    meta, stated = _meta(root), _stated_time(root, document.fetched)
    declared = root.get("lang") or meta.get("og:locale", "")
    found, text = _found(root, document.url)
    outlets = [clean_line(meta.get("og:site_name", "") or found.sitename or "", MAX_TITLE)]
    outlets.append(host_label(document.url))
    title = found.title or meta.get("og:title", "") or _title(root)
    title = without_outlet(clean_line(title, MAX_TITLE), outlets)
    body = clean_text(text.replace("\n", "\n\n"), MAX_ARTICLE).removeprefix(f"{title}\n\n")
    printed = stated_time(found.date, document.fetched) if found.date else None
    image = found.image or meta.get("og:image", "")
    return PageText(
        url=document.url,
        title=title,
        body=body,
        authors=_authors(found.author or meta.get("author", ""), outlets),
        published=stated or sane(printed, document.fetched),
        image=absolute(image, base_of(root, document.url)),
        language=language_of(f"{title}\n{body}", declared),
    )


def _check_size(root: etree._Element) -> None:
    elements = characters = 0
    for element in root.iter():
        elements += 1
        if element.tag not in ("script", "style"):
            characters += len(element.text or "")
        characters += len(element.tail or "")
    if elements > MAX_ELEMENTS:
        raise Rejected(f"the page has more than {MAX_ELEMENTS} elements: it is no article's")
    if characters > MAX_CHARACTERS:
        raise Rejected(f"the page has more than {MAX_CHARACTERS} characters: it is no article's")


def _found(root: etree._Element, url: str) -> tuple[Any, str]:
    """Return trafilatura's document, an empty one where it finds nothing, and the better text."""
    balanced = _extraction(root, url, careful=False)
    careful = _extraction(root, url, careful=True)
    texts = [found.text or "" if found else "" for found in (careful, balanced)]
    better = texts[0] if len(texts[0]) >= _AGREE * len(texts[1]) else texts[1]
    return balanced or trafilatura.settings.Document(), better


def _extraction(root: etree._Element, url: str, *, careful: bool) -> Any:
    try:
        return trafilatura.bare_extraction(
            copy.deepcopy(root),
            url=url,
            include_comments=False,
            include_tables=False,
            favor_precision=careful,
            with_metadata=not careful,
        )
    except MemoryError:
        raise
    except Exception as error:  # a page may break any of its heuristics
        kind = type(error).__name__
        raise Rejected(f"the page's text cannot be taken: {kind}: {error}") from error


def _meta(root: etree._Element) -> dict[str, str]:
    """Return a page's meta fields by lower-case name, of each the first that is filled."""
    found: dict[str, str] = {}
    for element in root.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop") or ""
        content = (element.get("content") or "").strip()
        if name and content:
            found.setdefault(name.lower(), content[:4096])
    return found


def _stated_time(root: etree._Element, now: datetime) -> datetime | None:
    """Return the time that a page states for machines: with hours and zone, unlike the printed."""
    meta = _meta(root)
    printed = [meta[name] for name in _TIMES if name in meta]
    for script in root.xpath("//script[@type='application/ld+json']")[:20]:
        printed += _LD_TIME.findall(script.text or "")[:1]
    moments = (sane(stated_time(text.strip(), now), now) for text in printed)
    return next((moment for moment in moments if moment), None)


def _title(root: etree._Element) -> str:
    return str(root.xpath("string((//title)[1])"))


def _authors(printed: str, outlets: Iterable[str]) -> tuple[str, ...]:
    """Return the people of a line of names, without the outlet and addresses among them."""
    own = {outlet.lower() for outlet in outlets}
    names = [clean_line(name, MAX_PERSON) for name in printed[: 20 * MAX_PERSON].split(";")]
    people = [
        name for name in names if name and name.lower() not in own and not _NO_PERSON.search(name)
    ]
    return tuple(dict.fromkeys(people))[:_MAX_AUTHORS]
