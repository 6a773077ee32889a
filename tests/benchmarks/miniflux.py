"""What a poll costs Miniflux (https://miniflux.app): the same feeds, phases and machine.

`go install` builds it once. It runs `-refresh-feeds`, its own command for all feeds that are due,
with as many workers and as large a batch as it takes; what it logs is off.
"""

from __future__ import annotations

import os
import resource
import subprocess
import time
from pathlib import Path

import psutil

from tests.benchmarks.feedhost import address
from tests.benchmarks.meter import cpu_of
from tests.support.maven import cache
from tests.support.postgres import PostgresServer

VERSION = "2.3.5"
WORKERS = 16
BUILD_SECONDS = 900
_FEEDS = """
INSERT INTO feeds (user_id, category_id, title, feed_url, site_url)
SELECT users.id, categories.id, 'Feed', url, url
FROM users JOIN categories ON categories.user_id = users.id, unnest(ARRAY[{urls}]) AS url
"""
_ICONS = """
INSERT INTO icons (hash, mime_type, content) VALUES ('none', 'image/png', '');
INSERT INTO feed_icons (feed_id, icon_id) SELECT feeds.id, icons.id FROM feeds, icons
"""
_DUE = "UPDATE feeds SET next_check_at = now() - interval '1 minute'"
_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'miniflux'"
_OUTCOME = (
    "SELECT count(*), (SELECT count(*) FROM entries) FROM feeds WHERE parsing_error_count = 0"
)


def program() -> Path:
    """Return the program, built where it is missing."""
    folder = cache() / f"miniflux-{VERSION}"
    built = folder / "miniflux.app"
    if not built.exists():
        environment = {**os.environ, "GOBIN": str(folder)}
        command = ("go", "install", f"miniflux.app/v2@v{VERSION}")
        subprocess.run(command, env=environment, check=True, timeout=BUILD_SECONDS)
    return built


class Miniflux:
    """One installation on a database of `server`, following feeds that are served at `port`."""

    def __init__(self, server: PostgresServer, port: int, feeds: int, hosts: int) -> None:
        """Make its tables, its user and its feeds."""
        self._program = program()
        self._server = server
        self._postgres = psutil.Process(server.pid)
        url = server.create_database("miniflux").replace("+asyncpg", "")
        self._environment = {
            "DATABASE_URL": f"{url}?sslmode=disable",
            "RUN_MIGRATIONS": "1",
            "CREATE_ADMIN": "1",
            "ADMIN_USERNAME": "admin",
            "ADMIN_PASSWORD": "benchmark",
            "BATCH_SIZE": str(feeds),
            "WORKER_POOL_SIZE": str(WORKERS),
            "POLLING_LIMIT_PER_HOST": "0",
            "FETCHER_ALLOW_PRIVATE_NETWORKS": "1",
            "LOG_LEVEL": "error",
        }
        self._refresh()  # makes the tables and the user; there is nothing to poll yet
        urls = (f"'http://{address(n % hosts)}:{port}/feeds/{n}'" for n in range(feeds))
        self._sql(_FEEDS.format(urls=",".join(urls)))
        self._sql(_ICONS)  # or it looks for one at each feed that has changed

    def measure(self, title: str, feeds: int) -> None:
        """Poll all feeds once and print what that cost, in ms a poll."""
        self._sql(_DUE)
        before, started = self._spent(), time.perf_counter()
        self._refresh()
        wall, after = time.perf_counter() - started, self._spent()
        own, postgres = (
            (now - then) / feeds * 1e3 for then, now in zip(before, after, strict=True)
        )
        good, entries = self._sql(_OUTCOME).strip().split("|")
        assert int(good) == feeds, f"{good} of {feeds} feeds were read"
        print(
            f"{title}: Miniflux {VERSION}: {own + postgres:.2f} ms CPU a poll (its own"
            f" {own:.2f}, PostgreSQL {postgres:.2f}); {wall:.1f} s; {entries} entries",
            flush=True,
        )

    def _refresh(self) -> None:
        subprocess.run([str(self._program), "-refresh-feeds"], env=self._environment, check=True)

    def _sql(self, statement: str) -> str:
        return self._server.run_sql("miniflux", statement)

    def _spent(self) -> tuple[float, float]:
        while int(self._server.run_sql("postgres", _SESSIONS)):
            time.sleep(0.05)  # what a session needed is counted when it has ended
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return ended.ru_utime + ended.ru_stime, cpu_of(self._postgres, deep=True)
