"""What parts of long lists are found by: sources that name a hub, topics by name and by use"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from monitor.store.topics import sort_key

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BATCH = 1_000
_EMPTY = sa.text("''")


_SOURCE = sa.table(
    "source",
    sa.column("name", sa.Text()),
    sa.column("memory", sa.LargeBinary()),
    sa.column("has_hub", sa.Boolean()),
)
_TOPIC = sa.table(
    "topic",
    sa.column("id", sa.Text()),
    sa.column("definition", sa.LargeBinary()),
    sa.column("sort_key", sa.Text()),
    sa.column("uses_names", sa.Boolean()),
)


def _of_memory(packed: bytes) -> dict[str, Any]:
    try:
        hints = msgspec.msgpack.decode(packed, type=dict[str, Any]).get("hints", {})
    except (msgspec.DecodeError, UnicodeDecodeError):  # it is forgotten when it is read
        hints = {}
    return {"has_hub": bool(hints.get("hub"))}


def _of_definition(packed: bytes) -> dict[str, Any]:
    topic = msgspec.msgpack.decode(packed, type=dict[str, Any])
    return {"sort_key": sort_key(topic["name"]), "uses_names": "@" in topic["query"]}


def _fill(
    table: sa.TableClause, key: str, packed: str, values: Callable[[bytes], dict[str, Any]]
) -> None:
    connection, id_ = op.get_bind(), table.c[key]
    page = sa.select(id_, table.c[packed]).order_by(id_).limit(_BATCH)
    change = sa.update(table).where(id_ == sa.bindparam("which"))
    after = ""
    while rows := connection.execute(page.where(id_ > after)).all():
        connection.execute(change, [{"which": row[0], **values(row[1])} for row in rows])
        after = rows[-1][0]


def upgrade() -> None:
    no = sa.false()
    op.add_column("source", sa.Column("has_hub", sa.Boolean(), nullable=False, server_default=no))
    op.add_column("topic", sa.Column("sort_key", sa.Text(), nullable=False, server_default=_EMPTY))
    op.add_column("topic", sa.Column("uses_names", sa.Boolean(), nullable=False, server_default=no))
    _fill(_SOURCE, "name", "memory", _of_memory)
    _fill(_TOPIC, "id", "definition", _of_definition)
    op.create_index(
        "ix_source_hubbed", "source", ["name"],
        sqlite_where=sa.text("has_hub"), postgresql_where=sa.text("has_hub"),
    )  # fmt: skip
    op.create_index("ix_topic_sort_key_id", "topic", ["sort_key", "id"])
    op.create_index(
        "ix_topic_using", "topic", ["id"],
        sqlite_where=sa.text("uses_names"), postgresql_where=sa.text("uses_names"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_topic_using", "topic")
    op.drop_index("ix_topic_sort_key_id", "topic")
    op.drop_index("ix_source_hubbed", "source")
    op.drop_column("topic", "uses_names")
    op.drop_column("topic", "sort_key")
    op.drop_column("source", "has_hub")
