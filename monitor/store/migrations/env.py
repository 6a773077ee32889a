"""Alembic's entry: runs on the connection it is handed, or on MONITOR_DATABASE_URL's database."""

from __future__ import annotations

import asyncio
import os
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

from monitor.store.columns import Microseconds, Words
from monitor.store.tables import metadata
from monitor.store.url import dialect_of


def _plain(kind: str, item: Any, _context: object) -> str | Literal[False]:
    """Write our own types into a revision as what they are stored as: a revision must mean the
    same when the types are long gone."""
    if kind == "type" and isinstance(item, Microseconds | Words):
        return "sa.BigInteger()" if isinstance(item, Microseconds) else "sa.Text()"
    return False


def migrate(connection: Connection) -> None:
    """Run the migrations; SQLite changes a table by building it anew (batch mode)."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=_plain,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_migrate() -> None:
    """Serve alembic's own command line, which hands over no connection."""
    url, dialect = dialect_of(os.environ["MONITOR_DATABASE_URL"])
    pool = dialect.open_for_migration(url)
    await pool.run(migrate)
    await pool.close()


handed_over = context.config.attributes.get("connection")
if handed_over is None:
    asyncio.run(connect_and_migrate())
else:
    migrate(handed_over)
