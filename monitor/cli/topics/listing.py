"""`monitor topics list`: what is watched for."""

from __future__ import annotations

from monitor.cli.output import print_json, print_table
from monitor.cli.session import Json, execute, load_config
from monitor.cli.topics.lookup import Known, known_if_there
from monitor.model import Topic


def list_topics(json: Json = False) -> None:
    """List the topics; their queries are in the JSON."""
    known: Known = execute(known_if_there(load_config()))
    if json:
        print_json(known.topics)
        return
    print_table(
        ("topic", "name", "priority", "tests", "owner", "version"),
        [_row(topic) for topic in known.topics],
        "No topics. Add one to topics.yaml.",
    )


def _row(topic: Topic) -> tuple[object, ...]:
    tests = len(topic.expect.match) + len(topic.expect.no_match)
    return (
        topic.id,
        topic.name,
        topic.priority.value,
        tests or "none",
        topic.owner.value,
        topic.version,
    )
