"""What it costs to start: the CPU of commands, and CPU and memory of an idle process of a role."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

COMMANDS = ("--version", "--help", "check", "topics list", "topics test", "alerts", "sources list")
ROLES = ("dedupe", "tag", "scheduler", "api", "scheduler,dedupe,tag,store,alert,notify,api")
# It stops as soon as it has started.
SERVICE = """
import asyncio, os, signal, sys
from monitor import app

config = app.load_config(roles=sys.argv[1], port=0)
asyncio.run(app.serve(config, lambda *_: os.kill(os.getpid(), signal.SIGTERM)))
"""


def main() -> None:
    """Measure everything, and print the least of some runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"MONITOR_DATA_DIR": folder, "MONITOR_CONFIG_DIR": str(Path("config"))}
        print("| command | CPU, ms | memory, MB |\n|---|---|---|")
        for name in COMMANDS:
            if name == "alerts":  # from here on with a database
                _run("-m", "monitor", "articles")
            _tell(f"`monitor {name}`", runs, "-m", "monitor", *name.split())
        for roles in ROLES:
            _tell(f"`monitor run --roles {roles}`", runs, "-c", SERVICE, roles)


def _tell(name: str, runs: int, *arguments: str) -> None:
    figures = [_run(*arguments) for _ in range(runs)]
    seconds, size = min(each[0] for each in figures), min(each[1] for each in figures)
    print(f"| {name} | {1000 * seconds:.0f} | {size / 1024:.0f} |", flush=True)


def _run(*arguments: str) -> tuple[float, int]:
    """Run Python; return its seconds of CPU, and the most memory that it had, in KiB."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([sys.executable, *arguments], stdout=quiet, stderr=quiet)
    _, code, usage = os.wait4(process.pid, 0)
    process.returncode = code
    if code:
        raise RuntimeError(f"{arguments} ended with {code}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


if __name__ == "__main__":
    main()
