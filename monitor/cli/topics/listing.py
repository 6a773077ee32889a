"""`monitor topics list`: what is watched for."""

from __future__ import annotations

from monitor.cli.output import print_json, print_table
from monitor.cli.session import Json, execute, load_config
from monitor.cli.topics.lookup import Known, known_if_there
from monitor.model import Topic

_QUERY = 60
"""Characters of a query in the table: a long one would bury the others."""


def list_topics(json: Json = False) -> None:
    """List the topics, with the beginnings of their queries."""
    known: Known = execute(known_if_there(load_config()))
    if json:
        print_json(known.topics)
        return
    print_table(
        ("topic", "name", "priority", "tests", "owner", "version", "query"),
        [_row(topic) for topic in known.topics],
        "No topics. Add one to topics.yaml.",
    )


def _row(topic: Topic) -> tuple[object, ...]:
    tests = len(topic.expect.match) + len(topic.expect.no_match)
    query = " ".join(topic.query.split())
    short = query if len(query) <= _QUERY else query[: _QUERY - 1].rstrip() + "…"
    return (
        topic.id,
        topic.name,
        topic.priority.value,
        tests or "none",
        topic.owner.value,
        topic.version,
        short,
    )
