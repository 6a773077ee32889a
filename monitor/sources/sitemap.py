"""Sitemaps (sitemaps.org): those of news, plain ones, indexes and lists of addresses."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from urllib.parse import urljoin

from lxml import etree

from monitor.errors import Rejected
from monitor.model import Document, Memory, Parsed, Source
from monitor.sources.dates import stated_time
from monitor.sources.items import Item, cut_off, parsed_of
from monitor.sources.parts import MAX_CHILDREN, MAX_REMEMBERED, tells_changes
from monitor.sources.repair import MAX_ITEMS, decoded, repaired
from monitor.sources.slugs import is_article, title_of
from monitor.text.urls import link_url

MAX_BYTES = 50 * 1024 * 1024
"""Bytes of a sitemap out of its .gz, the protocol's own limit."""
RECENT = timedelta(days=2)
"""How long ago a page may have changed to count as news; news sitemaps hold as much."""

_MAX_LIST = 50_000
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
_FEEDS = {"rss": "feed", "feed": "feed", "RDF": "feed", "html": "page"}
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL)
_END = re.compile(r"</(?:[\w.-]+:)?urlset\s*>")
_ENTRY_END = re.compile(r"</(?:[\w.-]+:)?url\s*>")
_NUMBERS = re.compile(r"\d+")

Fields = Mapping[str, list[str]]


def parse(document: Document, source: Source, memory: Memory) -> Parsed:
    """Return the articles of a sitemap, or the sitemaps of an index that changed (`further`).

    Of a plain sitemap, pages that changed within 2 days are articles; the words of their address
    stand for the title. `children` are an index's sitemaps to be remembered with their times, as
    if those in `further` had been read: the caller takes out what could not be. An index may name
    another one, so the caller limits how far it goes. Raises Rejected where the
    document is no sitemap.
    """
    body = _unpacked(document.body)
    text = decoded(body, document.content_type)
    if not text.lstrip().startswith("<"):
        return _list(text, document, source)
    root = _root(repaired(_without_doctype(text)))
    kind = _name(root)
    if kind == "sitemapindex":
        return _index(root, document, memory)
    if kind != "urlset":
        known = _FEEDS.get(kind)
        cure = f"set type: {known}" if known else "check the address"
        raise Rejected(f"this is no sitemap, its root element is <{kind[:40]}>: {cure}")
    # Of broken XML, entries may end up inside others.
    entries = [_fields(element) for element in root.iter("{*}url")]
    if _END.search(text):
        return _articles(entries, document, source)
    whole = sum(1 for _ in _ENTRY_END.finditer(text))  # half an address leads nowhere
    parsed = _articles(entries[:whole], document, source)
    return replace(parsed, notes=(cut_off(whole), *parsed.notes))


def _unpacked(body: bytes) -> bytes:
    """Return what a .gz holds, of several members too; other bodies as they are."""
    unpacked, rest = b"", body
    while rest.startswith(b"\x1f\x8b"):
        stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            unpacked += stream.decompress(rest, MAX_BYTES - len(unpacked) + 1)
        except zlib.error as error:
            raise Rejected(f"the sitemap's .gz is broken: {error}") from error
        if len(unpacked) > MAX_BYTES:
            raise Rejected(f"the sitemap is larger than {MAX_BYTES} bytes once unpacked")
        # Without an end it was cut off: what came so far is read all the same.
        rest = stream.unused_data if stream.eof else b""
    return unpacked or body


def _without_doctype(text: str) -> str:
    """Return a text without its document type: no sitemap has one, and its entities are bombs."""
    doctype = _DOCTYPE.match(text, max(text.find("<!DOCTYPE"), 0))
    return text[: doctype.start()] + text[doctype.end() :] if doctype else text


def _root(body: bytes) -> etree._Element:
    parser = etree.XMLParser(
        recover=True,
        huge_tree=False,
        no_network=True,
        load_dtd=False,
        resolve_entities=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.LxmlError, ValueError) as error:
        raise Rejected(f"the sitemap cannot be parsed: {error}") from error
    if root is None:
        raise Rejected("this is no sitemap, nor XML at all: check the address")
    return root


def _name(element: etree._Element) -> str:
    """Return an element's name without its namespace, which many sites get wrong."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _fields(element: etree._Element) -> Fields:
    """Return the texts of an entry by the names of their elements, at most three levels deep."""
    found: dict[str, list[str]] = {}
    for path, text in _texts(element, "", 3):
        found.setdefault(path, []).append(text)
    return found


def _texts(element: etree._Element, prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    for child in element[:100]:
        name = prefix + _name(child)
        if child.text and child.text.strip():
            yield name, child.text.strip()
        if depth > 1 and len(child):
            yield from _texts(child, f"{name}/", depth - 1)


def _first(fields: Fields, name: str) -> str:
    return next(iter(fields.get(name, ())), "")


def _articles(entries: list[Fields], document: Document, source: Source) -> Parsed:
    # Of 50,000 entries most are old, and a whole look at each address takes seconds.
    entries, items = entries[:_MAX_LIST], []
    taken = _freshest([each for each in entries if _is_taken(each, document)], document.fetched)
    rejected = sum(not _is_web(each) and not _address(each, document) for each in entries)
    for fields in taken:
        if _address(fields, document):
            items.append(_news(fields) if _is_news(fields) else _page(fields))
    if entries and rejected == len(entries):
        raise Rejected("no entry of the sitemap has an address: look for another one")
    if entries and not items and not any("lastmod" in fields for fields in entries):
        raise Rejected(
            "the sitemap does not say when its pages changed, so new ones cannot be told: "
            "set type: page and the address of a page that lists the news"
        )
    title = _first(entries[0], "news/publication/name") if entries else ""
    language = _first(entries[0], "news/publication/language") if entries else ""
    return parsed_of(items, document, source, title=title, language=language, rejected=rejected)


def _address(fields: Fields, document: Document) -> str:
    return link_url(_joined(document.url, _first(fields, "loc")))


def _is_web(fields: Fields) -> bool:
    return _first(fields, "loc").startswith(("http://", "https://"))


def _is_news(fields: Fields) -> bool:
    return "news/title" in fields or "news/publication_date" in fields


def _is_taken(fields: Fields, document: Document) -> bool:
    """Return whether an entry is of an article that may be news."""
    stamp, loc = _first(fields, "lastmod"), _first(fields, "loc")
    return _is_news(fields) or (_is_recent(stamp, document.fetched) and is_article(loc))


def _freshest(entries: list[Fields], now: datetime) -> list[Fields]:
    """Return the newest entries, twice as many as are kept: some may be the same."""
    if len(entries) <= 2 * MAX_ITEMS:
        return entries

    def moment(fields: Fields) -> datetime:
        printed = _first(fields, "news/publication_date") or _first(fields, "lastmod")
        return stated_time(printed, now) or _EARLIEST

    return sorted(entries, key=moment, reverse=True)[: 2 * MAX_ITEMS]


def _news(fields: Fields) -> Item:
    url = _first(fields, "loc")
    keywords = _first(fields, "news/keywords") or _first(fields, "news/genres")
    return Item(
        url=url,
        title=_first(fields, "news/title") or title_of(url),
        categories=[word.strip() for word in keywords.split(",")],
        image=_first(fields, "image/loc"),
        published=_first(fields, "news/publication_date"),
        updated=_first(fields, "lastmod"),
        language=_first(fields, "news/publication/language"),
    )


def _page(fields: Fields) -> Item:
    url = _first(fields, "loc")
    return Item(
        url=url,
        title=title_of(url),
        image=_first(fields, "image/loc"),
        updated=_first(fields, "lastmod"),
    )


def _is_recent(text: str, now: datetime) -> bool:
    moment = stated_time(text, now)
    return moment is not None and moment >= now - RECENT


def _index(root: etree._Element, document: Document, memory: Memory) -> Parsed:
    """Return the sitemaps of an index that may hold something new, the newest first."""
    stamps: dict[str, str] = {}
    for element in islice(root.iter("{*}sitemap"), _MAX_LIST):
        fields = _fields(element)
        url = _joined(document.url, _first(fields, "loc"))
        if link_url(url) and url != document.url:
            stamps[url] = _first(fields, "lastmod")[:64]
    if not stamps:
        raise Rejected("the sitemap index names no sitemap: look for another one")
    now = document.fetched
    times = {url: stated_time(stamp, now) for url, stamp in stamps.items()}
    changed = [
        url
        for url, stamp in stamps.items()
        if not stamp
        or (
            _may_be_recent(times[url], now)
            and not (memory.children.get(url) == stamp and tells_changes(stamp))
        )
    ]
    changed.sort(key=lambda url: _rank(url, times[url]), reverse=True)
    further = tuple(changed[:MAX_CHILDREN])
    kept = [url for url, stamp in stamps.items() if memory.children.get(url) == stamp]
    children = {url: stamps[url] for url in (*further, *kept)[:MAX_REMEMBERED]}
    return Parsed(further=further, children=children)


def _may_be_recent(moment: datetime | None, now: datetime) -> bool:
    """Return whether a sitemap of that time may list news; a date may be any of its hours."""
    return moment is None or moment >= now - RECENT - timedelta(days=1)


def _rank(url: str, moment: datetime | None) -> tuple[datetime, bool, list[int]]:
    """Return what sorts sitemaps: by time, then those of news, then by the numbers in the name."""
    numbers = [int(digits[:18]) for digits in _NUMBERS.findall(url)]
    return moment or _EARLIEST, "news" in url.rpartition("/")[2].lower(), numbers


def _list(text: str, document: Document, source: Source) -> Parsed:
    """Return the articles of a sitemap that is a list of addresses, one a line.

    It tells no times, so all that look like articles are taken: an old one is known by its id.
    """
    lines = text.split("\n", _MAX_LIST)[:_MAX_LIST]
    filled = [line.strip() for line in lines if line.strip()]
    urls = [line for line in filled if line.startswith(("http://", "https://")) and link_url(line)]
    if not urls or len(urls) < len(filled) / 2:
        raise Rejected("this is no sitemap: check the address, robots.txt may name it")
    items = [Item(url=url, title=title_of(url)) for url in urls if is_article(url)]
    return parsed_of(items, document, source, rejected=len(filled) - len(urls))


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url) if url else ""
    except ValueError:
        return ""
