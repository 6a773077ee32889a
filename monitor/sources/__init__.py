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

from monitor.model import Article, Document, Source

Parse = Callable[[Document, Source], tuple[Article, ...]]


class Reach(StrEnum):
    """How a location is reached, which is which fetcher a type needs."""

    HTTP = "http"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class SourceType:
    """One kind of source. `parser` names the module whose `parse` reads its documents."""

    reach: Reach
    parser: str
    description: str

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
        "text": SourceType(
            reach=Reach.FILE,
            parser="monitor.sources.text",
            description="a plain-text article in a file, or all *.txt files of a folder",
        ),
    }
)
"""Every type that a source may have, by its name in the configuration."""
