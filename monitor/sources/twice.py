"""Sources that follow one address: every article of it is fetched twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from monitor.text.urls import canonical_url


def followed_twice(locations: Mapping[str, str]) -> list[str]:
    """Return a sentence for each address that several sources have, by their names.

    `locations` are by name. An address may hold a password, so it is not told.
    """
    named: defaultdict[str, list[str]] = defaultdict(list)
    for name, location in sorted(locations.items()):
        named[canonical_url(location) or location].append(name)
    return [
        f"the sources {', '.join(map(repr, names))} have the same address: all but one can go"
        for names in named.values()
        if len(names) > 1
    ]
