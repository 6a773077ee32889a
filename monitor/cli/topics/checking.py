"""`monitor topics check`: are the queries right, and do they mean what their authors meant?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.output import counted, plain, print_json
from monitor.cli.session import FAILED, Json, execute, existing, load_config, out
from monitor.cli.topics.lookup import Known, declared_in, errors_of, known_if_there
from monitor.config import Config


def check(
    file: Annotated[Path | None, typer.Argument(help="A changed topics.yaml.")] = None,
    json: Json = False,
) -> None:
    """Tell what is wrong with the topics' queries, and what may surprise; exit code 1 if wrong."""
    config = load_config()
    if file is not None:
        existing([file])
    known: Known = execute(_known(config, file))
    problems = [(name, str(error)) for name, error in errors_of(known).items()]
    surprises: list[tuple[str, str]] = []
    if json:
        print_json({"problems": _fields(problems), "surprises": _fields(surprises)})
    else:
        for name, sentence in problems:
            out.print(f"✗ {plain(name)}: {plain(sentence)}", style="red", markup=False)
        for name, sentence in surprises:
            out.print(f"! {plain(name)}: {plain(sentence)}", style="yellow", markup=False)
        told = f"{counted(len(problems), 'problem')}, {counted(len(surprises), 'surprise')}"
        out.print(f"{counted(len(known.topics), 'topic')}: {told}.")
    if problems:
        raise typer.Exit(FAILED)


async def _known(config: Config, file: Path | None) -> Known:
    known = await known_if_there(config)
    return declared_in(file, known) if file is not None else known


def _fields(told: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"topic": name, "text": sentence} for name, sentence in told]
