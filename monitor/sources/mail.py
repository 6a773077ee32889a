"""Newsletters: each message of a mailbox is an article."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from urllib.parse import urlsplit

import lxml.html
import msgspec
from lxml.etree import LxmlError

from monitor.errors import Rejected
from monitor.model import Article, Document, Memory, Parsed, Source
from monitor.sources.dates import sane
from monitor.sources.items import item_id_of
from monitor.sources.mailbox import MAILBOX_TYPE
from monitor.sources.markup import text_of
from monitor.sources.repair import decoded
from monitor.sources.singly import with_own_pages
from monitor.text.fingerprints import article_id, content_hash
from monitor.text.language import language_of
from monitor.text.normal import (
    MAX_ARTICLE,
    MAX_TITLE,
    clean_line,
    clean_text,
    cut,
)
from monitor.text.urls import link_url

MAX_HEADER = 8 * 1024
"""Characters of one header field; no field that is read is longer."""
MAX_NESTING = 2_000_000
"""Multiparts of one message times its lines, with which the time to read it may grow."""
MAX_TEXT = 512 * 1024
"""Bytes of one part that are read."""
_TITLE_FROM_TEXT = 120
_UNTITLED = "Untitled"
_BOUNDARY = re.compile(rb"content-type\s*:\s*multipart/", re.IGNORECASE)
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_URL = re.compile(r"https?://[^\s<>\"')\]]+")
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
# Mail programs show the first words of a letter; these pad them.
_PADDING = re.compile("[\u00ad\u034f\u200b\u200c\u2007\ufeff]+")
_BROWSER = re.compile(
    r"\b(?:view|read|see|open)\b.{0,30}\b(?:online|browser|web ?page)\b|\bweb[ -]?version\b"
    r"|\bonline[ -]?version\b|\bim browser\b|\b(?:dans|sur) (?:le|votre) navigateur\b"
    r"|\ben ligne\b|\b(?:en|no) (?:el|tu|su|seu)? ?navegador\b|\bver online\b|\bnel browser\b"
    r"|\bin (?:de|je|uw) browser\b|\bв браузере\b|浏览器|ブラウザ",
    re.IGNORECASE,
)


class _ShortHeaders(email.policy.Compat32):
    """Cuts header fields: the time to read their parameters grows with the square of them."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:MAX_HEADER]


_POLICY = _ShortHeaders()


def parse(document: Document, source: Source, memory: Memory) -> Parsed:
    """Return an article for each message of a poll; those that cannot be read are counted.

    Raises Rejected where the document holds no messages at all.
    """
    del memory  # the server tells new messages from old ones
    if document.content_type != MAILBOX_TYPE:
        raise Rejected("this is no mailbox: set type: mail with an imaps:// address")
    try:
        messages = msgspec.msgpack.decode(document.body, type=list[tuple[int, bytes]])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Rejected(f"not the messages of a mailbox: {error}") from error
    articles: dict[str, Article] = {}
    notes = []
    for uid, raw in messages:
        try:
            article = _article(raw, document, source)
        except Rejected as error:
            notes.append(f"message {uid}: {error}")
            continue
        articles[article.id] = article
    undated = sum(article.published == document.fetched for article in articles.values())
    if undated:
        notes.append(f"{undated} messages have no usable date: the time of the poll stands for it")
    return Parsed(
        articles=with_own_pages(tuple(articles.values())),
        rejected=len(messages) - len(articles),
        notes=tuple(notes),
    )


def _article(raw: bytes, document: Document, source: Source) -> Article:
    """Return the article of a message; raises Rejected where it cannot be read or is empty."""
    if len(_BOUNDARY.findall(raw)) * raw.count(b"\n") > MAX_NESTING:
        raise Rejected("it has too many parts within parts")
    try:
        message = email.message_from_bytes(raw, policy=_POLICY)
        return _read(message, document, source)
    except (Rejected, MemoryError):
        raise
    except Exception as error:  # the package lets anything out, see its issues
        raise Rejected(f"it cannot be read: {type(error).__name__}") from error


def _read(message: Message, document: Document, source: Source) -> Article:
    headers = _headers(message)
    body, browser = _text(message)
    body = cut(clean_text(body), MAX_ARTICLE - 4 * MAX_TITLE)
    title = clean_line(headers.get("subject", ""))
    if not title and not body:
        raise Rejected("it is empty")
    title = title or clean_line(body, _TITLE_FROM_TEXT) or _UNTITLED
    url = _page(headers.get("archived-at", "").strip(" <>")) or browser
    item_id = item_id_of(headers.get("message-id", "").strip(" <>"))
    published = _time(headers.get("date", ""), document.fetched)
    name, address = _sender(message)
    author = clean_line(name or address, 512)
    return Article(
        # Neither the time of the poll nor a link that others may share tells a message.
        id=article_id(source.name, item_id, "", title, published),
        source=source.name,
        title=title,
        fetched=document.fetched,
        content_hash=content_hash(title, "", body, "", published),
        url=url,
        item_id=item_id,
        body=body,
        authors=(author,) if author else (),
        categories=_list(headers.get("list-id", "")) or tuple(filter(None, [clean_line(address)])),
        language=language_of(f"{title}\n{body}", headers.get("content-language", "")),
        published=published or document.fetched,
    )


def _headers(message: Message) -> dict[str, str]:
    """Return a message's header fields by name in lower case, the first of each, decoded."""
    found: dict[str, str] = {}
    for name, value in message.raw_items():
        found.setdefault(name.lower(), str(value))
    return {name: _decoded(value) for name, value in found.items()}


def _sender(message: Message) -> tuple[str, str]:
    """Return the name and the address of who has sent a message. They are told apart before they
    are decoded, since a name may hold a comma."""
    raw = next((str(value) for name, value in message.raw_items() if name.lower() == "from"), "")
    name, address = parseaddr(_FOLD.sub("", raw))
    return _decoded(name), _decoded(address)


def _decoded(value: str) -> str:
    """Return a field with its encoded words (RFC 2047) as text, whatever they claim to be."""
    plain = decoded(_FOLD.sub("", value).encode("utf-8", "surrogateescape"))
    if "=?" not in plain:
        return plain
    try:
        parts = decode_header(plain)
    except (HeaderParseError, ValueError):
        return plain
    texts = []
    for part, charset in parts:
        if isinstance(part, str):
            texts.append(part)
        elif charset is None:
            # What stands between encoded words comes as bytes, escaped like a literal.
            texts.append(part.decode("raw-unicode-escape", "replace"))
        else:
            texts.append(decoded(part, f"charset={charset}"))
    return "".join(texts)


def _text(message: Message) -> tuple[str, str]:
    """Return the text of a message, of its plain or its HTML form, and its page on the web."""
    plain = html = ""
    for part in message.walk():
        kind = part.get_content_type()
        if kind not in ("text/plain", "text/html") or _is_attached(part):
            continue
        payload = part.get_payload(decode=True)
        content = payload[:MAX_TEXT] if isinstance(payload, bytes) else b""
        text = decoded(content, str(part.get("content-type", "")))
        if kind == "text/html":
            html = max(html, text, key=len)
        else:
            plain = max(plain, text, key=len)
    shown, browser = _shown(html)
    # Addresses make the plain form longer, not better; often it only says "see the HTML".
    if len(_URL.sub("", plain)) > 2 * len(shown):
        return plain, browser or _browser_in(plain)
    return shown or plain, browser or _browser_in(plain)


def _is_attached(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or part.get_filename() is not None


def _shown(html: str) -> tuple[str, str]:
    """Return the visible text of a message in HTML, and the link to its page on the web."""
    if not html.strip():
        return "", ""
    try:
        tree = lxml.html.document_fromstring(
            html.encode("utf-8", "replace"), parser=lxml.html.HTMLParser(encoding="utf-8")
        )
        links = [
            (link.get("href", ""), clean_line(link.text_content()[:400], 200))
            for link in tree.iter("a")
        ]
        for element in list(tree.iter(lxml.html.etree.Element)):
            hidden = element.get("hidden") is not None or _HIDDEN.search(element.get("style", ""))
            if hidden and element.getparent() is not None:
                element.drop_tree()
        html = lxml.html.tostring(tree, encoding="unicode")
    except (LxmlError, ValueError, AssertionError, RecursionError):
        links = []
    browser = (_page(href) for href, text in links if _BROWSER.search(text))
    return _PADDING.sub("", text_of(html)), next(filter(None, browser), "")


def _browser_in(text: str) -> str:
    """Return the page that a plain text names as its own."""
    for named in _BROWSER.finditer(text[:MAX_TEXT]):
        url = _URL.match(text, text.find("http", named.end(), named.end() + 20))
        if url and (page := _page(url[0])):
            return page
    return ""


def _page(url: str) -> str:
    """Return the address of one page; that of a whole site is none."""
    link = link_url(url) if url.lower().startswith(("http://", "https://")) else ""
    parts = urlsplit(link)
    return link if parts.path not in ("", "/") or parts.query else ""


def _time(text: str, now: datetime) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return sane(moment, now)


def _list(text: str) -> tuple[str, ...]:
    """Return the name of a mailing list (RFC 2919), else its id."""
    name, _, rest = text.partition("<")
    label = clean_line(name.strip(' "') or rest.strip(" >"), 200)
    return (label,) if label else ()
