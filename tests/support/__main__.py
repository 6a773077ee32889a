"""Real servers for a person on the spot: `python -m tests.support kafka postgres`, until Ctrl-C.

`postgres:5433` takes another port than the usual one.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from queue import SimpleQueue

from tests.support import kafka, postgres

FOLDER = Path(".services")
PORTS = {"kafka": 9092, "postgres": 5432}
ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def main() -> None:
    """Start the named servers, with their data in `.services/`."""
    wanted = dict(word.partition(":")[::2] for word in sys.argv[1:])
    if not wanted or not wanted.keys() <= PORTS.keys():
        sys.exit("usage: python -m tests.support kafka[:PORT] postgres[:PORT]")
    modules = {"kafka": kafka, "postgres": postgres}
    reasons = [reason for name in wanted if (reason := modules[name].available())]
    if reasons:
        sys.exit("\n".join(reasons))
    told = _told_to_end()
    running: list[kafka.KafkaServer | postgres.PostgresServer] = []
    try:
        for name, given in wanted.items():
            port = int(given or PORTS[name])
            if name == "kafka":
                broker = kafka.KafkaServer(data=FOLDER / name, port=port)
                running.append(broker)
                broker.start()
                print(broker.url, flush=True)
            else:
                database = postgres.PostgresServer(data_dir=FOLDER / name, port=port)
                running.append(database)
                database.start()
                print(database.ensure_database("monitor"), flush=True)
        told.get()
    finally:
        for server in reversed(running):
            server.stop()


def _told_to_end() -> SimpleQueue[int]:
    """Return what gets the signals that end us.

    They are noted, not blocked: the servers would inherit a mask. Noted while a server starts, one
    ends us when it has started, so none is left that we do not know. What is ignored stays so, as
    nohup wishes.
    """
    told: SimpleQueue[int] = SimpleQueue()
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda received, _: told.put(received))
    return told


if __name__ == "__main__":
    main()
