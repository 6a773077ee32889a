"""Topics and word lists, and the versions of topics that articles matched"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "topic",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("definition", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic")),
    )
    op.create_index("ix_topic_revision", "topic", ["revision"])
    op.create_table(
        "word_list",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("definition", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_word_list")),
    )
    op.create_index("ix_word_list_revision", "word_list", ["revision"])
    catalog = op.create_table(
        "catalog",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog")),
    )
    op.bulk_insert(catalog, [{"id": 1, "revision": 0}])
    op.add_column(
        "article", sa.Column("topic_versions", sa.Text(), server_default="[]", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("article", "topic_versions")
    op.drop_table("catalog")
    op.drop_table("word_list")
    op.drop_table("topic")
