"""Brings the schema up to date with alembic, inside the caller's transaction."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from monitor.errors import Rejected
from monitor.store.dialect import Dialect
from monitor.store.version import MIGRATIONS


def upgrade(connection: Connection, dialect: Dialect) -> None:
    """Run all missing migrations. A second process waits here, and then finds nothing to do.

    Raises Rejected where the schema is newer than the program.
    """
    dialect.begin_migration(connection)
    try:
        command.upgrade(config_for(connection), "head")
    except CommandError as error:
        raise Rejected(f"the schema is of a newer release than this program: {error}") from error


def config_for(connection: Connection) -> Config:
    """Return alembic's configuration for an open connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
