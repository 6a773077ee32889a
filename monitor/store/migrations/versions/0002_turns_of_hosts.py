"""Turns of hosts, memory of sources, pages, hubs, changes"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, TypeAlias

import msgspec
import sqlalchemy as sa
from alembic import op

from monitor.store.columns import UTC_TIME
from monitor.store.states import host_at

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BATCH = 1_000
Columns: TypeAlias = tuple[sa.Column[Any], ...]


def _before() -> Columns:
    return (
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("interval", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("next_poll_at", _TIME, nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("last_modified", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_polled_at", _TIME, nullable=True),
        sa.Column("last_outcome", sa.Text(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", _TIME, nullable=True),
    )


def _after() -> Columns:
    return (
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("next_poll_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME, nullable=True),
        sa.Column("definition", sa.LargeBinary(), nullable=False),
        sa.Column("memory", sa.LargeBinary(), nullable=False),
    )

_COUNTERS = ("requests", "conditional", "not_modified", "throttled", "failed", "size")


def upgrade() -> None:
    op.add_column(
        "article",
        sa.Column("backlog", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    _create_host_tables()
    _create_waiting_tables()
    connection = op.get_bind()
    before = connection.execute(sa.select(_light("source", _before()))).mappings().all()
    op.drop_table("source")
    op.create_table(
        "source",
        *_after(),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_source")),
    )
    op.create_index(op.f("ix_source_host_due_at"), "source", ["host", "due_at"])
    op.create_index(op.f("ix_source_location"), "source", ["location"])
    _insert("source", _after(), [_remembered(row) for row in before])
    _insert_hosts()


def _create_host_tables() -> None:
    op.create_table(
        "host",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("next_at", _TIME, nullable=True),
        sa.Column("ready_at", _TIME, nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", _TIME, nullable=True),
        sa.Column("turns", sa.Text(), nullable=False),
        sa.Column("throttled_by", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTERS),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_host")),
    )
    op.create_index(op.f("ix_host_ready_at"), "host", ["ready_at"])
    op.create_table(
        "robots",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("fetched_at", _TIME, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("host", "origin", name=op.f("pk_robots")),
    )
    op.create_table(
        "page",
        sa.Column("article_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("article", sa.LargeBinary(), nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("give_up_at", _TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_page")),
    )
    op.create_index(op.f("ix_page_host_due_at"), "page", ["host", "due_at"])
    op.create_index(op.f("ix_page_source"), "page", ["source"])
    op.create_index(
        "ix_page_unreleased",
        "page",
        ["give_up_at"],
        sqlite_where=sa.text("NOT released"),
        postgresql_where=sa.text("NOT released"),
    )


def _create_waiting_tables() -> None:
    op.create_table(
        "source_change",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_change")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "failure",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_failure")),
    )
    op.create_index(op.f("ix_failure_at"), "failure", ["at"])
    op.create_table(
        "websub",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("confirmed_until", _TIME, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leaving", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_websub")),
    )
    op.create_index(op.f("ix_websub_token"), "websub", ["token"], unique=True)
    op.create_table(
        "push",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_push_source"), "push", ["source"])


def _remembered(row: Any) -> dict[str, Any]:
    """Return a source's new row. Its validators stay: nobody is asked without, after an upgrade."""
    polled = row["last_polled_at"] is not None
    worked = polled and row["last_outcome"] != "failed"
    memory = {
        **{name: row[name] for name in ("etag", "last_modified", "body_hash", "last_polled_at")},
        **{name: row[name] for name in ("failures", "last_outcome", "last_error")},
        "imported": worked or bool(row["body_hash"]),
        "condition": "working" if worked else "new",
    }
    definition = {
        name: row[name]
        for name in ("name", "type", "location", "title", "interval", "enabled", "owner")
    }
    return {
        **{name: row[name] for name in ("name", "type", "location", "owner", "enabled")},
        "address": row["location"],
        "host": host_at(row["location"], row["name"]),
        "next_poll_at": row["next_poll_at"],
        "due_at": row["next_poll_at"] if row["enabled"] else None,
        "definition": msgspec.msgpack.encode(definition),
        "memory": msgspec.msgpack.encode(memory),
    }


def _insert_hosts() -> None:
    source = _light("source", _after())
    first = sa.select(source.c.host, sa.func.min(source.c.due_at)).group_by(source.c.host)
    host = sa.table("host", *(sa.column(name) for name in ("host", "ready_at")))
    rest = {"turns": "[]", "throttled_by": "", **dict.fromkeys(_COUNTERS, 0)}
    columns = [*host.c.keys(), *rest]
    values = first.add_columns(*(sa.literal(value) for value in rest.values()))
    target = sa.table("host", *(sa.column(name) for name in columns))
    op.get_bind().execute(target.insert().from_select(columns, values))


def _light(name: str, columns: Columns) -> sa.TableClause:
    kinds = {column.name: UTC_TIME if column.type is _TIME else column.type for column in columns}
    return sa.table(name, *(sa.column(column, kind) for column, kind in kinds.items()))


def _insert(
    name: str, columns: Columns, rows: list[dict[str, Any]]
) -> None:
    for at in range(0, len(rows), _BATCH):
        op.get_bind().execute(_light(name, columns).insert(), rows[at : at + _BATCH])


def downgrade() -> None:
    connection = op.get_bind()
    after = connection.execute(sa.select(_light("source", _after()))).mappings().all()
    for table in ("push", "websub", "failure", "source_change", "page", "robots", "host", "source"):
        op.drop_table(table)
    with op.batch_alter_table("article", schema=None) as batch_op:
        batch_op.drop_column("backlog")
    op.create_table(
        "source",
        *_before(),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_source")),
    )
    op.create_index("ix_source_due", "source", ["enabled", "next_poll_at"])
    _insert("source", _before(), [_forgotten(row) for row in after])


def _forgotten(row: Any) -> dict[str, Any]:
    definition: dict[str, Any] = msgspec.msgpack.decode(row["definition"])
    memory = defaultdict(str, msgspec.msgpack.decode(row["memory"]))
    texts = ("etag", "last_modified", "body_hash", "last_outcome", "last_error")
    return {
        **{name: row[name] for name in ("name", "type", "location", "owner", "enabled")},
        **{name: memory[name] for name in texts},
        "title": definition.get("title", ""),
        "interval": definition.get("interval") or 900,
        "next_poll_at": row["next_poll_at"],
        "failures": int(memory.get("failures", 0)),
        "last_polled_at": memory.get("last_polled_at"),
        "lease_owner": None,
        "lease_until": None,
    }
