"""`monitor topics list`: what is watched for."""

from __future__ import annotations

from monitor.cli.output import print_json, print_table
from monitor.cli.session import Json, load_config


def list_topics(json: Json = False) -> None:
    """List the topics with their queries."""
    config = load_config()
    if json:
        print_json(config.topics)
        return
    print_table(
        ("topic", "name", "query"),
        [(topic.id, topic.name, topic.query) for topic in config.topics],
        "No topics. Add one to topics.yaml.",
    )
