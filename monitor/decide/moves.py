"""When the address of a source is rewritten, because it redirects for good. Pure.

A redirect is followed at once, but written down only when it has lasted: portals of hotels and
trains answer every address with a permanent redirect to their own page.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from monitor.model import Document, Memory, NotModified, Owner, Parsed, Source
from monitor.text.urls import MAX_URL

MOVES = 3
LASTING = timedelta(days=7)
TELLING = frozenset({"feed", "jsonfeed", "sitemap"})
"""Types whose documents say themselves what they are. Any page could be read as a list of links."""


def asked_location(source: Source, memory: Memory) -> str:
    """Return the address that a poll of a source asks."""
    return memory.chosen_location or source.location


def followed(
    source: Source,
    memory: Memory,
    answer: Document | NotModified | None,
    parsed: Parsed | None,
    now: datetime,
) -> Memory:
    """Return the memory with one more answer that came, or did not come, by a permanent redirect.

    Only a document that was read as one of the source's kind counts, or that the same document is
    unchanged. Never from https to http.
    """
    target = answer.moved_to if answer else ""
    if not target:
        return _unmoved(memory)
    kind = memory.chosen_type or source.type
    secure = _scheme(asked_location(source, memory)) == "https"
    if kind not in TELLING or (secure and _scheme(target) != "https") or len(target) > MAX_URL:
        return _unmoved(memory)
    if target == memory.moved_to:
        return replace(memory, moved_times=memory.moved_times + 1)
    if parsed is None:
        return _unmoved(memory)
    return replace(memory, moved_to=target, moved_since=now, moved_times=1)


def has_moved(memory: Memory, now: datetime) -> bool:
    """Return whether a source has moved for good: 3 times to the same address, over 7 days."""
    lasted = memory.moved_since is not None and now - memory.moved_since >= LASTING
    return lasted and memory.moved_times >= MOVES


def rewritten(source: Source, memory: Memory) -> tuple[Memory, str]:
    """Return the memory of a source that has moved, and its new location, "" where it stays.

    The operator's file is the operator's: the memory then says where to ask, and why.
    """
    target, old = memory.moved_to, asked_location(source, memory)
    memory = replace(_unmoved(memory), moved_from=old)
    if not memory.chosen_location and source.owner is Owner.USER:
        return memory, target
    kind = memory.chosen_type or source.type
    why = memory.chosen_why
    if source.type == kind:
        why = f"moved for good to {target}: change it in config/sources.yaml"
        if source.owner is Owner.USER:
            why = f"moved for good to {target}"
    return replace(memory, chosen_type=kind, chosen_location=target, chosen_why=why), ""


def _unmoved(memory: Memory) -> Memory:
    if not memory.moved_to:  # nearly always, and a copy of a memory is what a poll costs most
        return memory
    return replace(memory, moved_to="", moved_since=None, moved_times=0)


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""
