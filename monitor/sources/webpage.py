"""Web pages as trees, however they are written."""

from __future__ import annotations

import re

from lxml import etree
from lxml.html import HTMLParser

from monitor.errors import Rejected
from monitor.model import Document
from monitor.sources.items import absolute
from monitor.sources.repair import decoded

MAX_BYTES = 5 * 1024 * 1024
"""Bytes of a page that are looked at."""

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONG_TAG = re.compile(r"<[A-Za-z](?=[^<>]{16384})[^<>]*>?")
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w-]{1,40})", re.IGNORECASE)


def tree_of(document: Document) -> etree._Element:
    """Return the `html` element of a page, of its first 5 MB; comments are left out.

    Raises Rejected where the document is no page.
    """
    body, declared = document.body[:MAX_BYTES], document.content_type
    if "charset" not in declared and (meta := _CHARSET.search(body[:4096])):
        declared += f"; charset={meta[1].decode('latin-1')}"
    # A tag of that length holds data, or thousands of attributes.
    text = _LONG_TAG.sub("", _FORBIDDEN.sub("", decoded(body, declared)))
    if "<" not in text:
        raise Rejected("this is no web page: check the address")
    parser = HTMLParser(
        encoding="utf-8", huge_tree=False, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise Rejected(f"the page cannot be parsed: {error}") from error
    if root is None or root.tag != "html":
        raise Rejected("this is no web page: check the address")
    return root


def base_of(root: etree._Element, url: str) -> str:
    """Return the address that a page's links are relative to."""
    stated = next((base.get("href") for base in root.iter("base") if base.get("href")), "")
    return absolute(stated, url) or url
