"""Source types: one module each, with a `parse` function; this is their registry.

The parsers are named, not imported: they run in processes of their own, and the service's never
loads what reads untrusted bytes. A new type is a module and an entry in `TYPES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from types import MappingProxyType

from monitor.model import Document, Memory, Parsed, Source

Parse = Callable[[Document, Source, Memory], Parsed]


class Reach(StrEnum):
    """How a location is reached, which is which fetcher a type needs."""

    HTTP = "http"
    FILE = "file"
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class SourceType:
    """One kind of source. `parser` names the module whose `parse` reads its documents; a type that
    `resolves` has none, discovery finds a source of another type behind its address."""

    reach: Reach
    description: str
    parser: str = ""
    resolves: bool = False

    @property
    def parse(self) -> Parse:
        """The function that reads a document of this type; it loads the parser's module."""
        parse: Parse = import_module(self.parser).parse
        return parse


TYPES: Mapping[str, SourceType] = MappingProxyType(
    {
        "feed": SourceType(
            reach=Reach.HTTP,
            parser="monitor.sources.feed",
            description="an RSS or Atom feed at an http or https address",
        ),
        "jsonfeed": SourceType(
            reach=Reach.HTTP,
            parser="monitor.sources.jsonfeed",
            description="a JSON Feed at an http or https address",
        ),
        "sitemap": SourceType(
            reach=Reach.HTTP,
            parser="monitor.sources.sitemap",
            description="a sitemap, a news sitemap or an index of sitemaps",
        ),
        "page": SourceType(
            reach=Reach.HTTP,
            parser="monitor.sources.page",
            description="a web page that lists articles",
        ),
        "site": SourceType(
            reach=Reach.HTTP,
            description="a web site, whose feed, sitemap or page of articles is found",
            resolves=True,
        ),
        "auto": SourceType(
            reach=Reach.HTTP,
            description="any http or https address: what it holds is found out",
            resolves=True,
        ),
        "mail": SourceType(
            reach=Reach.MAIL,
            parser="monitor.sources.mail",
            description="the newsletters of a mailbox that is read by IMAP",
        ),
        "text": SourceType(
            reach=Reach.FILE,
            parser="monitor.sources.text",
            description="a plain-text article in a file, or all *.txt files of a folder",
        ),
    }
)
"""Every type that a source may have, by its name in the configuration."""

DOCUMENT_READERS = ("monitor.sources.extract", "monitor.sources.survey")
"""Modules that read documents of no type: an article's page, and what is not known yet."""
