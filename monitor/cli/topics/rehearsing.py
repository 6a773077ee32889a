"""`monitor topics rehearse`: what a changed topic would do to what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.output import ID, counted, print_json, print_table
from monitor.cli.session import Json, execute, fail, load_config, opened_store, out
from monitor.cli.topics.archive import PAGE, Since, pages_since, start_of
from monitor.cli.topics.lookup import (
    Known,
    declared_in,
    known_topics,
    queries_of,
    query_of,
    topic_named,
    version_of,
)
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.model import Topic
from monitor.protocols import Archive
from monitor.topics.matcher import Matcher
from monitor.topics.rehearsal import Effect, Headline, Rehearsal
from monitor.topics.shape import walk
from monitor.topics.tree import Node, Use

FILES = frozenset((".yaml", ".yml"))


def rehearse(
    what: Annotated[str, typer.Argument(help="A topics.yaml, or a topic.")],
    since: Since = "30d",
    limit: Annotated[int, typer.Option(min=0, max=10_000, help="Headlines of each kind.")] = 10,
    apply: Annotated[
        bool, typer.Option("--apply", help="Give the stored articles these topics. Nobody is told.")
    ] = False,
    json: Json = False,
) -> None:
    """Show which stored articles topics would gain and lose, before they go live."""
    start_of(since, SystemClock().now())
    execute(_rehearse(load_config(), what, since, limit, apply, json))


async def _rehearse(
    config: Config, what: str, since: str, limit: int, apply: bool, json: bool
) -> None:
    async with opened_store(config) as store:
        known = await known_topics(config, store)
        stored = {topic.id: topic for topic in await store.topics()}
        rehearsal = _prepared(config.settings.config_dir, what, known, stored, limit)
        now = SystemClock().now()
        async for rows in pages_since(store, start_of(since, now), now, "matching"):
            rehearsal.add(rows)
        changed = await _apply(store, rehearsal) if apply else None
    if json:
        print_json(_as_json(rehearsal, since, changed))
    else:
        _print(rehearsal, since, changed)


def _prepared(
    folder: Path, what: str, known: Known, stored: Mapping[str, Topic], limit: int
) -> Rehearsal:
    """Return the rehearsal of a file's topics and those that use them, or of one topic as it is."""
    path = Path(what)
    gone: set[str] = set()
    topics = {topic.id: topic for topic in known.topics}
    if path.suffix in FILES or path.is_file():
        if not path.is_file():
            fail(f"no such file: {path}")
        replaced = _replaced_by(path, folder)
        before = declared_in(replaced, known).topics if replaced else ()
        changed = declared_in(path, known, without={topic.id for topic in before})
        gone = {topic.id for topic in before} - {topic.id for topic in changed.topics}
        queries = {**_using(changed, known), **queries_of(changed)}
        topics |= {topic.id: topic for topic in changed.topics}
    else:
        topic = topic_named(what, known)
        queries = {topic.id: query_of(topic, known).root}
    matcher = Matcher()
    for name, query in queries.items():
        matcher.put(name, query, version_of(topics[name], stored.get(name)))
    return Rehearsal(matcher, queries, gone, limit)


def _using(changed: Known, known: Known) -> dict[str, Node]:
    """Return the queries of other topics that use a changed one."""
    names = {topic.id for topic in changed.topics}
    queries = {name: query.root for name, query in changed.compiled.queries.items()}
    return {
        topic.id: queries[topic.id]
        for topic in known.topics
        if topic.id in queries
        and any(isinstance(node, Use) and node.name in names for node in walk(queries[topic.id]))
    }


def _replaced_by(path: Path, folder: Path) -> Path | None:
    """Return the file of the configuration in whose place this one would come.

    It is the one of the same name; whatever its name, `topics.yaml` where that is the only one.
    """
    others = folder / "topics"
    if (others / path.name).is_file():
        return others / path.name
    alone = not any(others.glob("*.yaml"))
    declared = folder / "topics.yaml"
    return declared if alone or path.name == declared.name else None


async def _apply(store: Archive, rehearsal: Rehearsal) -> int:
    changed = 0
    for start in range(0, len(rehearsal.taggings), PAGE):
        changed += await store.retag(rehearsal.taggings[start : start + PAGE])
    return changed


def _print(rehearsal: Rehearsal, since: str, changed: int | None) -> None:
    effects = rehearsal.effects
    out.print(f"{counted(rehearsal.articles, 'article')} of the last {since}.")
    changed_ones = {name: each for name, each in effects.items() if each.gained or each.lost}
    print_table(
        ("topic", "now", "then", "gained", "lost"),
        [
            (name, effect.before, effect.after, effect.gained, effect.lost)
            for name, effect in (changed_ones or effects).items()
        ],
        "There is no topic.",
    )
    same = len(effects) - len(changed_ones)
    if changed_ones and same:
        out.print(f"{counted(same, 'topic')} without any change.")
    for name, effect in (changed_ones or (effects if len(effects) == 1 else {})).items():
        _print_effect(name, effect)
    if changed is not None:
        out.print(f"\n{counted(changed, 'article')} retagged.")
    elif rehearsal.taggings:
        number = counted(len(rehearsal.taggings), "stored article")
        out.print(f"\n--apply would give {number} their new topics.")


def _print_effect(name: str, effect: Effect) -> None:
    out.print(f"\n[bold]{name}[/]", markup=True)
    _print_headlines("+", effect.gained, list(effect.gained_headlines))
    _print_headlines("-", effect.lost, list(effect.lost_headlines))
    if not (effect.gained or effect.lost):
        _print_headlines("=", effect.after, list(effect.kept_headlines))
    both = {"day": {str(day): n for day, n in sorted(effect.days.items())[-14:]}}
    both["source"] = dict(sorted(effect.sources.items(), key=lambda item: -max(item[1]))[:10])
    for heading, counts in both.items():
        if counts:
            rows = [(key, now, then) for key, (now, then) in counts.items()]
            print_table((heading, "now", "then"), rows, "")


def _print_headlines(sign: str, number: int, headlines: list[Headline]) -> None:
    rows = [
        (sign, each.id[:ID], each.fetched.date(), each.source, each.title) for each in headlines
    ]
    if rows:
        print_table(("", "article", "day", "source", "title"), reversed(rows), "")
    if number > len(rows):
        earlier = ", all of them earlier" if rows else ""
        out.print(f"  {sign} {number - len(rows)} more{earlier}")


def _as_json(rehearsal: Rehearsal, since: str, changed: int | None) -> Mapping[str, object]:
    return {
        "since": since,
        "articles": rehearsal.articles,
        "changes": len(rehearsal.taggings),
        "retagged": changed,
        "topics": {name: _effect(effect) for name, effect in rehearsal.effects.items()},
    }


def _effect(effect: Effect) -> Mapping[str, object]:
    return {
        "before": effect.before,
        "after": effect.after,
        "gained": effect.gained,
        "lost": effect.lost,
        "gained_headlines": list(effect.gained_headlines),
        "lost_headlines": list(effect.lost_headlines),
        "kept_headlines": list(effect.kept_headlines),
        "days": {str(day): n for day, n in sorted(effect.days.items())},
        "sources": effect.sources,
    }
