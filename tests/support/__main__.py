"""Real servers for a person on the spot: `python -m tests.support kafka postgres`, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from tests.support import kafka, postgres

FOLDER = Path(".services")


def main() -> None:
    """Start the named servers on their usual ports, with their data in `.services/`."""
    wanted = sys.argv[1:]
    reasons = [
        reason
        for name, module in (("kafka", kafka), ("postgres", postgres))
        if name in wanted and (reason := module.available())
    ]
    if reasons or not wanted:
        sys.exit("\n".join(reasons) or "usage: python -m tests.support kafka|postgres …")
    running: list[kafka.KafkaServer | postgres.PostgresServer] = []
    if "kafka" in wanted:
        running.append(kafka.KafkaServer(data=FOLDER / "kafka", port=9092))
    if "postgres" in wanted:
        running.append(postgres.PostgresServer(data_dir=FOLDER / "postgres", port=5432))
    try:
        for server in running:
            server.start()
            if isinstance(server, postgres.PostgresServer):
                print(server.ensure_database("monitor"), flush=True)
            else:
                print(server.url, flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    finally:
        for server in reversed(running):
            server.stop()


if __name__ == "__main__":
    main()
