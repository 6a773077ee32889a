"""The store: one database behind all the protocols of storage."""

from __future__ import annotations

from monitor.clock import SystemClock
from monitor.protocols import Clock
from monitor.store.alerts import SqlAlerts
from monitor.store.articles import SqlArticles
from monitor.store.changes import SqlSourceChanges
from monitor.store.claims import SqlClaims
from monitor.store.deliveries import SqlDeliveries
from monitor.store.hubs import SqlHubs
from monitor.store.leases import SqlLeases
from monitor.store.outbox import SqlOutbox
from monitor.store.retag import SqlTagging
from monitor.store.search import SqlSearch
from monitor.store.sightings import SqlSightings
from monitor.store.sources import SqlSources
from monitor.store.sql import Database
from monitor.store.topic_parts import SqlTopicParts
from monitor.store.topics import SqlTopics
from monitor.store.turns import SqlTurns
from monitor.store.version import is_current


class SqlStore(
    SqlTurns,
    SqlSources,
    SqlHubs,
    SqlSourceChanges,
    SqlOutbox,
    SqlClaims,
    SqlSightings,
    SqlArticles,
    SqlTagging,
    SqlTopics,
    SqlTopicParts,
    SqlSearch,
    SqlAlerts,
    SqlDeliveries,
    SqlLeases,
):
    """All of storage on one database.

    Every method raises Unavailable while the database is away, after a few attempts of its own,
    and Rejected where the database will never take what it was given.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def from_url(cls, url: str, clock: Clock | None = None) -> SqlStore:
        """Return the store of a URL, not yet open; raises ConfigError where the URL is none.

        `sqlite:///data/monitor.db`, `sqlite://` (in memory) or
        `postgresql+asyncpg://user:password@host/database`.
        """
        return cls(Database(url, clock or SystemClock()))

    async def start(self) -> None:
        """Open the database, creating a SQLite file's folder; raises Unavailable."""
        await self._database.start()

    async def migrate(self) -> None:
        """Bring the schema up to date, whoever else does so too. Raises Unavailable, or Rejected
        where it is newer than the program."""
        if await self._database.read(is_current):
            return
        from monitor.store.migrate import upgrade  # alembic: see `version`

        await self._database.migrate(lambda connection: upgrade(connection, self._database.dialect))

    async def ping(self) -> None:
        """Raise Unavailable unless the database answers within 2 seconds."""
        await self._database.ping()

    async def stop(self) -> None:
        """Close all connections within 5 seconds. Never raises."""
        await self._database.stop()
