"""`monitor topics test`: are the topics' expectations met, and which topics do files match?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.output import counted, plain, print_json, print_table
from monitor.cli.session import FAILED, Json, err, execute, existing, fail, load_config, out
from monitor.cli.topics.lookup import Known, known_if_there, queries_of, topic_named
from monitor.cli.topics.reading import Found, Reader, article_of, reader_of
from monitor.config import Config
from monitor.model import Topic
from monitor.topics.expectations import Expectation, Outcome, check_all
from monitor.topics.junit import junit as junit_of
from monitor.topics.matcher import Matcher

# What ends like a file is one, so that a misspelt name is never taken for a text.
_FILE = re.compile(r"[^\n]{1,250}\.(txt|jsonl|json|xml|rss|atom|rdf)", re.IGNORECASE)


def run_expectations(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Show which topics these match: texts, recordings, feeds, folders."),
    ] = None,
    topic: Annotated[
        str, typer.Option(help="Only this topic. With files: it must match every article.")
    ] = "",
    junit: Annotated[Path | None, typer.Option(help="Also write the results as JUnit XML.")] = None,
    json: Json = False,
) -> None:
    """Run the expectations of the topics; exit code 1 where one is not met."""
    config = load_config()
    known: Known = execute(known_if_there(config))
    if topic:
        topic_named(topic, known)
    if paths:
        _match_files(config, known, existing(paths), topic, json)
        return
    topics = [each for each in known.topics if not topic or each.id == topic]
    if topic and not any(each.expect.match or each.expect.no_match for each in topics):
        text = f"the topic '{topic}' has no expectations: declare `expect` in topics.yaml"
        fail(f"{text}, or name files")
    outcomes: list[Outcome] = execute(_outcomes(config, known, topics))
    _report(topics, outcomes, json)
    if junit is not None:
        _write(junit, outcomes)
    if any(not outcome.passed for outcome in outcomes):
        raise typer.Exit(FAILED)


async def _outcomes(config: Config, known: Known, topics: Sequence[Topic]) -> list[Outcome]:
    folder = config.settings.config_dir
    async with reader_of(config) as reader:
        expectations = [
            await _expectation(reader, folder, topic.id, wanted, entry)
            for topic in topics
            for wanted, entries in ((True, topic.expect.match), (False, topic.expect.no_match))
            for entry in entries
        ]
    return check_all(expectations, queries_of(known))


async def _expectation(
    reader: Reader, folder: Path, topic: str, wanted: bool, entry: str
) -> Expectation:
    if _FILE.fullmatch(entry.strip()):
        found = await reader.file(folder / entry.strip())
    else:
        found = article_of(entry.encode(), "the text")
    problem = "; ".join(found.problems) or ("" if found.articles else "it holds no article")
    return Expectation(topic, wanted, entry, found.articles, problem)


def _report(topics: Sequence[Topic], outcomes: Sequence[Outcome], json: bool) -> None:
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if json:
        print_json([{**_fields(outcome), "passed": outcome.passed} for outcome in outcomes])
        return
    for outcome in failed:
        out.print(f"✗ {outcome.topic}: {plain(outcome.reason)}", style="red", markup=False)
        out.print(f"    {plain(outcome.label)}", markup=False)
        for detail in outcome.details:
            out.print(f"    • {plain(detail)}", style="dim", markup=False)
    tested = len({outcome.topic for outcome in outcomes})
    untested = [topic.id for topic in topics if not (topic.expect.match or topic.expect.no_match)]
    sentence = f"{counted(len(outcomes), 'expectation')} of {counted(tested, 'topic')}: "
    out.print(sentence + (f"{len(failed)} not met." if failed else "all met."), markup=False)
    if untested:
        shown = ", ".join(untested[:5]) + (", …" if len(untested) > 5 else "")
        out.print(f"{counted(len(untested), 'topic')} without any: {shown}", style="dim")


def _fields(outcome: Outcome) -> dict[str, object]:
    return {
        "topic": outcome.topic,
        "expected": "match" if outcome.wanted else "no_match",
        "article": outcome.label,
        "reason": outcome.reason,
        "details": outcome.details,
    }


def _write(path: Path, outcomes: Sequence[Outcome]) -> None:
    try:
        path.write_bytes(junit_of(outcomes))
    except OSError as error:
        fail(f"{path}: {error.strerror}")


def _match_files(config: Config, known: Known, paths: list[Path], topic: str, json: bool) -> None:
    """Show which topics the articles of files match; exit with 1 where one matches none."""
    found: Found = execute(_read(config, paths))
    matcher = Matcher()
    for name, query in queries_of(known).items():
        matcher.put(name, query)
    pairs = list(zip(found.articles, matcher.match(found.articles), strict=True))
    if json:
        print_json([{"title": article.title, "topics": matched} for article, matched in pairs])
    else:
        print_table(
            ("title", "topics"), [(item.title, matched) for item, matched in pairs], "No articles."
        )
    for problem in found.problems:
        err.print(problem, style="red", markup=False)
    missed = [matched for _, matched in pairs if (topic not in matched if topic else not matched)]
    if missed or found.problems or not pairs:
        raise typer.Exit(FAILED)


async def _read(config: Config, paths: Sequence[Path]) -> Found:
    async with reader_of(config) as reader:
        found = [await reader.file(path) for path in paths]
    return Found(
        tuple(article for each in found for article in each.articles),
        tuple(problem for each in found for problem in each.problems),
    )
