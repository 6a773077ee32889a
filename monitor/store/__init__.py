"""Everything that is remembered, on SQLite or PostgreSQL: one `SqlStore` behind small protocols."""

from __future__ import annotations

from monitor.store.store import SqlStore

__all__ = ["SqlStore"]
