"""Feeds of one site that tell the same: RSS beside Atom, an old address beside the new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.model import Article, Finding
from monitor.text.urls import canonical_url

ALIKE = 0.8
"""The share of the newest articles that two feeds must have in common to be the same."""


def distinct(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return one feed of each content, that with the most text, in the order of the first ones."""
    groups: list[list[Finding]] = []
    for finding in findings:
        group = next((group for group in groups if _are_alike(group[0], finding)), None)
        if group is None:
            groups.append([finding])
        else:
            group.append(finding)
    return tuple(_fullest(group) for group in groups)


def _are_alike(one: Finding, other: Finding) -> bool:
    # A feed may be longer than its twin, but the newest articles come first in both. That of a
    # section is no twin: what it has is among the site's articles, but not all of the newest.
    count = min(len(one.articles), len(other.articles))
    these, those = (
        {_key(article) for article in finding.articles[:count]} for finding in (one, other)
    )
    return len(these & those) >= ALIKE * len(these | those)


def _key(article: Article) -> str:
    return canonical_url(article.url) or article.title


def _fullest(group: Sequence[Finding]) -> Finding:
    count = min(len(finding.articles) for finding in group)
    best = max(group, key=lambda finding: _text(finding, count))
    others = ", ".join(finding.location for finding in group if finding is not best)
    if not others:
        return best
    more = any(_text(best, count) > _text(finding, count) for finding in group)
    what = "with more text than in" if more else "as in"
    return replace(best, why=f"{best.why}; the same articles {what} {others}")


def _text(finding: Finding, count: int) -> int:
    newest = finding.articles[:count]
    return sum(len(article.summary) + len(article.body) for article in newest)
