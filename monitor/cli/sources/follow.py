"""`monitor sources add`: finds out what an address is, shows it, and follows it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor import app
from monitor.cli.output import plain, print_json
from monitor.cli.session import FAILED, Json, err, execute, fail, load_config, opened_store, out
from monitor.cli.sources.followed import followed, progress, shown
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.declarations import check_source
from monitor.declarations.naming import Names
from monitor.errors import MonitorError, Rejected, Unavailable
from monitor.model import Finding, Source, SourceState
from monitor.sources.candidates import MAX_REQUESTS, Asking
from monitor.sources.discover import discover

if TYPE_CHECKING:  # its scheduler takes long to load, and most commands need none
    from monitor.service import Service

HEADLINES = 5
FOUND = ("auto", "site")
"""Types that say: find out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is at an address; `error` where nothing to follow is, `passing` where that may change:
    the address could not be asked now."""

    url: str
    findings: tuple[Finding, ...] = ()
    error: str = ""
    passing: bool = False


def add(
    urls: Annotated[list[str], typer.Argument(help="Sites, feeds, sitemaps or pages.")],
    name: Annotated[str, typer.Option(help="Its name; made of host and title without.")] = "",
    kind: Annotated[str, typer.Option("--type", help="Take it as this, without a look.")] = "auto",
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing: follow the best of each.")
    ] = False,
    json: Json = False,
) -> None:
    """Find out what addresses are, show it, and follow them."""
    config = load_config()
    _refuse_at_once(config, urls, name, kind)
    if not yes and not json and not attended():
        fail("there is nobody to ask: give --yes to follow, or --json to only look")
    # Where the type is told, nobody has looked, and there is nothing to choose from.
    sure = yes or (kind not in FOUND and not json)
    answers: list[Answer] = execute(_look(config, urls, kind, quiet=json))
    if not json:
        for answer in answers:
            _show(answer)
    chosen = [
        finding
        for answer in answers
        if answer.findings and (finding := answer.findings[0] if sure else _ask(answer, json))
    ]
    added, refused = execute(_follow(config, chosen, name)) if chosen else ([], [])
    if json:
        print_json({"found": [_shown(answer) for answer in answers], "added": added,
                    "refused": refused})  # fmt: skip
    else:
        for source in added:
            out.print(f"Following {source.location} as {source.name}.", markup=False)
        for text in refused:
            err.print(f"error: {text}", style="red", markup=False)
    if refused or not all(answer.findings for answer in answers):
        raise typer.Exit(FAILED)


def attended() -> bool:
    """Return whether somebody can answer a question."""
    return sys.stdin.isatty()


def _refuse_at_once(config: Config, urls: Sequence[str], name: str, kind: str) -> None:
    """Exit with 2 where an argument is wrong, before anybody is asked for anything."""
    if name and len(urls) > 1:
        fail("--name is for one address: add them one by one")
    for url in urls:
        # A bare name is tried both ways, see `discover`.
        bare = kind in FOUND and "://" not in url
        values = {"type": kind, "url": f"https://{url}" if bare else url}
        _, faults = check_source(name or "new", values, config.source_rules)
        if faults:
            fail(f"{shown(url)}: {'; '.join(faults)}")


async def _look(config: Config, urls: Sequence[str], kind: str, *, quiet: bool) -> list[Answer]:
    if kind not in FOUND:
        return [Answer(url, (Finding(type=kind, location=url, why="as told"),)) for url in urls]
    service = app.compose(config)
    answers = []
    async with service.connected(broker=False):
        with progress("looking", len(urls), quiet=quiet) as bar:

            def asking(address: str, number: int) -> None:
                text = f"looking: request {number} of at most {MAX_REQUESTS}, {plain(address)}"
                bar.update(bar.task_ids[0], description=text)

            for url in urls:
                answers.append(await _look_at(service, url, asking, site=kind == "site"))
                bar.advance(bar.task_ids[0])
    return answers


async def _look_at(service: Service, url: str, asking: Asking, *, site: bool) -> Answer:
    now, agent = service.clock.now(), service.agent
    try:
        found = await discover(
            url, service.web, service.parser, site=site, now=now, agent=agent, asking=asking
        )
    except MonitorError as error:
        # A busy or broken server; 404 and the like are there to stay.
        passing = isinstance(error, Unavailable) and not 400 <= error.status < 429
        return Answer(url, error=str(error), passing=passing)
    return Answer(url, found)


def _show(answer: Answer) -> None:
    if not answer.findings:
        text = answer.error or "nothing to follow was found: name a feed or a page with links"
        if answer.passing:
            text += "; --type feed follows it all the same, as soon as it answers"
        err.print(f"error: {answer.url}: {text}", style="red", markup=False)
        return
    out.print(plain(answer.url), style="bold", markup=False)
    for number, finding in enumerate(answer.findings, 1):
        title = f" “{plain(finding.title)}”" if finding.title else ""
        text = f"  {number}. {finding.type}{title} {plain(finding.location)}"
        out.print(f"{text}\n     {plain(finding.why)}", markup=False)
        for article in finding.articles[:HEADLINES]:
            out.print(f"     - {plain(article.title)}", markup=False)


def _ask(answer: Answer, quiet: bool) -> Finding | None:
    """Return the finding that the user wants; with `quiet` nobody is asked and it is none."""
    if quiet:
        return None
    if len(answer.findings) == 1:
        return answer.findings[0] if typer.confirm("Follow it?", default=True) else None
    most, number = len(answer.findings), -1
    while not 0 <= number <= most:
        number = typer.prompt(f"Which one? 1 to {most}, 0 for none", default=1, type=int)
    return answer.findings[number - 1] if number else None


async def _follow(
    config: Config, findings: Sequence[Finding], name: str
) -> tuple[list[Source], list[str]]:
    """Follow what was chosen; return what is followed now, and why the rest is not."""
    now = SystemClock().now()
    added, refused = [], []
    async with opened_store(config) as store:
        states = await followed(config, store, now)
        names = Names(states)
        taken = {state.source.location: state.source.name for state in states.values()}
        for finding in findings:
            try:
                source = _source(config, finding, name, names, taken, states)
                await store.add_source(source, now)
            except Rejected as error:
                refused.append(str(error))
            else:
                taken[source.location] = source.name
                added.append(source)
    return added, refused


def _source(
    config: Config,
    finding: Finding,
    name: str,
    names: Names,
    taken: Mapping[str, str],
    states: Mapping[str, SourceState],
) -> Source:
    """Return the source of a finding; raises Rejected with the reason that there is none."""
    if finding.location in taken:
        raise Rejected(f"{finding.location} is followed already, as {taken[finding.location]}")
    if name in states:
        raise Rejected(f"the name {name} is taken: choose another one")
    values: dict[str, Any] = {
        "type": finding.type,
        "url": finding.location,
        "title": plain(finding.title)[:1000],
    }
    made = name or names.make(finding.location, finding.title)
    source, faults = check_source(made, values, config.source_rules)
    if source is None:
        raise Rejected(f"{plain(finding.location)}: {'; '.join(faults)}")
    return source


def _shown(answer: Answer) -> dict[str, Any]:
    return {
        "url": answer.url,
        "error": answer.error,
        "findings": [
            {
                "type": finding.type,
                "location": finding.location,
                "title": finding.title,
                "why": finding.why,
                "headlines": [article.title for article in finding.articles[:HEADLINES]],
            }
            for finding in answer.findings
        ],
    }
